"""The end of a run as one picture that needs no kernel: an SVG inside an `<img>`, which notebooks keep."""

from __future__ import annotations

import base64
from html import escape

from cnnmagic.state import RunState
from cnnmagic.ui.chart import describe, draw
from cnnmagic.ui.glance import Glance, charts, glance
from cnnmagic.ui.label import FONT_SIZE, fitted, xml_text

WIDTH, HEIGHT = 900, 340
SIZE = 13
WORDS = (WIDTH - 32) * FONT_SIZE / SIZE  # the room of a line, as `fitted` measures it
CHART_WIDTH, CHART_HEIGHT = 430, 230
INK, PAPER, BAR, TRACK = "#24292f", "#ffffff", "#2a8fd6", "#d9dee3"


def picture(state: RunState) -> str:
    """The run's words, progress and curves as a standalone SVG of 900 by 340 pixels, with a ground of its own."""
    words = glance(state)
    loss, accuracy = charts(state)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="{SIZE}" fill="{INK}" color="{INK}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{PAPER}"/>{_head(words)}'
        f"{draw(loss, CHART_WIDTH, CHART_HEIGHT, x=12, y=98, color=INK)}"
        f"{draw(accuracy, CHART_WIDTH, CHART_HEIGHT, x=458, y=98, color=INK)}</svg>"
    )


def picture_html(state: RunState) -> str:
    """The picture for a notebook's output, with its text form for those who don't see it."""
    data = base64.b64encode(picture(state).encode()).decode()
    text = escape(alternative(state), quote=True)
    return f'<img alt="{text}" style="max-width:100%" width="{WIDTH}" src="data:image/svg+xml;base64,{data}"/>'


def alternative(state: RunState) -> str:
    """The picture in a few sentences."""
    words = glance(state)
    told = [f"{words.name} {words.phase}", words.where, words.clock, words.pace, words.scores, words.cause]
    return ". ".join([*filter(None, told), *(describe(chart) for chart in charts(state))])


def _head(words: Glance) -> str:
    filled = round((WIDTH - 32) * words.progress)
    name = fitted(words.name, WIDTH / 3)
    return (
        f'<text x="16" y="26"><tspan font-weight="bold">{xml_text(name)}</tspan>'
        f'<tspan dx="12">{xml_text(" · ".join(filter(None, (words.phase, words.where))))}</tspan></text>'
        f'<text x="{WIDTH - 16}" y="26" text-anchor="end">{xml_text(words.clock)}</text>'
        f'<rect x="16" y="36" width="{WIDTH - 32}" height="6" rx="3" fill="{TRACK}"/>'
        f'<rect x="16" y="36" width="{filled}" height="6" rx="3" fill="{BAR}"/>'
        f'<text x="16" y="64">{xml_text(words.pace)}</text>'
        f'<text x="16" y="86" xml:space="preserve">{xml_text(fitted(words.cause or words.scores, WORDS))}</text>'
    )
