"""One step of a convolution on the reader's own image: the window, the products, the sum, the output pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cnnmagic.explain.answer import Control, Number
from cnnmagic.explain.choice import chosen
from cnnmagic.explain.network import window_of
from cnnmagic.explain.pixels import grid
from cnnmagic.explain.probe import Probe, Stepped
from cnnmagic.explain.texts import Words
from cnnmagic.plans import Step

MOST_SHOWN = 7  # a larger window is told by its sum alone


@dataclass(frozen=True)
class Worked:
    """One step worked out: what is told of it, its numbers, its figure, and what chooses another."""

    told: tuple[str, ...]
    numbers: tuple[Number, ...]
    figure: str
    controls: tuple[Control, ...]


def work_out(step: Step, probe: Probe, words: Words) -> Worked | None:
    """The step that the reader has chosen, the one in the middle at first; None without a trained network."""
    image, maps = probe.picked(), probe.maps(step.name)
    if image is None or maps is None:
        return None
    height, width, filters = maps.shape
    middle = height // 2 * width + width // 2
    filter = chosen(probe, Control("filter", words("filter"), 0, most=filters - 1))
    place = chosen(probe, Control("step", words("step"), middle, most=height * width - 1))
    row, column = divmod(int(place.value), width)
    found = probe.stepped(step.name, int(filter.value), row, column)
    if found is None:
        return None
    where = {"layer": step.name, "filter": filter.value, "row": row, "column": column, "image": words.image(image)}
    numbers = (
        words.number("sum", found.total - found.bias, **where),
        words.number("bias", found.bias, **where),
        words.number("pixel", found.total, **where),
        words.number("activated", found.pixel, **where),
    )
    return Worked(_told(found, where, words), numbers, _figure(step, found, row, column, words), (filter, place))


def _told(found: Stepped, where: dict[str, Any], words: Words) -> tuple[str, ...]:
    high, wide, channels = found.window.shape
    lines = _lines(found.window[..., 0], found.kernel[..., 0]) if max(high, wide) <= MOST_SHOWN else ""
    values = {"total": found.total - found.bias, "bias": found.bias, "pixel": found.total}
    parts = (
        words("worked", **where, channels=channels),
        lines,
        words("total", **values, name=found.activation, answer=found.answer),
    )
    return tuple(part for part in parts if part)


def _lines(window: Any, weights: Any) -> str:
    """The window, the kernel and the products side by side."""
    rows = zip(window, weights, window * weights, strict=True)
    return "\n".join("    " + "   ".join(" ".join(f"{v:7.3f}" for v in part) for part in row) for row in rows)


def _figure(step: Step, found: Stepped, row: int, column: int, words: Words) -> str:
    """The layer's input with the window on it, and its output with the pixel."""
    dilation = max(window_of(step).dilation_rate)
    rows, columns = found.rows, found.columns
    framed = (min(rows), min(columns), max(rows) + 1, max(columns) + 1)
    before = grid(found.given, framed, words("given" if dilation == 1 else "given_dilated", dilation=dilation))
    after = grid(found.gone_out, (row, column, row + 1, column + 1), words("gone_out"))
    return f'<div style="display:flex;flex-wrap:wrap;gap:24px">{before}{after}</div>'
