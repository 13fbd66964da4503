"""Sets a row on lines, as text is set, and leads its wires: to the next piece, and over those that arcs skip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cnnmagic.ui.area import GAP, LEAVE, Area, Point, Wire, united
from cnnmagic.ui.kinds import MERGE
from cnnmagic.ui.sketch import Arc, Box, Piece, Row

# In pixels: between lines, and how far arcs pass over what they span.
LINE_GAP, PASS = 22, 10
# A line is broken where fewest arcs are, once it is so full.
FULL = 0.55


@dataclass
class _Lines:
    """A row set on lines: the areas of its pieces, the pieces of each line, and the height of each arc on a line."""

    row: Row
    areas: list[Area]
    lines: list[range]
    heights: dict[tuple[Arc, int], int] = field(default_factory=dict)


def set_row(row: Row, areas: list[Area], limit: int) -> Area:
    """Set a row, whose pieces take these areas, on lines of `limit` pixels; a single piece may be wider."""
    lines = break_lines([area.width for area in areas], row.arcs, limit)
    laid = _lay(row, areas, lines)
    right = max(area.right for area in laid.areas)
    wires = [*_straight_wires(laid), *_arc_wires(laid, right)]
    far = max([right, *(x for wire in wires for x, _ in wire.points)])
    whole = united(laid.areas, laid.areas[0].entry, laid.areas[-1].exit, wires, far)
    return replace(whole, top=min([whole.top, *laid.heights.values()]), arrow=laid.areas[0].arrow)


def break_lines(widths: Sequence[int], arcs: Sequence[Arc], limit: int) -> list[range]:
    """Part pieces into lines of `limit` pixels, rather where few arcs are than where a line is quite full."""
    lines: list[range] = []
    first = 0
    while first < len(widths):
        ends = _possible_ends(widths, first, limit)
        crossing = {end: sum(source < end <= target for source, target in arcs) for end in ends}
        end = min(reversed(ends), key=crossing.__getitem__)
        lines.append(range(first, end))
        first = end
    return lines


def _possible_ends(widths: Sequence[int], first: int, limit: int) -> list[int]:
    filled, ends = widths[first], [first + 1]
    while ends[-1] < len(widths) and filled + GAP + widths[ends[-1]] <= limit:
        filled += GAP + widths[ends[-1]]
        # Shorter lines are forgotten once there is a line that is full enough.
        ends = [*(ends if filled > FULL * limit else []), ends[-1] + 1]
    return [len(widths)] if ends[-1] == len(widths) else ends


def _lay(row: Row, areas: list[Area], lines: list[range]) -> _Lines:
    """Put the areas in their places, line below line, with room for the arcs above each."""
    laid = _Lines(row, [], lines)
    margin = GAP if len(lines) > 1 or any(source < 0 for source, _ in row.arcs) else 0
    bottom = 0
    for number, line in enumerate(lines):
        placed = _lay_line([areas[place] for place in line], margin)
        heights = _heights(row, line, placed)
        top = min([*heights.values(), *(area.top for area in placed)])
        laid.areas += [area.at(0, bottom - top) for area in placed]
        laid.heights |= {(arc, number): height + bottom - top for arc, height in heights.items()}
        bottom += max(area.bottom for area in placed) - top + LINE_GAP
    return laid


def _lay_line(areas: Sequence[Area], left: int) -> list[Area]:
    placed: list[Area] = []
    level = 0
    for area in areas:
        placed.append(area.at(left - area.left, level - area.entry[1]))
        left, level = placed[-1].right + GAP, placed[-1].exit[1]
    return placed


def _heights(row: Row, line: range, placed: Sequence[Area]) -> dict[Arc, int]:
    """How high each arc passes over a line: above the pieces and the shorter arcs that it spans."""
    spans = {arc: span for arc in row.arcs if (span := _span(row, arc, line))}
    heights: dict[Arc, int] = {}
    for arc, (start, end) in sorted(spans.items(), key=lambda item: item[1][1] - item[1][0]):
        under = [placed[-1].exit[1] - PASS]
        under += [area.top for place, area in zip(line, placed, strict=True) if start <= 2 * place <= end]
        under += [heights[o] for o in heights if spans[o][0] <= end and start <= spans[o][1]]
        heights[arc] = min(under) - PASS
    return heights


def _span(row: Row, arc: Arc, line: range) -> tuple[float, float] | None:
    """From where to where an arc is over a line, counted so that piece p is at 2p and the gap after it at 2p + 1."""
    source, target = arc
    landing = 2 * target - (0 if _is_merge(row.pieces[target]) else 0.5)
    starts = source in line or (source < 0 and line.start == 0)
    if starts:
        return 2 * source + 1, landing if target in line else 2 * len(row.pieces)
    return (landing, 2 * len(row.pieces)) if target in line else None


def _is_merge(piece: Piece) -> bool:
    return isinstance(piece, Box) and piece.kind is MERGE


def _straight_wires(laid: _Lines) -> Iterable[Wire]:
    """Wires from each piece to the next; from the end of a line they lead back to the left, below it."""
    firsts = {line.start: laid.areas[line.start - 1] for line in laid.lines[1:]}
    below = {line.stop: max(laid.areas[place].bottom for place in line) + LINE_GAP // 2 for line in laid.lines}
    for place in range(1, len(laid.areas)):
        before, after = laid.areas[place - 1], laid.areas[place]
        if place in laid.row.loose:
            continue
        if place not in firsts:
            yield Wire((before.exit, after.entry), after.arrow)
            continue
        turn = before.right + GAP // 2
        way = (before.exit, (turn, before.exit[1]), (turn, below[place]), (2, below[place]), (2, after.entry[1]))
        yield Wire((*way, after.entry), after.arrow)


def _arc_wires(laid: _Lines, right: int) -> Iterable[Wire]:
    """Wires over a line, or around the right end of several: the longer, the farther out."""
    homes = {place: number for number, line in enumerate(laid.lines) for place in line} | {-1: 0}
    margin = right + GAP // 2
    for arc in sorted(laid.row.arcs, key=lambda arc: arc[1] - arc[0]):
        first, last = (laid.heights[arc, homes[place]] for place in arc)
        start, end = _start(laid, arc[0], first), _landing(laid, arc[1], last)
        if homes[arc[0]] != homes[arc[1]]:
            margin += PASS
            start += ((margin, first), (margin, last))
        yield Wire((*start, *end))


def _start(laid: _Lines, source: int, height: int) -> tuple[Point, ...]:
    if source < 0:
        x, y = laid.areas[0].left - GAP + LEAVE, laid.areas[0].entry[1]
        return (x, y), (x, height)
    area = laid.areas[source]
    x = area.right + LEAVE
    return area.exit, (x, area.exit[1]), (x, height)


def _landing(laid: _Lines, target: int, height: int) -> tuple[Point, ...]:
    area = laid.areas[target]
    if _is_merge(laid.row.pieces[target]):
        (cell,) = area.cells
        return (cell.x, height), (cell.x, cell.top)
    x = area.left - LEAVE
    return (x, height), (x, area.entry[1]), area.entry
