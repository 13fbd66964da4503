"""Curves of several runs over common axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from cnnmagic.ui.chart import Chart, Curve, draw
from cnnmagic.ui.line import Style

MOST_RUNS = len(get_args(Style))
NAMES = {
    "loss": ("val_loss", "loss", "cross-entropy", False),
    "accuracy": ("val_accuracy", "accuracy", "", True),
}


def overlay(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> tuple[Chart, Chart]:
    """Loss and accuracy of up to four runs by name: of the validation where there was one, else of the training."""
    charts = []
    for title, (validation, training, unit, percent) in NAMES.items():
        curves = []
        for style, (name, history) in zip(get_args(Style), histories.items(), strict=False):
            chosen = validation if any(validation in epoch for epoch in history) else training
            points = tuple((float(x), epoch[chosen]) for x, epoch in enumerate(history, 1) if chosen in epoch)
            curves.append(Curve(name if chosen == validation else f"{name} (training)", points, style))
        charts.append(Chart(f"validation {title}", "epoch", unit, tuple(curves), percent=percent))
    return charts[0], charts[1]


def overlay_html(histories: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """The two charts side by side, beneath each other where there is little room."""
    drawn = "".join(f'<div style="flex:1 1 300px;max-width:480px">{draw(chart)}</div>' for chart in overlay(histories))
    return f'<div style="display:flex;flex-flow:row wrap">{drawn}</div>'
