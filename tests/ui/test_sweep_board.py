"""The live view of a sweep: a part of it that fails leaves the rest alive."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from cnnmagic.trials import SweepState
from cnnmagic.ui import sweep_board
from cnnmagic.ui.sweep_board import SweepBoard

STATE = SweepState("net", whole=3, phase="training")


class Sweep:
    """Stands for a sweep under way, which ends when its Stop is pressed."""

    def __init__(self) -> None:
        self.plan, self.state, self.runs = SimpleNamespace(sweep=None), STATE, ()
        self.done = threading.Event()
        self.noticed: list[Any] = []

    @property
    def is_done(self) -> bool:
        return self.done.is_set()

    def listen(self, notice: Any) -> None:
        self.noticed.append(notice)

    def wait_quietly(self, seconds: float) -> None:
        self.done.wait(0.01)

    def stop(self) -> None:
        self.done.set()


@pytest.mark.parametrize("part", ["head_html", "table_html", "training_html"])
def test_a_part_that_fails_leaves_the_board_alive(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sweep, updates, tried = Sweep(), list[Any](), threading.Event()
    sweep.runs = (SimpleNamespace(state=None),)  # type: ignore[assignment]
    sweep.state = SweepState("net", whole=3, phase="training", trials=(SimpleNamespace(),))  # type: ignore[arg-type]

    def fail(*given: object) -> str:
        if len(caplog.records):
            tried.set()
        raise ZeroDivisionError("of our own")

    drawn = ("head_html", "table_html", "training_html", "importance_svg", "end_html", "trials_text", "picture_html")
    for name in drawn:
        monkeypatch.setattr(sweep_board, name, lambda *given, name=name: f"<svg {name}")
    monkeypatch.setattr(sweep_board, "curves", lambda state: None)
    monkeypatch.setattr(sweep_board, "draw", lambda *given: "<svg ")
    monkeypatch.setattr(sweep_board, part, fail)
    handle = SimpleNamespace(update=lambda bundle, raw: updates.append(bundle))
    monkeypatch.setattr(sweep_board, "display", lambda *bundle, **options: handle)
    board = SweepBoard(sweep)  # type: ignore[arg-type]
    board.show()
    sweep.noticed[0](None)
    assert tried.wait(60) and not board.painted.is_set()
    board.stop.click()
    assert board.painted.wait(60) and updates
    assert caplog.text.count("ZeroDivisionError: of our own") == 1 and "a part of the view of the sweep" in caplog.text
