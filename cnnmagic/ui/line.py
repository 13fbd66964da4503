"""Thins points to what a line of so many pixels can show, and writes it as SVG paths."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal

from cnnmagic.ui.scale import LIMIT

Point = tuple[float, float]
Pixel = tuple[int, int]
Style = Literal["training", "validation", "third", "fourth"]


@dataclass(frozen=True)
class Pen:
    """How a line looks: its colour, dashes and gaps in pixels, and the mark at its points: an SVG line cap, or ""."""

    color: str
    dash: tuple[int, ...] = ()
    mark: str = ""


# Each colour has a contrast of at least 3:1 on white and on #111; dash and mark tell the lines apart without colour.
PENS: dict[Style, Pen] = {
    "training": Pen("#2a8fd6"),
    "validation": Pen("#d5690c", dash=(6, 3), mark="round"),
    "third": Pen("#a86bd1", dash=(2, 3)),
    "fourth": Pen("#1f9a78", dash=(9, 3, 2, 3), mark="square"),
}


def drawable_runs(points: Sequence[Point], log: bool = False, log_x: bool = False) -> list[Sequence[Point]]:
    """Split points at each that has no place on the axes: not within ±LIMIT, or not above zero on a logarithmic one."""
    floor, left = (0.0 if logarithmic else -LIMIT for logarithmic in (log, log_x))
    flags = [floor < y < LIMIT and left < x < LIMIT for x, y in points]
    if all(flags):
        return [points] if points else []
    runs = groupby(zip(flags, points, strict=True), key=lambda pair: pair[0])
    return [[point for _, point in run] for drawable, run in runs if drawable]


def thinned(run: Sequence[Point], low: float, high: float, most: int, best: Point | None = None) -> list[Point]:
    """Replace the points in each of `most` equal parts of `low` to `high` by their mean; x ascends along the run.

    The first, the last and the best point stay as they are, and so does a whole run of no more than `most` points.
    """
    if len(run) <= most:
        return list(run)
    xs, ys = zip(*run, strict=True)
    # Edges that hang on the axis and not on the number of points: a line that grows keeps its older vertices.
    cuts = {bisect_left(xs, low + (high - low) * part / most) for part in range(1, most)}
    cuts |= {0, 1, len(run) - 1, len(run)}
    if best:
        at = bisect_left(xs, best[0])
        # Another curve's point at the same x is no more worth keeping than its neighbours.
        cuts |= {at, at + 1} if best in run[at : at + 1] else set()
    return [(sum(xs[i:j]) / (j - i), sum(ys[i:j]) / (j - i)) for i, j in pairwise(sorted(cuts))]


def line_path(pixels: Sequence[Pixel]) -> str:
    """Write the path through places in whole numbers: one absolute move, then relative lines; "" for fewer than two."""
    if len(pixels) < 2:
        return ""
    moves = (f"{right - left}{lower - upper:+}" for (left, upper), (right, lower) in pairwise(pixels))
    return f"M{pixels[0][0]} {pixels[0][1]}l{' '.join(moves)}"


def mark_path(pixels: Iterable[Pixel]) -> str:
    """Write lines without length, which a round or square line cap turns into marks."""
    return "".join(f"M{x} {y}h0" for x, y in pixels)
