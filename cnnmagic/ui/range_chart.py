"""The range test's result for the eye: its curve with the suggested rate marked, its sentence, its table."""

from __future__ import annotations

import base64
from html import escape

from cnnmagic.rate_search import Progress
from cnnmagic.rates import RateCurve
from cnnmagic.ui.chart import Chart, Curve, describe, draw, rows
from cnnmagic.ui.picture import INK, PAPER
from cnnmagic.ui.scale import number_text

WIDTH, HEIGHT = 560, 260


def range_chart(curve: RateCurve, name: str) -> Chart:
    """Losses over rates, as they came and smoothed, with the suggested rate marked."""
    raw, smooth = (tuple(zip(curve.rates, losses, strict=True)) for losses in (curve.losses, curve.smoothed))
    suggested = curve.suggested
    marked = None
    if suggested is not None:
        marked = suggested, min(smooth, key=lambda point: abs(point[0] / suggested - 1))[1]
    return Chart(
        f"learning rates of {name}",
        "learning rate",
        "loss",
        (Curve("by batch", raw, "third"), Curve("smoothed", smooth)),
        best=marked,
        log=True,
        log_x=True,
        mark="" if suggested is None else f"suggested {suggested:g}",
    )


def range_text(curve: RateCurve, name: str) -> str:
    """The sentence, and the curve as a small table."""
    numbers = [
        ["-" if value is None else number_text(value) for value in row] for row in rows(range_chart(curve, name))
    ]
    lines = ["  ".join(f"{cell:>8}" for cell in row) for row in [["rate", "loss", "smoothed"], *numbers]]
    return "\n".join([f"{name}: {curve.reason}", "", *lines])


def range_drawing(curve: RateCurve, name: str, color: str = "currentColor") -> str:
    """The curve as SVG."""
    return draw(range_chart(curve, name), WIDTH, HEIGHT, color=color)


def range_html(curve: RateCurve, name: str) -> str:
    """The curve in an `<img>`, which notebooks keep, and the sentence under it."""
    drawing = range_drawing(curve, name, INK).replace("<svg ", f'<svg style="background:{PAPER}" ', 1)
    data = base64.b64encode(drawing.encode()).decode()
    text = escape(describe(range_chart(curve, name)), quote=True)
    image = f'<img alt="{text}" style="max-width:100%" width="{WIDTH}" src="data:image/svg+xml;base64,{data}"/>'
    return f"<div>{image}<br/>{escape(curve.reason)}</div>"


def progress_text(progress: Progress, name: str) -> str:
    """`lrfind of net: batch 57 of 200, rate 2.1e-5, loss 2.31`."""
    if progress.behind:
        return f"lrfind of {name} waits for the end of {progress.behind}"
    if not progress.batch:
        return f"lrfind of {name} begins"
    rate, loss = number_text(progress.rate), number_text(progress.loss)
    return f"lrfind of {name}: batch {progress.batch} of {progress.batches}, rate {rate}, loss {loss}"
