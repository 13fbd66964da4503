"""The picture of a network: every layer in it once, wired as planned, nothing over anything else."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import cnnmagic
from cnnmagic.layers import show
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan
from cnnmagic.ui.architecture import draw_network
from cnnmagic.ui.kinds import ALL, FOUND_BY_NAME, MERGE, PLAIN, kind_of
from cnnmagic.ui.label import text_width
from cnnmagic.ui.sketch import Box, Fork, Frame, Row, boxes_of, frames_of, read_boxes
from cnnmagic.ui.volume import lines_text, wrapped
from cnnmagic.ui.wiring import wired

SVG = "{http://www.w3.org/2000/svg}"
ZOO = Path(cnnmagic.__file__).parent / "zoo"
NETWORKS = sorted(path.stem for path in ZOO.glob("*.cnn"))
CELLS = {
    "inception3a": """input 28x28x192
branches -> concat:
    branch one:
        conv 64 1x1 relu
    branch three:
        conv 96 1x1 relu
        conv 128 3x3 same relu
    branch five:
        conv 16 1x1 relu
        conv 32 5x5 same relu
    branch pool:
        maxpool 3 /1 same
        conv 32 1x1 relu
globalavgpool
output 1000""",
    "anysize": """input ?x?x3
conv 32 3x3 same relu
maxpool 2
conv 64 3x3 same relu
maxpool 2
conv 128 3x3 same relu
globalavgpool
output 5""",
    "unet": """input 128x128x1
one <- conv 16 3x3 same relu
maxpool 2
conv 32 3x3 same bn relu
two <- conv 32 3x3 same relu
maxpool 2
conv 64 3x3 same bn relu
three <- conv 64 3x3 same relu
maxpool 2
conv 128 3x3 same bn relu
deconv 64 2x2 /2 same
concat three
conv 64 3x3 same bn relu
deconv 32 2x2 /2 same
concat two
conv 32 3x3 same bn relu
deconv 16 2x2 /2 same
concat one
conv 16 3x3 same bn relu
conv 1 1x1 sigmoid""",
    "tangled": """input 32x32x8
rescale 1/255
a <- conv 8 3x3 same
b <- conv 8 3x3 same relu
c <- conv 8 3x3 same relu
add a
conv 8 3x3 same relu
concat b
concat a
conv 8 1x1
add c b
dropout 0.2
se 4
sepconv 16 3x3 same
crop 2
upsample 2
residual:
    dwconv 3x3 same
    repeat 3:
        residual relu:
            conv 16 3x3 same relu
            conv 16 3x3 same
d <- gn 8
relu
add d d
globalavgpool
output 10""",
    "towers": """input 64x64x3
branches -> concat:
    branch left:
        repeat 12:
            conv 8 3x3 same
            conv 16 3x3 same relu
            maxpool 3 /1 same
            dwconv 3x3 same
        conv 32 1x1
        conv 33 1x1
        conv 34 1x1
        conv 35 1x1
        conv 36 1x1
        conv 37 1x1
    branch right:
        conv 8 7x7 same
    branch
    branch
pad 1
reshape 66x3366
ln
reshape 222156
output 2""",
    "bare": "input 8x8x1\noutput 10",
    "flat": "input 2x900x2\nconv 8 1x5 same relu\ndwconv 1x9 /3 same\nmaxpool 1x2\noutput 3",
}
NAMES = [*NETWORKS, *CELLS]

# Lines of a caption that are no words of layers: marks, parameters, lines of the cell.
NOTED = r"[\d,]+ params$|lines? \d|\d[\d–, ]*$|(input|output)$"

Area = tuple[float, float, float, float]


@cache
def planned(name: str) -> Plan:
    text = CELLS.get(name) or (ZOO / f"{name}.cnn").read_text(encoding="utf-8")
    return cnnmagic.plan("\n".join(line for line in text.splitlines() if not line.startswith("train")))


@cache
def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def sketched(plan: Plan) -> Row:
    return wired(read_boxes(plan))


# What the SVG shows, read from its coordinates alone.


@dataclass(frozen=True)
class Shown:
    """A box of the picture: its words, the areas of its solid and of its texts, and how often it stands for itself."""

    shape: str
    words: tuple[str, ...]
    solid: Area
    texts: tuple[Area, ...]
    times: int


def drawing(svg: str) -> ElementTree.Element:
    found = parsed(svg).find(f"{SVG}g")
    assert found is not None
    return found


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def outline(path: str) -> Iterator[tuple[float, float]]:
    """The corners of a path of M, h, v, l and z."""
    x = y = 0.0
    for letter, rest in re.findall(r"([Mhvlz])([^Mhvlz]*)", path):
        values = numbers(rest)
        if letter == "M":
            x, y = values
        elif letter == "h":
            x += values[0]
        elif letter == "v":
            y += values[0]
        elif letter == "l":
            x, y = x + values[0], y + values[1]
        yield x, y


def solid_area(group: ElementTree.Element) -> Area:
    circle = group.find(f"{SVG}g/{SVG}circle")
    if circle is not None:
        x, y = numbers(group[0].get("transform", ""))
        radius = float(circle.get("r", ""))
        return x - radius, y - radius, x + radius, y + radius
    corners = [corner for path in group[0] for corner in outline(path.get("d", ""))]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def text_area(text: str, x: float, y: float, middle: bool) -> Area:
    width = text_width(text)
    left = x - width / 2 if middle else x
    return left, y - 8, left + width, y + 2


def frames(svg: str) -> list[tuple[Area, int]]:
    found = []
    for border, label in pairwise(drawing(svg)):
        if border.tag == f"{SVG}rect":
            x, y, width, height = (float(border.get(name, "")) for name in ("x", "y", "width", "height"))
            found.append(((x, y, x + width, y + height), int((label.text or "").removeprefix("×"))))
    return found


def shown(svg: str) -> list[Shown]:
    boxes = []
    for group in drawing(svg).findall(f"{SVG}g"):
        spans = list(group.iter(f"{SVG}tspan"))
        areas = [text_area(s.text or "", float(s.get("x", "")), float(s.get("y", "")), True) for s in spans]
        shape, *words = [span.text or "" for span in spans]
        solid = solid_area(group)
        times = 1
        for frame, count in frames(svg):
            times *= count if inside(solid, frame) else 1
        boxes.append(Shown(shape, tuple(words), solid, tuple(areas), times))
    return boxes


def wires(svg: str) -> Iterator[list[tuple[float, float]]]:
    """The points of each wire, arrows left out: an arrow's lines are neither level nor upright."""
    for path in drawing(svg).findall(f"{SVG}path"):
        for wire in path.get("d", "").split("M")[1:]:
            points = [tuple(numbers(part)[-2:]) for part in re.split("[LQ]", wire)]
            if any(x == right or y == down for (x, y), (right, down) in pairwise(points)):
                yield [(x, y) for x, y in points]


def segments(wire: list[tuple[float, float]]) -> Iterator[Area]:
    """The level and upright parts of a wire."""
    for (x, y), (right, down) in pairwise(wire):
        if x == right or y == down:
            yield min(x, right), min(y, down), max(x, right), max(y, down)


def inside(area: Area, other: Area) -> bool:
    return area[0] >= other[0] and area[1] >= other[1] and area[2] <= other[2] and area[3] <= other[3]


def overlap(one: Area, other: Area) -> bool:
    """Whether two areas have a point within both; a common edge is none."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def common_length(one: Area, other: Area) -> float:
    """How far two parts of wires lie on one another."""
    across, down = (min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis]) for axis in (0, 1))
    return max(across, down) if min(across, down) >= 0 else 0


def all_texts(svg: str) -> list[Area]:
    """The areas of all texts but the title's, each one line."""
    areas = [area for box in shown(svg) for area in box.texts]
    for text in [*drawing(svg).findall(f"{SVG}text"), *parsed(svg).findall(f"{SVG}text")[1:]]:
        for line in text.findall(f"{SVG}tspan") or [text]:
            areas.append(text_area(line.text or "", float(line.get("x", "")), float(line.get("y", "")), False))
    return areas


# What the plan says, told without the picture's own code.


def told(words: Iterable[str]) -> Counter[str]:
    """Words of layers; named options, of which the picture leaves some to the table, count for nothing."""
    return Counter(word for word in words if "=" not in word)


def is_wiring_of(row: Row, boxes: list[Box]) -> bool:
    """Whether a row, frames unrolled, holds the very graph of the boxes; each is known by all that leads to it."""
    known: list[int] = []
    for box in boxes:
        known.append(hash((box.phrases, box.shape, tuple(sorted(known[source] for source in box.sources)))))
    found: list[int] = []
    unroll(row, 0, found)
    return Counter(known) == Counter(found)


def unroll(row: Row, entry: int, found: list[int]) -> int:
    """Note what each box of a row is and reads; give what leaves the row."""
    outputs = {-1: entry}
    for place, piece in enumerate(row.pieces):
        reads = [outputs[source] for source, target in row.arcs if target == place]
        if place not in row.loose and (place > 0 or entry):
            reads.append(outputs[place - 1])
        match piece:
            case Box():
                outputs[place] = hash((piece.phrases, piece.shape, tuple(sorted(reads))))
                found.append(outputs[place])
            case Fork(rows, merge):
                ends = [unroll(branch, reads[0], found) for branch in rows]
                outputs[place] = hash((merge.phrases, merge.shape, tuple(sorted(ends))))
                found.append(outputs[place])
            case Frame(inner, times):
                (end,) = reads
                for _ in range(times):
                    end = unroll(inner, end, found)
                outputs[place] = end
    return outputs[len(row.pieces) - 1] if row.pieces else entry


def random_cell(seed: int) -> str:
    """Layers that read one another as they like; whatever nobody reads is brought together at the end."""
    choose = random.Random(seed)
    lines, unread = ["input 8x8x4", "l0 <- conv 4 1x1"], {"l0"}
    for number in range(1, choose.randint(3, 30)):
        name = f"l{number}"
        labels = [f"l{before}" for before in range(number)]
        source = choose.choice([labels[-1], labels[-1], *labels])
        unread.discard(source)
        lines.append(f"from {source}")
        if choose.random() < 0.4:
            others = choose.sample(labels, min(len(labels), choose.randint(1, 3)))
            unread.difference_update(others)
            lines.append(f"add {' '.join(others)}")
        lines.append(f"{name} <- {choose.choice(['conv 4 1x1', 'conv 4 3x3 same', 'maxpool 3 /1 same'])}")
        unread.add(name)
    return "\n".join([*lines, f"add {' '.join(sorted(unread))}", "globalavgpool", "output 3"])


@cache
def random_plan(seed: int) -> Plan:
    return cnnmagic.plan(random_cell(seed))


SEEDS = range(40)
PLANS = [pytest.param(planned, name, id=name) for name in NAMES]
PLANS += [pytest.param(random_plan, seed, id=f"random{seed}") for seed in SEEDS]
every_plan = pytest.mark.parametrize("make, key", PLANS)


@every_plan
def test_every_layer_is_there_once(make, key) -> None:
    plan = make(key)
    boxes = shown(draw_network(plan, "net"))
    words: Counter[str] = Counter()
    for box in boxes:
        kept = [line for line in box.words if not re.match(NOTED, line)]
        for word, count in told(" ".join(kept).split()).items():
            words[word] += count * box.times
    assert words == told(word for step in plan.steps for word in phrase(step.layer).split())


@every_plan
def test_parameters_are_the_plan_s(make, key) -> None:
    plan = make(key)
    counted = 0
    for box in shown(draw_network(plan)):
        counts = [line for line in box.words if line.endswith(" params")]
        counted += sum(int(line.split()[0].replace(",", "")) for line in counts) * box.times
    assert counted == plan.parameters


@every_plan
def test_shapes_are_the_plan_s(make, key) -> None:
    plan = make(key)
    drawn: Counter[tuple[str, str]] = Counter()
    for box in shown(draw_network(plan)):
        drawn[box.shape, " ".join(box.words).removeprefix("output ").split()[0]] += box.times
    wanted = Counter({(show(plan.input_shape), "input"): 1})
    wanted.update((show(step.output_shape), phrase(step.layer).split()[0]) for step in plan.steps)
    # Layers that change no shape have a box of their own only where there is none before them that can hold them.
    assert drawn <= wanted
    plain = {phrase(step.layer).split()[0] for step in plan.steps if kind_of(step.layer) is PLAIN}
    assert {head for _, head in wanted - drawn} <= plain


@every_plan
def test_wires_are_the_plan_s(make, key) -> None:
    boxes = read_boxes(make(key))
    assert is_wiring_of(wired(boxes), boxes)


@every_plan
def test_nothing_lies_on_anything_else(make, key) -> None:
    svg = draw_network(make(key), "net")
    texts, solids = all_texts(svg), [box.solid for box in shown(svg)]
    assert [pair for pair in combinations(texts + solids, 2) if overlap(*pair)] == []
    parts = [part for wire in wires(svg) for part in segments(wire)]
    assert [(part, area) for part in parts for area in texts + solids if overlap(part, area)] == []
    width, height = (float(parsed(svg).get(name, "")) for name in ("width", "height"))
    assert all(inside(area, (0, 0, width, height)) for area in [*texts, *solids, *parts])


@every_plan
def test_wires_run_together_only_where_they_have_an_end_in_common(make, key) -> None:
    for one, other in combinations(wires(draw_network(make(key))), 2):
        if one[0] != other[0] and one[-1] != other[-1]:
            pairs = [(a, b) for a in segments(one) for b in segments(other)]
            assert [pair for pair in pairs if common_length(*pair) > 0] == []


@every_plan
def test_frames_hold_boxes_whole(make, key) -> None:
    svg = draw_network(make(key))
    for box in shown(svg):
        for frame, _ in frames(svg):
            assert inside(box.solid, frame) == overlap(box.solid, frame)
            assert all(inside(text, frame) == inside(box.solid, frame) for text in box.texts)


@pytest.mark.parametrize("name", NAMES)
def test_it_stands_alone_and_beside_others(name: str) -> None:
    svg = draw_network(planned(name), name)
    root = parsed(svg)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.get("role") == "img"
    assert not [element for element in root.iter() if element.get("id")]
    assert not re.search(r"url\(|href|<pattern|<defs|<style", svg)
    assert 'color="#222"' in draw_network(planned(name), color="#222")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_no_wider_than_a_notebook(name: str) -> None:
    assert float(parsed(draw_network(planned(name), name)).get("width", "")) <= 1060


@pytest.mark.parametrize("name", NAMES)
def test_all_kinds_are_in_the_legend(name: str) -> None:
    svg = draw_network(planned(name))
    kinds = {kind_of(step.layer) for step in planned(name).steps} - {PLAIN}
    texts = {element.text for element in parsed(svg).findall(f"{SVG}text")}
    assert {kind.label for kind in kinds} < texts


def test_kinds_differ_without_colour() -> None:
    looks = [(kind.hatch, kind.face, kind.dash) for kind in ALL if kind is not MERGE]
    assert len(set(looks)) == len(looks)
    assert len({kind.color for kind in FOUND_BY_NAME}) == len(FOUND_BY_NAME)


def test_layers_that_change_no_shape_are_in_the_box_before() -> None:
    boxes = read_boxes(cnnmagic.plan("input 8x8x1\nconv 4 3x3 same bn relu\ndropout 0.5\nmaxpool 2\nrelu\noutput 2"))
    assert [box.phrases for box in boxes[1:4]] == [
        ("conv 4 3x3 same", "bn", "relu", "dropout 0.5"),
        ("maxpool 2", "relu"),
        ("flatten",),
    ]


def test_a_layer_whose_input_is_read_elsewhere_is_a_box_of_its_own() -> None:
    boxes = read_boxes(cnnmagic.plan("input 8x8x4\na <- conv 4 3x3 same\nrelu\nadd a\nglobalavgpool\noutput 2"))
    assert [box.phrases for box in boxes[1:4]] == [("conv 4 3x3 same",), ("relu",), ("add",)]


def test_a_repeated_stretch_is_drawn_once() -> None:
    text = "input 8x8x4\nrepeat 3:\n    residual relu:\n        conv 4 3x3 same relu\n        conv 4 3x3 same\noutput 2"
    svg = draw_network(cnnmagic.plan(text))
    ((_, times),) = frames(svg)
    assert times == 3
    assert [box.words[0] for box in shown(svg) if box.times == 3] == ["conv 4 3x3 same", "conv 4 3x3 same", "add"]


def test_repeats_in_repeats() -> None:
    inner = "    repeat 3:\n        conv 4 3x3 same relu\n    conv 4 1x1"
    row = sketched(cnnmagic.plan(f"input 8x8x4\nrepeat 2:\n{inner}\noutput 2"))
    assert [frame.times for frame in frames_of(row)] == [2, 3]
    assert [count for _, count in boxes_of(row)] == [1, 6, 2, 1, 1]


def test_a_pair_of_boxes_is_drawn_out_and_so_is_what_differs() -> None:
    pair = sketched(cnnmagic.plan("input 8x8x4\nconv 4 3x3 same\nconv 4 3x3 same\noutput 2"))
    differing = sketched(cnnmagic.plan("input 8x8x4\nconv 4 1x1\nconv 5 1x1\nconv 6 1x1\nconv 7 1x1\noutput 2"))
    assert [*frames_of(pair), *frames_of(differing)] == []


def test_copies_on_several_lines_tell_all_of_them() -> None:
    svg = draw_network(cnnmagic.plan("input 8x8x4" + "\nconv 4 3x3 same" * 5 + "\noutput 2"))
    assert [box.words for box in shown(svg) if box.times == 5] == [("conv 4 3x3 same", "148 params", "lines 2–6")]


def test_a_skip_is_an_arc_and_a_projection_a_row() -> None:
    skip = sketched(cnnmagic.plan("input 8x8x4\nresidual:\n    conv 4 3x3 same\nglobalavgpool\noutput 2"))
    assert skip.arcs == ((0, 2),)
    projected = sketched(cnnmagic.plan("input 8x8x4\nresidual:\n    conv 8 3x3 same\nglobalavgpool\noutput 2"))
    assert [len(piece.rows) for piece in projected.pieces if isinstance(piece, Fork)] == [2]


def test_free_sizes_are_shown_and_shrink() -> None:
    svg = draw_network(planned("anysize"))
    boxes = shown(svg)
    assert [box.shape for box in boxes] == ["?x?x3", "?x?x32", "?x?x32", "?x?x64", "?x?x64", "?x?x128", "128", "5"]
    heights = [box.solid[3] - box.solid[1] for box in boxes[:6]]
    assert heights[0] == heights[1] > heights[2] == heights[3] > heights[4] == heights[5]
    assert "? is" in svg


def test_larger_faces_and_more_channels_are_drawn_larger() -> None:
    boxes = shown(draw_network(planned("vgg16")))
    sizes = {box.shape: (box.solid[3] - box.solid[1], box.solid[2] - box.solid[0]) for box in boxes}
    tall = [sizes[shape][0] for shape in ("224x224x64", "112x112x128", "56x56x256", "28x28x512", "14x14x512")]
    assert tall == sorted(tall, reverse=True) and len(set(tall)) == 5
    assert sizes["224x224x64"][1] > sizes["224x224x3"][1]
    assert sizes["25088"][0] > sizes["4096"][0] > sizes["1000"][0]


@pytest.mark.parametrize("name", ['<script>alert("&")</script>', "한국어", "a\x00b", "long " * 90])
def test_names_of_users_are_escaped_and_fit(name: str) -> None:
    root = ElementTree.fromstring(draw_network(planned("lenet5"), name))
    assert not list(root.iter(f"{SVG}script"))
    assert root.get("aria-label", "").startswith(name.replace("\x00", ""))
    title = "".join(root.findall(f"{SVG}text")[0].itertext())
    assert text_width(title) <= float(root.get("width", ""))


def described(net: str, name: str = "") -> str:
    return ElementTree.fromstring(draw_network(planned(net), name)).get("aria-label", "")


def test_the_sentence_for_those_who_don_t_see_it() -> None:
    assert described("lenet5", "lenet5") == (
        "lenet5: 8 layers, 61,706 parameters, from input 28x28x1 to output 10 (softmax); one path without branches"
    )
    assert described("resnet20") == (
        "network: 72 layers, 274,042 parameters, from input 32x32x3 to output 10 (softmax); "
        "paths part and meet 9 times, 9 by add; 3 stretches drawn once that come several times"
    )


def test_lines_and_words() -> None:
    assert [lines_text(lines) for lines in ([], [4], [7, 6], [6, 7, 8, 15])] == [
        "",
        "line 4",
        "lines 6–7",
        "lines 6–8, 15",
    ]
    assert wrapped("conv 64 3x3 same relu", 100) == ["conv 64 3x3", "same relu"]
    assert wrapped("", 100) == []


def test_it_is_small() -> None:
    assert len(draw_network(planned("resnet50"), "resnet50")) < 60_000


def test_deep_nesting_is_drawn() -> None:
    """Skips within skips, more of them than Python's stack has room for."""
    labels = "\n".join(f"l{number} <- conv 2 1x1" for number in range(400))
    sums = "\n".join(f"add l{number}" for number in reversed(range(399)))
    plan = cnnmagic.plan(f"input 4x4x2\n{labels}\n{sums}\noutput 2")
    boxes = read_boxes(plan)
    assert is_wiring_of(wired(boxes), boxes)
    ElementTree.fromstring(draw_network(plan))
