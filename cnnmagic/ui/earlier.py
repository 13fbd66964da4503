"""The curves of earlier trainings of the same name, as they are kept on disk."""

from __future__ import annotations

from pathlib import Path

from cnnmagic.storage import records
from cnnmagic.ui.line import Point

MOST = 5
Lines = tuple[tuple[Point, ...], ...]


def earlier_lines(name: str, folder: Path | None) -> dict[str, Lines]:
    """For loss and accuracy the validation's (else the training's) line of each of the last earlier runs."""
    histories = [record.about.get("history") or [] for record in records(name) if record.folder != folder]
    last = [history for history in histories if history][-MOST:]
    return {kind: tuple(_line(history, kind) for history in last) for kind in ("loss", "accuracy")}


def _line(history: list[dict[str, float]], kind: str) -> tuple[Point, ...]:
    chosen = f"val_{kind}" if any(f"val_{kind}" in epoch for epoch in history) else kind
    return tuple((float(x), epoch[chosen]) for x, epoch in enumerate(history, 1) if chosen in epoch)
