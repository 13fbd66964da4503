"""Small figures of the answers as SVG text: bars, windows over pixels, a matrix of counts."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

from cnnmagic.markup import xml_text

BLUE, ORANGE = "#2a8fd6", "#d5690c"  # told apart by colour-blind eyes; a dash or a hatch tells them apart besides
SIZE = 12
LABEL, BAR, VALUE = 190, 300, 130  # pixels across
PITCH = 20
YEARS = 180  # pixels across
_DASHES = 'stroke-dasharray="4 3"'
PIXEL = 22
MOST_CELLS = 20


def svg(width: int, height: int, label: str, drawn: str) -> str:
    """A picture of a fixed size that shrinks with the page; `label` says in words what it shows."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'style="max-width:100%;height:auto" font-size="{SIZE}" font-family="sans-serif" fill="currentColor" '
        f'role="img" aria-label="{xml_text(label)}">{drawn}</svg>'
    )


def bars(title: str, rows: Sequence[tuple[str, float, str]], log: bool = False, marks: Sequence[float] = ()) -> str:
    """A bar for each (label, value, value as it is read); with `log` each tenfold value is as much longer.

    `marks` are other values of the rows, each a stroke across its bar.
    """
    largest = max((*(value for _, value, _ in rows), *marks), default=0)
    drawn = [f'<text x="4" y="14" font-weight="600">{xml_text(title)}</text>']
    for number, (label, value, shown) in enumerate(rows):
        y, long = 26 + number * PITCH, round(BAR * _share(value, largest, log))
        drawn.append(
            f'<text x="{LABEL - 6}" y="{y + 12}" text-anchor="end">{xml_text(_cut(label))}</text>'
            f'<rect x="{LABEL}" y="{y + 2}" width="{max(1, long)}" height="{PITCH - 6}" fill="{BLUE}"/>'
            f'<text x="{LABEL + max(1, long) + 6}" y="{y + 12}">{xml_text(shown)}</text>'
        )
    for number, value in enumerate(marks):
        x, y = LABEL + round(BAR * _share(value, largest, log)), 26 + number * PITCH
        drawn.append(f'<path d="M{x} {y}v{PITCH - 2}" stroke="{ORANGE}" stroke-width="3"/>')
    told = f"{title}: " + ", ".join(f"{label} {shown}" for label, _, shown in rows)
    return svg(LABEL + BAR + VALUE, 34 + len(rows) * PITCH, told, "".join(drawn))


def timeline(title: str, rows: Sequence[tuple[int, str]]) -> str:
    """A line for each (year, what), the eldest first, its dot at its year."""
    ordered = sorted(rows)
    first, last = ordered[0][0], ordered[-1][0]
    drawn = [f'<text x="4" y="14" font-weight="600">{xml_text(title)}</text>']
    for number, (year, told) in enumerate(ordered):
        x, y = 50 + round(YEARS * (year - first) / max(1, last - first)), 36 + number * PITCH
        drawn.append(
            f'<text x="4" y="{y}">{year}</text><path d="M50 {y - 4}H{50 + YEARS}" stroke="currentColor" '
            f'stroke-opacity=".2"/><circle cx="{x}" cy="{y - 4}" r="5" fill="{BLUE}"/>'
            f'<text x="{70 + YEARS}" y="{y}">{xml_text(_cut(told, 64))}</text>'
        )
    told = f"{title}: " + "; ".join(f"{year} {told}" for year, told in ordered)
    return svg(70 + YEARS + 430, 34 + len(ordered) * PITCH, told, "".join(drawn))


def stack(title: str, rows: Sequence[tuple[str, str, bool]]) -> str:
    """Boxes upon each other, (what, which, whether it is there), the uppermost first; what is not there is dashed."""
    drawn = [f'<text x="4" y="14" font-weight="600">{xml_text(title)}</text>']
    for number, (name, told, there) in enumerate(rows):
        y, style = 24 + number * 34, f'fill="{BLUE}" fill-opacity=".2"' if there else f'fill="none" {_DASHES}'
        drawn.append(
            f'<rect x="4" y="{y}" width="420" height="28" rx="4" stroke="currentColor" stroke-opacity=".5" {style}/>'
            f'<text x="16" y="{y + 19}" font-weight="600">{xml_text(name)}</text>'
            f'<text x="160" y="{y + 19}">{xml_text(_cut(told, 44))}</text>'
        )
    told = f"{title}: " + "; ".join(f"{name}: {told}" for name, told, _ in rows)
    return svg(430, 30 + len(rows) * 34, told, "".join(drawn))


def window(side: int, kernel: int, pads: tuple[int, int], title: str, x: int = 0) -> str:
    """The upper left window of a kernel over `side` pixels with zeros around: its centre is a dot, a pixel is full."""
    before, after = pads
    cells = []
    for row in range(-before, side + after):
        for column in range(-before, side + after):
            inside = 0 <= row < side and 0 <= column < side
            style = f'fill="{BLUE}" fill-opacity=".25"' if inside else 'fill="none" stroke-dasharray="2 2"'
            cells.append(
                f'<rect x="{x + (column + before) * PIXEL}" y="{24 + (row + before) * PIXEL}" width="{PIXEL}" '
                f'height="{PIXEL}" stroke="currentColor" stroke-opacity=".5" {style}/>'
            )
    middle = kernel * PIXEL / 2
    return (
        f'<text x="{x}" y="14" font-weight="600">{xml_text(title)}</text>{"".join(cells)}'
        f'<rect x="{x}" y="24" width="{kernel * PIXEL}" height="{kernel * PIXEL}" fill="none" stroke="{ORANGE}" '
        f'stroke-width="3"/><circle cx="{x + middle:g}" cy="{24 + middle:g}" r="4" fill="{ORANGE}"/>'
        f'<circle cx="{x + (before + 0.5) * PIXEL:g}" cy="{24 + (before + 0.5) * PIXEL:g}" r="7" fill="none" '
        f'stroke="{BLUE}" stroke-width="2"/>'
    )


def matrix(title: str, counts: Sequence[Sequence[int]], names: Sequence[str], across: str, down: str) -> str:
    """A table of counts, darker where there are more; the diagonal is framed."""
    largest = max((count for row in counts for count in row), default=1) or 1
    drawn = [f'<text x="4" y="14" font-weight="600">{xml_text(title)}</text>']
    drawn.append(f'<text x="100" y="34">{xml_text(across)}</text><text x="4" y="56">{xml_text(down)}</text>')
    for row, line in enumerate(counts):
        drawn.append(f'<text x="92" y="{80 + row * 24}" text-anchor="end">{xml_text(_cut(names[row], 12))}</text>')
        drawn.append(f'<text x="{112 + row * 34}" y="56" text-anchor="middle">{xml_text(_cut(names[row], 4))}</text>')
        for column, count in enumerate(line):
            frame = (
                f'stroke="{BLUE}" stroke-width="2"' if row == column else 'stroke="currentColor" stroke-opacity=".2"'
            )
            drawn.append(
                f'<rect x="{97 + column * 34}" y="{64 + row * 24}" width="32" height="22" {frame} '
                f'fill="{BLUE if row == column else ORANGE}" fill-opacity="{0.7 * (count / largest) ** 0.5:.2f}"/>'
                f'<text x="{113 + column * 34}" y="{79 + row * 24}" text-anchor="middle">{count or ""}</text>'
            )
    told = "; ".join(f"{names[n]}: {', '.join(map(str, line))}" for n, line in enumerate(counts))
    return svg(110 + len(counts) * 34, 74 + len(counts) * 24, f"{title}. {told}", "".join(drawn))


def _share(value: float, largest: float, log: bool) -> float:
    if value <= 0 or largest <= 0:
        return 0.0
    return log10(1 + value) / log10(1 + largest) if log else value / largest


def _cut(text: str, most: int = 28) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
