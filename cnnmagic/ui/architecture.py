"""Draws a network as one SVG: volumes in width, height and depth, branches, skips, and repeated stretches once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from cnnmagic.layers import show
from cnnmagic.markup import xml_text
from cnnmagic.plans import Plan
from cnnmagic.ui.area import Area, Border, Cell, Point, Wire
from cnnmagic.ui.kinds import ALL, MERGE, Kind, kind_of
from cnnmagic.ui.label import FONT_SIZE, fitted, text_width
from cnnmagic.ui.layout import place
from cnnmagic.ui.sketch import FREE_SIZE, Box, Row, boxes_of, frames_of, read_boxes
from cnnmagic.ui.volume import BAR, PITCH, Solid, draw_caption, draw_merge, draw_solid, measure, wrapped
from cnnmagic.ui.wiring import wired

# All in pixels: the lines on which the network is set, the margin around all, and the samples of the legend.
WIDTH = 960
MARGIN = 12
SAMPLE = Solid(9, 13, 6)
TITLE_SIZE = 15
BARS = ("dense", "new shape")
ENTRY = 32
ROUND = 5


def draw_network(plan: Plan, name: str = "", color: str = "currentColor") -> str:
    """Draw a plan's network as one `<svg>`, in HTML or as a file of its own, which needs a `color` for text and lines.

    A box is what a layer gives, with its shape, words, parameters and line of the cell. Layers that change no shape
    stand in the box before them; what comes several times is drawn once, in a frame that says how often.
    """
    row = wired(read_boxes(plan))
    boxes = [box for box, _ in boxes_of(row)]
    area = place(row, measure(boxes), WIDTH)
    width = ceil(max(area.width, min(WIDTH, _title_width(plan, name))) + 2 * MARGIN)
    down = MARGIN + 3 * PITCH
    area = area.at(MARGIN, down - area.top)
    kinds = [kind for kind in ALL if kind in {box.kind for box in boxes}]
    legend, bottom = _draw_legend(
        kinds, _sign(boxes), _explained(plan, row), width - 2 * MARGIN, area.bottom + 2 * PITCH
    )
    paint = "" if color == "currentColor" else f' color="{xml_text(color)}"'
    height = bottom + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'style="max-width:100%;height:auto" font-size="{FONT_SIZE}" font-family="sans-serif" fill="currentColor"'
        f'{paint} role="img" aria-label="{xml_text(_described(plan, name, row))}">'
        f"{_draw_title(plan, name)}{_draw_area(area)}{legend}</svg>"
    )


def _described(plan: Plan, name: str, row: Row) -> str:
    meets = Counter(step.layer.kind.lower() for step in plan.steps if kind_of(step.layer) is MERGE)
    joins = " and ".join(f"{count} by {verb}" for verb, count in meets.items())
    paths = f"paths part and meet {meets.total()} times, {joins}" if meets else "one path without branches"
    repeats = [frame.times for frame in frames_of(row)]
    told = f"; {_count(len(repeats), 'stretch', 'stretches')} drawn once that come several times" if repeats else ""
    return f"{name or 'network'}: {_counts(plan)}, from {_ends(plan)}; {paths}{told}"


def _counts(plan: Plan) -> str:
    return f"{_count(len(plan.steps), 'layer', 'layers')}, {_count(plan.parameters, 'parameter', 'parameters')}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _ends(plan: Plan) -> str:
    shape = plan.steps[-1].output_shape if plan.steps else plan.input_shape
    answer = f" ({plan.output.activation})" if plan.output else ""
    return f"input {show(plan.input_shape)} to output {show(shape)}{answer}"


def _explained(plan: Plan, row: Row) -> str:
    """What a reader may wonder about in this picture."""
    told = ["A box is what a layer gives: height, width, and channels as thickness, by their roots; a bar is a list."]
    if any(None in step.output_shape for step in plan.steps):
        told.append(f"? is free: drawn for {FREE_SIZE} pixels.")
    if any(frames_of(row)):
        told.append("What a frame holds comes as often as it says, one after the other.")
    return " ".join(told)


def _title_width(plan: Plan, name: str) -> float:
    return text_width(name) * TITLE_SIZE / FONT_SIZE + text_width(_counts(plan)) + 2 * MARGIN


def _draw_title(plan: Plan, name: str) -> str:
    kept = fitted(name, (WIDTH - text_width(_counts(plan)) - 2 * MARGIN) * FONT_SIZE / TITLE_SIZE)
    heading = f'<tspan font-size="{TITLE_SIZE}" font-weight="600">{xml_text(kept)}</tspan>' if kept else ""
    gap = f' dx="{MARGIN}"' if kept else ""
    return f'<text x="{MARGIN}" y="{MARGIN + 10}">{heading}<tspan{gap}>{_counts(plan)}</tspan></text>'


def _draw_area(area: Area) -> str:
    lines = "".join(map(_wire_path, area.wires))
    wires = f'<path fill="none" stroke="currentColor" stroke-width="1.1" opacity=".6" d="{lines}"/>' if lines else ""
    drawn = "".join([*map(_draw_border, area.borders), wires, *map(_draw_cell, area.cells)])
    # In the middle of pixels, lines of one pixel are crisp, and no darker where several lie on one another.
    return f'<g transform="translate(.5 .5)">{drawn}</g>'


def _draw_border(border: Border) -> str:
    return (
        f'<rect x="{border.left}" y="{border.top}" width="{border.width}" height="{border.height}" rx="6" '
        f'fill="currentColor" fill-opacity=".04" stroke="currentColor" stroke-opacity=".4" stroke-dasharray="5 3"/>'
        f'<text x="{border.left + 8}" y="{border.top + PITCH}" font-weight="600">×{border.times}</text>'
    )


def _draw_cell(cell: Cell) -> str:
    merge = cell.box.kind is MERGE
    words = draw_caption(cell.caption, cell.x, cell.top, cell.bottom, merge)
    if merge:
        return f"<g>{draw_merge(cell.box.phrases[0], cell.x, cell.y)}{words}</g>"
    return f"<g>{draw_solid(cell.box.kind, cell.solid, cell.left, cell.top)}{words}</g>"


def _wire_path(wire: Wire) -> str:
    """The wire with rounded corners, and its arrow as an open angle: a marker would need an id."""
    points = [point for place, point in enumerate(wire.points) if place == 0 or point != wire.points[place - 1]]
    start, end = points[0], points[-1]
    corners = "".join(_corner(*three) for three in zip(points, points[1:], points[2:], strict=False))
    return f"M{start[0]} {start[1]}{corners}L{end[0]} {end[1]}{_arrow(points[-2], end) if wire.arrow else ''}"


def _corner(before: Point, corner: Point, after: Point) -> str:
    (ax, ay), (bx, by) = _short_of(corner, before), _short_of(corner, after)
    return f"L{ax} {ay}Q{corner[0]} {corner[1]} {bx} {by}"


def _short_of(corner: Point, other: Point) -> Point:
    """The point on the way from a corner to another where its rounding ends."""
    dx, dy = other[0] - corner[0], other[1] - corner[1]
    length = min(ROUND, (abs(dx) + abs(dy)) // 2)
    return corner[0] + length * ((dx > 0) - (dx < 0)), corner[1] + length * ((dy > 0) - (dy < 0))


def _arrow(before: Point, tip: Point) -> str:
    x, y = tip
    return (
        f"M{x - 4} {y - 3}L{x} {y}L{x - 4} {y + 3}" if before[1] == y else f"M{x - 3} {y - 4}L{x} {y}L{x + 3} {y - 4}"
    )


def _draw_legend(kinds: Sequence[Kind], sign: str, explained: str, width: int, y: int) -> tuple[str, int]:
    """Draw a sample of each kind and the explanation below; give also where they end."""
    drawn, x = [], MARGIN
    for kind in kinds:
        room = ENTRY + ceil(text_width(kind.label))
        if x > MARGIN and x + room > MARGIN + width:
            x, y = MARGIN, y + 2 * PITCH
        drawn.append(f'{_draw_sample(kind, sign, x, y)}<text x="{x + ENTRY - 5}" y="{y + 4}">{kind.label}</text>')
        x += room + ENTRY // 2
    lines = wrapped(explained, width)
    y += 2 * PITCH
    notes = "".join(f'<tspan x="{MARGIN}" y="{y + PITCH * place}">{line}</tspan>' for place, line in enumerate(lines))
    return f'{"".join(drawn)}<text opacity=".7">{notes}</text>', y + PITCH * (len(lines) - 1)


def _sign(boxes: Sequence[Box]) -> str:
    """What the first place where paths meet does, whose sign stands for all in the legend."""
    return next((box.phrases[0] for box in boxes if box.kind is MERGE), "")


def _draw_sample(kind: Kind, sign: str, x: int, y: int) -> str:
    if kind is MERGE:
        return draw_merge(sign, x + 10, y)
    solid = Solid(BAR, 20) if kind.label in BARS else SAMPLE
    return draw_solid(kind, solid, x + 2, y - solid.tall // 2)
