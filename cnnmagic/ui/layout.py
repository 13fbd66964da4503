"""Places the boxes of a network on lines, as text is set, and leads wires from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from cnnmagic.ui.kinds import MERGE
from cnnmagic.ui.sketch import Box, Fork, Frame, Piece, Row
from cnnmagic.ui.volume import PITCH, Caption, Measure, Solid, caption

Point = tuple[int, int]
Arc = tuple[int, int]

# All in pixels: between boxes, rows of a fork, and lines; around what a frame holds, with its head above.
GAP, ROW_GAP, LINE_GAP = 22, 12, 22
PAD, HEAD = 10, 18
# How far an arc leaves its gap from the box before it (as the next arc lands before its own box), and passes over.
LEAVE, PASS = 6, 10
# A line is broken where fewest arcs are, once it is so full.
FULL = 0.55


@dataclass(frozen=True)
class Wire:
    """A line through points, level or upright from one to the next, with an arrow at its end or without."""

    points: tuple[Point, ...]
    arrow: bool = True

    def at(self, right: int, down: int) -> Wire:
        return replace(self, points=tuple((x + right, y + down) for x, y in self.points))


@dataclass(frozen=True)
class Cell:
    """A box in its place: x and y are the middle of its solid, around which its caption is."""

    box: Box
    solid: Solid
    caption: Caption
    x: int = 0
    y: int = 0

    @property
    def top(self) -> int:
        return self.y - self.solid.tall // 2

    @property
    def bottom(self) -> int:
        return self.top + self.solid.tall

    @property
    def left(self) -> int:
        return self.x - self.solid.width // 2

    def at(self, right: int, down: int) -> Cell:
        return replace(self, x=self.x + right, y=self.y + down)


@dataclass(frozen=True)
class Border:
    """The frame around what comes several times."""

    left: int
    top: int
    width: int
    height: int
    times: int

    def at(self, right: int, down: int) -> Border:
        return replace(self, left=self.left + right, top=self.top + down)


@dataclass(frozen=True)
class Area:
    """What takes a part of the picture, from x = 0 to `width`; `arrow` where what enters meets a box at once."""

    width: int
    top: int
    bottom: int
    entry: Point = (0, 0)
    exit: Point = (0, 0)
    arrow: bool = False
    cells: tuple[Cell, ...] = ()
    borders: tuple[Border, ...] = ()
    wires: tuple[Wire, ...] = ()
    left: int = 0

    @property
    def right(self) -> int:
        return self.left + self.width

    def at(self, right: int, down: int) -> Area:
        """The same elsewhere."""
        return replace(
            self,
            left=self.left + right,
            top=self.top + down,
            bottom=self.bottom + down,
            entry=(self.entry[0] + right, self.entry[1] + down),
            exit=(self.exit[0] + right, self.exit[1] + down),
            cells=tuple(cell.at(right, down) for cell in self.cells),
            borders=tuple(border.at(right, down) for border in self.borders),
            wires=tuple(wire.at(right, down) for wire in self.wires),
        )


def place(piece: Piece | Row, sizes: Measure, limit: int) -> Area:
    """Place a piece with all that it holds on lines of `limit` pixels; a single box may be wider."""
    match piece:
        case Box():
            return _place_box(piece, sizes)
        case Fork():
            return _place_fork(piece, sizes, limit)
        case Frame():
            return _place_frame(piece, sizes, limit)
        case Row():
            return _place_row(piece, sizes, limit)


def _place_box(box: Box, sizes: Measure) -> Area:
    solid, words = sizes.solid(box), caption(box)
    width = 2 * ceil(max(solid.width, words.width) / 2)
    merge = box.kind is MERGE
    cell = Cell(box, solid, words, width // 2)
    top = cell.top - (0 if merge else PITCH + 2)
    bottom = cell.bottom + 4 + PITCH * (len(words.words) + merge)
    ends = (cell.left, 0), (cell.left + solid.width, 0)
    return Area(width, top, bottom, *ends, arrow=True, cells=(cell,))


def _place_frame(frame: Frame, sizes: Measure, limit: int) -> Area:
    inner = place(frame.row, sizes, limit - 2 * PAD)
    inner = inner.at(PAD - inner.left, 0)
    top, bottom, width = inner.top - HEAD, inner.bottom + PAD // 2, inner.width + 2 * PAD
    border = Border(0, top, width, bottom - top, frame.times)
    return replace(inner, left=0, width=width, top=top, bottom=bottom, borders=(*inner.borders, border))


def _place_fork(fork: Fork, sizes: Measure, limit: int) -> Area:
    """Rows one below the other between two upright wires, then the box where they meet."""
    rows = _stack([place(row, sizes, limit - 3 * GAP) for row in fork.rows])
    entry = (0, (rows[0].entry[1] + rows[-1].entry[1]) // 2)
    middle = (rows[0].exit[1] + rows[-1].exit[1]) // 2
    right = max(row.right for row in rows) + LEAVE
    merge = _place_box(fork.merge, sizes).at(right + GAP // 2, middle)
    wires = [Wire((entry, (LEAVE, entry[1]), (LEAVE, row.entry[1]), row.entry), row.arrow) for row in rows]
    wires += [Wire((row.exit, (right, row.exit[1]), (right, middle), merge.entry)) for row in rows]
    return _united([*rows, merge], entry, merge.exit, wires)


def _stack(rows: Iterable[Area]) -> list[Area]:
    stacked: list[Area] = []
    bottom = 0
    for row in rows:
        stacked.append(row.at(GAP - row.left, bottom - row.top))
        bottom += row.bottom - row.top + ROW_GAP
    return stacked


def _united(areas: Sequence[Area], entry: Point, exit: Point, wires: Iterable[Wire], right: int = 0) -> Area:
    return Area(
        max(right, *(area.right for area in areas)),
        min(area.top for area in areas),
        max(area.bottom for area in areas),
        entry,
        exit,
        cells=tuple(cell for area in areas for cell in area.cells),
        borders=tuple(border for area in areas for border in area.borders),
        wires=(*(wire for area in areas for wire in area.wires), *wires),
    )


@dataclass
class _Lines:
    """A row set on lines: the areas of its pieces, the pieces of each line, and the height of each arc on a line."""

    row: Row
    areas: list[Area]
    lines: list[range]
    heights: dict[tuple[Arc, int], int] = field(default_factory=dict)


def _place_row(row: Row, sizes: Measure, limit: int) -> Area:
    if not row.pieces:
        return Area(0, -ROW_GAP // 2, ROW_GAP // 2)
    areas = [place(piece, sizes, limit) for piece in row.pieces]
    lines = break_lines([area.width for area in areas], row.arcs, limit)
    laid = _lay(row, areas, lines)
    right = max(area.right for area in laid.areas)
    wires = [*_straight_wires(laid), *_arc_wires(laid, right)]
    far = max([right, *(x for wire in wires for x, _ in wire.points)])
    united = _united(laid.areas, laid.areas[0].entry, laid.areas[-1].exit, wires, far)
    top = min([united.top, *laid.heights.values()])
    return replace(united, top=top, arrow=laid.areas[0].arrow)


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
        under = [area.top for place, area in zip(line, placed, strict=True) if start <= 2 * place <= end]
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
