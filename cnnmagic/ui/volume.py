"""Draws one box: the volume that a layer gives, as an oblique solid or a bar, and the words around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log, sqrt

from cnnmagic.layers import show
from cnnmagic.markup import xml_text
from cnnmagic.ui.kinds import MERGE, Kind
from cnnmagic.ui.label import fitted, text_width
from cnnmagic.ui.sketch import Box

# All in pixels: a volume's longest edges, and what is added so that the shortest are seen.
TALLEST, THICKEST = 64, 34
LEAST_SIDE, LEAST_THICKNESS = 8, 3
# What a face that is seen from the side keeps of its width, across and down.
OBLIQUE = 0.36
BAR = 9
RADIUS = 11
# A narrower face has no room for the upright lines of a hatch.
LEAST_HATCHED = 10
# The pitch of the lines of text, and the width at which words are wrapped, or cut if they are a single one.
PITCH = 12
NARROW, WIDEST = 100, 150
BOLD, FAINT = ' font-weight="600"', ' opacity=".7"'
SIGNS = {
    "add": "M-5 0h10M0 -5v10",
    "multiply": "M-4 -4l8 8M4 -4l-8 8",
    "concat": "M-5 -4h10M-5 0h10M-5 4h10",
    "average": "M-5 4L0 -5L5 4M-3 1h6",
    "max": "M-5 3L0 -5L5 3",
}


@dataclass(frozen=True)
class Solid:
    """A box's edges in pixels: `depth` is how far its side face leans, up and to the right."""

    thickness: int
    height: int
    depth: int = 0

    @property
    def width(self) -> int:
        return self.thickness + self.depth

    @property
    def tall(self) -> int:
        return self.height + self.depth


@dataclass(frozen=True)
class Measure:
    """The largest sizes of a network, which the edges of all solids are measured by."""

    side: float = 16
    channels: float = 32
    units: float = 1000

    def solid(self, box: Box) -> Solid:
        """A volume for height, width and channels, a sheet for two sizes, a bar for a list of numbers."""
        if box.kind is MERGE:
            return Solid(2 * RADIUS, 2 * RADIUS)
        if len(box.size) == 1:
            return Solid(BAR, round(LEAST_SIDE + TALLEST * log(1 + box.size[0]) / log(1 + self.units)))
        *sides, channels = box.size or (1, 1)
        thickness = round(LEAST_THICKNESS + THICKEST * sqrt(min(1, channels / self.channels)))
        height = self._edge(sides[0])
        # A face that leans farther than it is tall would leave no level way into the solid and out of it.
        return Solid(thickness, height, min(height, round(OBLIQUE * self._edge(sides[1]))) if sides[1:] else 0)

    def _edge(self, side: float) -> int:
        return round(LEAST_SIDE + TALLEST * sqrt(min(1, side / self.side)))


def measure(boxes: Iterable[Box]) -> Measure:
    """Take the largest side, channels and list of all boxes, or what keeps tiny networks from looking huge."""
    least = Measure()
    sizes = [box.size for box in boxes]
    volumes = [size for size in sizes if len(size) > 2]
    return Measure(
        max([least.side, *(side for size in volumes for side in size[:-1])]),
        max([least.channels, *(size[-1] for size in volumes)]),
        max([least.units, *(size[0] for size in sizes if len(size) == 1)]),
    )


@dataclass(frozen=True)
class Caption:
    """What is written at a box: its shape, in bold, and lines of words, the first `strong`, the last `quiet`."""

    shape: str
    words: tuple[str, ...]
    strong: int = 0
    quiet: int = 0

    @property
    def width(self) -> float:
        return max(map(text_width, (self.shape, *self.words)))


def caption(box: Box) -> Caption:
    """The words of a box: its mark, the layer, those folded into it, parameters, lines of the cell."""
    folded = wrapped(" ".join(box.phrases[1:]), NARROW)
    mark = wrapped(box.mark, NARROW)
    words = [*mark, *wrapped(" ".join(box.phrases[:1]), NARROW), *folded]
    counted = [f"{box.parameters:,} params"] if box.parameters else []
    quiet = [*counted, *wrapped(lines_text(box.lines), NARROW)]
    cut = (fitted(line, WIDEST) for line in (*words, *quiet))
    return Caption(fitted(show(box.shape), WIDEST), tuple(cut), len(mark), len(quiet))


def lines_text(lines: Iterable[int]) -> str:
    """`line 6`, `lines 6–7, 15`."""
    numbers = sorted(lines)
    if not numbers:
        return ""
    runs = [[line for _, line in run] for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])]
    told = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return f"line {told}" if len(numbers) == 1 else f"lines {told}"


def wrapped(text: str, pixels: float) -> list[str]:
    """Break a text between words into lines of so many pixels; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(f"{lines[-1]} {word}") <= pixels:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def draw_solid(kind: Kind, solid: Solid, x: int, y: int) -> str:
    """Draw a solid whose left upper corner, that of the rectangle around it, is at x, y."""
    t, h, d = solid.thickness, solid.height, solid.depth
    front = f'<path fill-opacity=".5" d="M{x} {y + d}h{t}v{h}h-{t}z"/>'
    top = f'<path fill-opacity=".15" d="M{x} {y + d}l{d} -{d}h{t}l-{d} {d}z"/>' if d else ""
    side = f'<path fill-opacity=".3" d="M{x + t} {y + d}l{d} -{d}v{h}l-{d} {d}z"/>' if d else ""
    dash = f' stroke-dasharray="{kind.dash}"' if kind.dash else ""
    return (
        f'<g fill="{kind.color}" stroke="{kind.color}" stroke-linejoin="round"{dash}>{top}{side}{front}</g>'
        f"{_draw_hatch(kind, solid, x, y)}"
    )


def draw_merge(verb: str, x: int, y: int) -> str:
    """Draw the circle in which paths meet around x, y, with the sign of what happens there."""
    sign = SIGNS.get(verb, "M-2 0h4")
    return (
        f'<g transform="translate({x} {y})" fill="none" stroke="currentColor">'
        f'<circle r="{RADIUS}" fill="{MERGE.color}" fill-opacity=".25"/><path stroke-width="1.75" d="{sign}"/></g>'
    )


def draw_caption(words: Caption, x: int, top: int, bottom: int, merge: bool) -> str:
    """Write a box's shape above it, at a merge below it with the rest, all around x."""
    first = "" if merge else _tspans([(words.shape, BOLD)], x, top - 5)
    below = [(words.shape, BOLD)] if merge else []
    styles = [BOLD] * words.strong + [""] * (len(words.words) - words.strong - words.quiet) + [FAINT] * words.quiet
    below += zip(words.words, styles, strict=True)
    lines = _tspans(below, x, bottom + PITCH)
    return f'<text text-anchor="middle">{first}{lines}</text>'


def _tspans(lines: Sequence[tuple[str, str]], x: int, y: int) -> str:
    return "".join(
        f'<tspan x="{x}" y="{y + PITCH * place}"{style}>{xml_text(text)}</tspan>'
        for place, (text, style) in enumerate(lines)
    )


def _draw_hatch(kind: Kind, solid: Solid, x: int, y: int) -> str:
    """Draw a kind's hatch on its face, as a path in the ink of the text: no pattern, whose id others could have."""
    t, h, d = solid.thickness, solid.height, solid.depth
    on_side = d > 0 and (kind.face == "side" or t < LEAST_HATCHED)
    left, top, across, rise = (x + t, y + d, d, d) if on_side else (x, y + d, t, 0)
    lines = [line for line in kind.hatch if line[0] != line[2] or across >= LEAST_HATCHED]
    path = "".join(
        f"M{left + across * a:.0f} {top + h * b - rise * a:.0f}L{left + across * c:.0f} {top + h * e - rise * c:.0f}"
        for a, b, c, e in lines
    )
    style = 'fill="none" stroke="currentColor" stroke-opacity=".55" stroke-width=".75"'
    return f'<path {style} d="{path}"/>' if path else ""
