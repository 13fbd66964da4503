"""Places a network's boxes, forks and frames, each as large as what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import ceil

from cnnmagic.ui.area import GAP, LEAVE, Area, Border, Cell, Wire, united
from cnnmagic.ui.kinds import MERGE
from cnnmagic.ui.sketch import Box, Fork, Frame, Piece, Row
from cnnmagic.ui.typeset import set_row
from cnnmagic.ui.volume import PITCH, Measure, caption

# All in pixels: between the rows of a fork, around what a frame holds, and for the frame's head above it.
ROW_GAP, PAD, HEAD = 8, 10, 18


def place(piece: Piece | Row, sizes: Measure, limit: int) -> Area:
    """Place a piece with all that it holds on lines of `limit` pixels; a single box may be wider."""
    match piece:
        case Box():
            return _place_box(piece, sizes)
        case Fork():
            return _place_fork(piece, sizes, limit)
        case Frame():
            return _place_frame(piece, sizes, limit)
        case Row(pieces=()):
            return Area(0, -ROW_GAP, ROW_GAP)
        case Row():
            return set_row(piece, [place(part, sizes, limit) for part in piece.pieces], limit)


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
    return united([*rows, merge], entry, merge.exit, wires)


def _stack(rows: Iterable[Area]) -> list[Area]:
    stacked: list[Area] = []
    bottom = 0
    for row in rows:
        stacked.append(row.at(GAP - row.left, bottom - row.top))
        bottom += row.bottom - row.top + ROW_GAP
    return stacked
