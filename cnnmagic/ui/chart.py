"""Draws curves as a small SVG chart, and says the same in words and in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import log10

from cnnmagic.markup import xml_text
from cnnmagic.ui.label import FONT_SIZE
from cnnmagic.ui.line import PENS, Point, Style, drawable_runs, thinned
from cnnmagic.ui.plot import (
    LEFT,
    RIGHT,
    Plot,
    draw_axes,
    draw_best,
    draw_header,
    draw_lines,
    draw_notice,
    draw_shadows,
    lay_legend,
)
from cnnmagic.ui.scale import LIMIT, linear, logarithmic, number_text, tight, tight_logarithmic

Runs = list[Sequence[Point]]

# Pixels of the horizontal axis for each vertex of a line that has more points than fit.
VERTEX = 7


@dataclass(frozen=True)
class Curve:
    """A named line through points (x, y) of ascending x; it breaks at values that are not finite."""

    label: str
    points: tuple[Point, ...]
    style: Style = "training"


@dataclass(frozen=True)
class Chart:
    """Up to four curves over common axes.

    `x_range` fixes the horizontal axis ahead of the points, which can only widen it. With `percent` the values of y
    are fractions, shown in per cent. `log` and `log_x` make the axes of y and of x logarithmic. `best` is a point to
    be marked, on a curve or not, and `mark` what is written there in place of "best" and its value. `earlier` are lines
    of runs before this one, thin and grey behind the curves and no wider than these.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...] = ()
    x_range: tuple[float, float] | None = None
    percent: bool = False
    log: bool = False
    best: Point | None = None
    log_x: bool = False
    mark: str = ""
    earlier: tuple[tuple[Point, ...], ...] = ()


def describe(chart: Chart) -> str:
    """Say in a sentence where each curve begins and ends, the best point, and how many values have no place."""
    return _describe(chart, _runs(chart))


def rows(chart: Chart, most: int = 12) -> tuple[tuple[float | None, ...], ...]:
    """Give the chart as a table: x, then each curve's last value since the row above, None where it has none.

    There are about `most` rows: at points of the curve that has the fewest, the first among them, at the last point
    of every curve, and at the best one. Values are as given: fractions where `percent`, and not finite ones too.
    """
    curves = [[point for point in curve.points if abs(point[0]) < LIMIT] for curve in chart.curves]
    places = _row_places([points for points in curves if points], _best(chart), most)
    spans = pairwise([-LIMIT, *places])
    return tuple((end, *(_last_value(points, start, end) for points in curves)) for start, end in spans)


def draw(
    chart: Chart, width: int = 440, height: int = 230, *, x: int = 0, y: int = 0, color: str = "currentColor"
) -> str:
    """Draw a chart as one `<svg>` of a fixed size in pixels, at least 200 by 120 (else ValueError).

    It may stand in HTML, inside a larger `<svg>` at `x` and `y`, or as a file of its own, which needs a `color` for
    text and axes. A title that the legend leaves no room for is cut; the aria-label has all of it.
    """
    if width < 200 or height < 120:
        raise ValueError(f"a chart needs 200 by 120 pixels, not {width} by {height}")
    runs = _runs(chart)
    place = f' x="{x}" y="{y}"' if x or y else ""
    paint = "" if color == "currentColor" else f' color="{xml_text(color)}"'
    # No <title>: a screen reader would say it after the label, once more, and a pointer would make it pop up.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"{place} width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-size="{FONT_SIZE}" font-family="sans-serif" '
        f'fill="currentColor"{paint} role="img" aria-label="{xml_text(_describe(chart, runs))}">'
        f"{_draw_parts(chart, runs, width, height)}</svg>"
    )


def _draw_parts(chart: Chart, runs: list[Runs], width: int, height: int) -> str:
    best = _best(chart)
    plot, lines = _fit(chart, best, runs, width, height)
    pens = [PENS[curve.style] for curve in chart.curves]
    entries = lay_legend(plot, chart.title, [curve.label for curve in chart.curves])
    mark = draw_best(plot, best, _best_text(chart, best)) if best else ""
    notice = "" if best or any(runs) else draw_notice(plot, _reason(chart))
    return (
        draw_header(chart.title, chart.y_label, entries, plot.right)
        + draw_axes(plot, chart.x_label)
        + draw_shadows(plot, _shadows(chart))
        + f"{notice}{mark}{draw_lines(plot, list(zip(pens, entries, lines, strict=True)))}"
    )


def _fit(
    chart: Chart, best: Point | None, runs: list[Runs], width: int, height: int
) -> tuple[Plot, list[list[list[Point]]]]:
    """Choose axes that hold all that is to be drawn, and thin each curve's runs to them."""
    marked = [best] if best else []
    ends = [run[end] for run in chain(*runs) for end in (0, -1)]
    xs = [x for x, _ in marked + ends]
    xs += [x for x in chart.x_range or () if x > 0 or not chart.log_x]
    xs = xs or [0.1 if chart.log_x else 0.0, 1.0]
    low, high = min(xs), max(xs)
    most = (width - LEFT - RIGHT) // VERTEX
    thin = _thinned_by_powers if chart.log_x else thinned
    lines = [[thin(run, low, high, most, best) for run in curve] for curve in runs]
    ys = [y for _, y in chain(marked, *chain(*lines), *_shadows(chart))] or [0.1 if chart.log else 0.0, 1.0]
    up = (logarithmic if chart.log else linear)(min(ys), max(ys), chart.percent)
    return Plot(width, height, (tight_logarithmic if chart.log_x else tight)(low, high), up), lines


def _thinned_by_powers(run: Sequence[Point], low: float, high: float, most: int, best: Point | None) -> list[Point]:
    """Thin a run whose horizontal axis is logarithmic: in parts of equal width there."""
    if len(run) <= most:
        return list(run)
    powers = thinned([(log10(x), y) for x, y in run], log10(low), log10(high), most, best and (log10(best[0]), best[1]))
    return [(10**x, y) for x, y in powers]


def _describe(chart: Chart, runs: list[Runs]) -> str:
    courses = (_course(chart, curve.label, run) for curve, run in zip(chart.curves, runs, strict=True))
    said = [f"{chart.title}: {', '.join(courses) or 'no values yet'}"]
    if best := _best(chart):
        said.append(chart.mark or f"{_best_text(chart, best)} at {chart.x_label} {number_text(best[0])}")
    if ends := [number_text(line[-1][1], chart.percent) for line in _shadows(chart)]:
        said.append(f"{len(ends)} earlier run{'s' * (len(ends) > 1)} in grey ended at {', '.join(ends)}")
    given, drawable = (sum(map(len, lists)) for lists in ([curve.points for curve in chart.curves], chain(*runs)))
    if given > drawable:
        said += _losses(chart, given, drawable)
    return "; ".join(said)


def _course(chart: Chart, label: str, runs: Runs) -> str:
    if not runs:
        return f"{label} no values yet"
    first, last = (number_text(y, chart.percent) for _, y in (runs[0][0], runs[-1][-1]))
    return f"{label} {first}" if len(runs) == len(runs[0]) == 1 else f"{label} from {first} to {last}"


def _losses(chart: Chart, given: int, drawable: int) -> list[str]:
    finite = sum(len(run) for curve in chart.curves for run in drawable_runs(curve.points))
    reasons = {"not finite": given - finite, "not above zero, which a logarithmic axis cannot show": finite - drawable}
    return [f"{count} value{'' if count == 1 else 's'} {reason}" for reason, count in reasons.items() if count]


def _runs(chart: Chart) -> list[Runs]:
    return [drawable_runs(curve.points, chart.log, chart.log_x) for curve in chart.curves]


def _shadows(chart: Chart) -> list[Sequence[Point]]:
    """What of the earlier runs' lines has a place."""
    end = max((chart.x_range or (0.0, LIMIT))[1], *(curve.points[-1][0] for curve in chart.curves if curve.points), 0.0)
    lines = ([point for point in line if point[0] <= end] for line in chart.earlier)
    return [run for line in lines for run in drawable_runs(line, chart.log, chart.log_x)]


def _best(chart: Chart) -> Point | None:
    return chart.best if chart.best and drawable_runs([chart.best], chart.log, chart.log_x) else None


def _best_text(chart: Chart, best: Point) -> str:
    return chart.mark or f"best {number_text(best[1], chart.percent)}"


def _reason(chart: Chart) -> str:
    return "no values to draw" if any(curve.points for curve in chart.curves) else "no values yet"


def _row_places(curves: list[list[Point]], best: Point | None, most: int) -> list[float]:
    """Choose the x of the rows among the points of the shortest curve, every curve's last point and the best one."""
    if not curves:
        return []
    xs = [x for x, _ in min(curves, key=len)]
    stride = -(-len(xs) // most)
    lasts = [points[-1][0] for points in curves]
    return sorted({*xs[::stride], *lasts, *([best[0]] if best else [])})


def _last_value(points: list[Point], start: float, end: float) -> float | None:
    """Give the value of the last point after `start` and not after `end`."""
    return next((y for x, y in reversed(points) if start < x <= end), None)
