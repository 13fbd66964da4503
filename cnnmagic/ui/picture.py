"""The end of a run as one picture that needs no kernel: an SVG inside an `<img>`, which notebooks keep."""

from __future__ import annotations

import base64
from html import escape

from cnnmagic.diagnosis import diagnose
from cnnmagic.markup import xml_text
from cnnmagic.state import RunState
from cnnmagic.ui.chart import describe, draw
from cnnmagic.ui.confusion import MOST_DRAWN, class_table, describe_matrix, matrix_svg, told_of
from cnnmagic.ui.glance import Glance, charts, glance
from cnnmagic.ui.label import FONT_SIZE, fitted
from cnnmagic.ui.pages import layers_html, notes_html

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


def details_html(state: RunState) -> str:
    """What the picture has no room for, folded: notes, classes and layers; nothing where there is none of them."""
    folded = {
        f"notes ({len(state.notes) + len(diagnose(state))})": notes_html(state)
        if state.notes or diagnose(state)
        else "",
        "classes": _confusion(state) if state.seen else "",
        "layers": layers_html(state) if state.layers_seen else "",
    }
    return "".join(f"<details><summary>{title}</summary>{html}</details>" for title, html in folded.items() if html)


def _confusion(state: RunState) -> str:
    """The matrix as an image, which a notebook keeps even where it isn't trusted, and the table of classes."""
    seen = state.seen[-1]
    image = ""
    if len(state.classes) <= MOST_DRAWN:
        drawn = matrix_svg(seen, state.classes, INK, PAPER)
        data = base64.b64encode(drawn.encode()).decode()
        text = escape(describe_matrix(seen, state.classes), quote=True)
        image = f'<img alt="{text}" src="data:image/svg+xml;base64,{data}"/>'
    return f"<div>{told_of(seen)}</div>{image}{class_table(seen, state.classes)}"


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
