"""Draws the parts of a chart as SVG: header with legend, axes, lines, marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from cnnmagic.markup import xml_text
from cnnmagic.ui.label import fitted, text_width
from cnnmagic.ui.line import Pen, Pixel, Point, line_path, mark_path
from cnnmagic.ui.scale import Scale

# All in pixels: the margins around the axes, the legend's sample with the space after it, and the gap after its label.
LEFT, RIGHT, TOP, BOTTOM = 50, 14, 28, 36
SAMPLE = 27
GAP = 12
MOST_MARKS = 24
# Lines are drawn in quarters of a pixel, which makes whole numbers smooth and their text short.
FINE, SCALE = 4, ".25"
LINE_WIDTH = 1.75
SHADOW = "#868e96"


@dataclass(frozen=True)
class Plot:
    """A picture's size in pixels and the two axes within it."""

    width: int
    height: int
    across: Scale
    up: Scale

    @property
    def right(self) -> int:
        return self.width - RIGHT

    @property
    def bottom(self) -> int:
        return self.height - BOTTOM

    def columns(self, shares: Iterable[float], parts: int = 1) -> list[int]:
        """Give the places of shares of the horizontal axis, in so many parts of a pixel."""
        left, length = parts * LEFT, parts * (self.right - LEFT)
        return [round(left + length * share) for share in shares]

    def rows(self, shares: Iterable[float], parts: int = 1) -> list[int]:
        """Give the places of shares of the vertical axis, from the picture's top, in so many parts of a pixel."""
        bottom, length = parts * self.bottom, parts * (self.bottom - TOP)
        return [round(bottom - length * share) for share in shares]

    def pixels(self, points: Iterable[Point], parts: int = 1) -> list[Pixel]:
        """Give the places of points that both axes can show."""
        xs, ys = zip(*points, strict=True)
        columns, rows = self.columns(self.across.places(xs), parts), self.rows(self.up.places(ys), parts)
        return list(zip(columns, rows, strict=True))


@dataclass(frozen=True)
class Entry:
    """A label of the legend, cut to its room, and the pixel at which its line's sample begins."""

    label: str
    left: int


def lay_legend(plot: Plot, title: str, labels: Sequence[str]) -> list[Entry]:
    """Place the legend at the right end of the header, in what the title leaves of it, half of it at least."""
    space = plot.right - min(text_width(title), plot.width / 2)
    share = space / max(1, len(labels)) - SAMPLE - GAP
    if sum(map(text_width, labels)) > share * len(labels):
        labels = [fitted(label, share) for label in labels]
    entries: list[Entry] = []
    left = plot.right + GAP
    for label in reversed(labels):
        left -= round(text_width(label)) + SAMPLE + GAP
        entries.append(Entry(label, left))
    return entries[::-1]


def draw_header(title: str, unit: str, entries: Sequence[Entry], room: int) -> str:
    """Draw the title with the vertical axis's label, in so many pixels less the legend's, and the legend's labels."""
    room = min([room, *(entry.left for entry in entries)]) - GAP
    title = fitted(title, room)
    unit = fitted(unit, room - text_width(title) - 4)
    legend = (f'<tspan x="{entry.left + SAMPLE}">{xml_text(entry.label)}</tspan>' for entry in entries)
    heading = f'<tspan font-weight="600">{xml_text(title)}</tspan> {xml_text(unit)}'
    return f'<text x="2" y="12">{heading}{"".join(legend)}</text>'


def draw_axes(plot: Plot, x_label: str) -> str:
    """Draw gridlines, the horizontal axis and all that is written beside them."""
    right, bottom = plot.right, plot.bottom
    rows = plot.rows(tick.place for tick in plot.up.ticks)
    columns = plot.columns(tick.place for tick in plot.across.ticks)
    grid = "".join(f"M{LEFT} {y}H{right}" for y in rows)
    notches = "".join(f"M{x} {bottom}v4" for x in columns)
    values = "".join(f'<text y="{y}">{tick.text}</text>' for y, tick in zip(rows, plot.up.ticks, strict=True))
    places = "".join(f'<text x="{x}">{tick.text}</text>' for x, tick in zip(columns, plot.across.ticks, strict=True))
    label = xml_text(fitted(x_label, right - LEFT))
    return (
        f'<g stroke="currentColor" shape-rendering="crispEdges"><path opacity=".15" d="{grid}"/>'
        f'<path opacity=".6" d="M{LEFT} {bottom}H{right}{notches}"/></g>'
        f'<g text-anchor="end" transform="translate({LEFT - 6} 4)">{values}</g>'
        f'<g text-anchor="middle" transform="translate(0 {bottom + 16})">{places}'
        f'<text x="{(LEFT + right) // 2}" y="16">{label}</text></g>'
    )


def draw_lines(plot: Plot, lines: Sequence[tuple[Pen, Entry, list[list[Point]]]]) -> str:
    """Draw each curve's runs of points with its pen, and its sample in the legend."""
    drawn = "".join(_draw_line(plot, *line) for line in lines)
    return f'<g fill="none" transform="scale({SCALE})" stroke-width="{LINE_WIDTH * FINE:g}">{drawn}</g>'


def draw_shadows(plot: Plot, lines: Sequence[Sequence[Point]]) -> str:
    """Draw lines of earlier runs, thin and grey."""
    if not lines:
        return ""
    path = "".join(line_path(plot.pixels(line)) for line in lines)
    return f'<path fill="none" stroke="{SHADOW}" opacity=".55" d="{path}"/>'


def draw_best(plot: Plot, best: Point, text: str) -> str:
    """Draw a ring around a point, and its text on a dotted line above or below it."""
    ((x, y),) = plot.pixels([best])
    # At the far end: the curves that lead to a best point are seldom there.
    height = plot.bottom - 5 if 2 * y < TOP + plot.bottom else TOP + 12
    left, anchor = (x + 5, "") if x + 5 + text_width(text) < plot.right else (x - 5, ' text-anchor="end"')
    return (
        f'<g fill="none" stroke="currentColor"><path d="M{x} {TOP}V{plot.bottom}" stroke-dasharray="1 3"/>'
        f'<circle cx="{x}" cy="{y}" r="5"/></g>'
        f'<text x="{left}" y="{height}"{anchor}>{xml_text(text)}</text>'
    )


def draw_notice(plot: Plot, text: str) -> str:
    """Write a text in the middle of empty axes."""
    x, y = (LEFT + plot.right) // 2, (TOP + plot.bottom) // 2
    return f'<text x="{x}" y="{y}" text-anchor="middle">{xml_text(text)}</text>'


def _draw_line(plot: Plot, pen: Pen, entry: Entry, runs: list[list[Point]]) -> str:
    # The legend's sample is one more run of the same path: it gets the pen's colour and dash for a few letters.
    left, middle, right = ((entry.left + part * (SAMPLE - 5) // 2) * FINE for part in range(3))
    pixels = [plot.pixels(run, FINE) for run in runs]
    path = "".join(map(line_path, [[(left, 8 * FINE), (right, 8 * FINE)], *pixels]))
    lengths = " ".join(str(FINE * length) for length in pen.dash)
    dash = f' stroke-dasharray="{lengths}"' if lengths else ""
    marks = [*_marked(pixels, pen), (middle, 8 * FINE)] if pen.mark else _marked(pixels, pen)
    return f'<path stroke="{pen.color}"{dash} d="{path}"/>{_draw_marks(marks, pen)}'


def _marked(runs: list[list[Pixel]], pen: Pen) -> list[Pixel]:
    # A point between two values that are not finite has no line: without its mark it would be lost.
    alone = [run[0] for run in runs if len(run) == 1]
    if not pen.mark:
        return alone
    places = list(chain.from_iterable(runs))
    # Doubled, so that a curve that grows loses marks but moves none.
    stride = 1 << (len(places) // MOST_MARKS).bit_length()
    return alone + places[::stride]


def _draw_marks(places: list[Pixel], pen: Pen) -> str:
    if not places:
        return ""
    width, cap = 5 * FINE, pen.mark or "round"
    return f'<path stroke="{pen.color}" stroke-width="{width}" stroke-linecap="{cap}" d="{mark_path(places)}"/>'
