"""The parts of a network's picture in their places: cells, wires, borders, and areas that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cnnmagic.ui.sketch import Box
from cnnmagic.ui.volume import Caption, Solid

Point = tuple[int, int]

# All in pixels: between boxes, and how far from a box a wire turns in the gap.
GAP, LEAVE = 20, 6


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


def united(areas: Sequence[Area], entry: Point, exit: Point, wires: Iterable[Wire], right: int = 0) -> Area:
    """Several areas as one, with wires between them that reach `right` at most."""
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
