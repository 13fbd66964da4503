"""Draws the numbers of one channel as pixels with a frame around some of them, as SVG text."""

from __future__ import annotations

from typing import Any

from cnnmagic.explain.drawing import ORANGE, svg
from cnnmagic.markup import xml_text

SIDE = 240  # on the page, at the least
MOST = 40  # pixels a side that are drawn; of a larger channel the part around the frame
Frame = tuple[int, int, int, int]


def grid(values: Any, frame: Frame, title: str) -> str:
    """`values` (height, width), dark where small, with `frame` (top, left, bottom, right), which may reach outside.

    What lies outside the channel is dashed: zeros of the padding.
    """
    height, width = values.shape
    top, left = _start(frame[0], frame[2], height), _start(frame[1], frame[3], width)
    bottom, right = min(height, max(top + MOST, frame[2])), min(width, max(left + MOST, frame[3]))
    above, before = max(0, top - frame[0]), max(0, left - frame[1])
    down, across = max(bottom, frame[2]) - top + above, max(right, frame[3]) - left + before
    side = max(6, SIDE // max(down, across))
    drawn = [_pixels(values[top:bottom, left:right], side, above, before)]
    y, x = (frame[0] - top + above) * side, (frame[1] - left + before) * side
    size = f'width="{(frame[3] - frame[1]) * side}" height="{(frame[2] - frame[0]) * side}"'
    for color, wide in (("#fff", 5), (ORANGE, 3)):  # seen on dark and on bright pixels
        drawn.append(f'<rect x="{x}" y="{24 + y}" {size} fill="none" stroke="{color}" stroke-width="{wide}"/>')
    outside = f'<rect x="0" y="24" width="{across * side}" height="{down * side}" fill="none" {_DASHED}/>'
    told = f"{title}: {height}x{width}, frame from row {frame[0]}, column {frame[1]}"
    head = f'<text x="0" y="14" font-weight="600">{xml_text(title)}</text>'
    return svg(max(SIDE, across * side) + 3, 28 + down * side, told, head + outside + "".join(drawn))


_DASHED = 'stroke="currentColor" stroke-opacity=".5" stroke-dasharray="3 3"'


def _start(first: int, last: int, size: int) -> int:
    """Where the part of an axis that is drawn begins: at 0 where all of it is."""
    if size <= MOST:
        return 0
    return min(max(0, (first + last - MOST) // 2), size - MOST)


def _pixels(values: Any, side: int, above: int, before: int) -> str:
    low, high = float(values.min()), float(values.max())
    span = high - low or 1.0
    cells = []
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            grey = round(255 * (float(value) - low) / span)
            x, y = (column + before) * side, 24 + (row + above) * side
            cells.append(f'<rect x="{x}" y="{y}" width="{side}" height="{side}" fill="rgb({grey},{grey},{grey})"/>')
    return f'<g shape-rendering="crispEdges">{"".join(cells)}</g>'
