"""The pages beside the curves: numbers of the layers, and what there is to say of a run."""

from __future__ import annotations

from html import escape

from cnnmagic.diagnosis import diagnose
from cnnmagic.events import LayerNumbers
from cnnmagic.state import RunState

HEADER = ("layer", "outputs (RMS)", "dead ReLUs", "weights (norm)", "gradient (norm)")
TABLE = "border-collapse:collapse;line-height:1.4;font-variant-numeric:tabular-nums"
CELL = "padding:0 10px;border:0;background:none;text-align:"
WARNING = "#c4391d"


def layers_html(state: RunState) -> str:
    """A table of what the last look at the layers gave."""
    seen = state.layers_seen
    if seen is None:
        return "<div>the layers are looked at after the first epoch, and now and then</div>"
    columns = HEADER if any(layer.weights is not None for layer in seen.layers) else HEADER[:3]
    head = "".join(f'<th scope="col" style="{_style(column)}">{title}</th>' for column, title in enumerate(columns))
    body = "".join(_row(layer, len(columns)) for layer in seen.layers)
    return (
        f"<div>after epoch {seen.epoch}, for {seen.images:,} images</div>"
        f'<table style="{TABLE}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def notes_html(state: RunState) -> str:
    """Diagnoses first, then the notes of the run."""
    told = [diagnosis.text for diagnosis in diagnose(state)]
    items = [*(f'<li><b style="color:{WARNING}">!</b> {escape(text)}</li>' for text in told)]
    items += [f"<li>{escape(note)}</li>" for note in state.notes]
    if not items:
        return "<div>nothing to say: all is well so far</div>"
    return f'<ul style="margin:0;padding-left:18px;line-height:1.5">{"".join(items)}</ul>'


def notes_title(state: RunState) -> str:
    """`Notes`, with how many there are."""
    count = len(diagnose(state)) + len(state.notes)
    return f"Notes ({count})" if count else "Notes"


def advice(state: RunState) -> str:
    """The first diagnosis, or nothing."""
    return next((diagnosis.text for diagnosis in diagnose(state)), "")


def _row(layer: LayerNumbers, columns: int) -> str:
    dead = f"{layer.dead} of {layer.channels}" if layer.channels else ""
    texts = (layer.name, f"{layer.activation:.3g}", dead, _number(layer.weights), _number(layer.gradient))
    cells = "".join(_cell(text, column) for column, text in enumerate(texts[:columns]))
    return f'<tr style="background:none">{cells}</tr>'


def _cell(text: str, column: int) -> str:
    return f'<td style="{_style(column)}">{escape(text)}</td>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _style(column: int) -> str:
    return f"{CELL}{'right' if column else 'left'}"
