"""The terminal's line of progress and its summary."""

import io
import threading
from collections.abc import Callable

import pytest

import cnnmagic.ui.terminal
from cnnmagic.events import Finished
from cnnmagic.pipeline import make_plan
from cnnmagic.run import Run
from cnnmagic.ui.terminal import BAR, follow, progress_line
from tests.ui.states import STARTED, STATES, batch, whole

PLAN = make_plan("input 8x8x1\nflatten\noutput 10", {})


@pytest.mark.parametrize("name", STATES)
def test_progress_line(name: str, golden: Callable[[str, str], None]) -> None:
    line = progress_line(STATES[name])
    assert "\n" not in line
    assert len(line[line.index("[") + 1 : line.index("]")]) == BAR
    golden(f"ui/line_{name}.txt", line)


def run_of(*events, held: threading.Event | None = None) -> Run:
    def work(emit, commands):
        for event in events:
            emit(event)
        if held:
            held.wait(60)
            emit(Finished("finished", 1_240.0))

    run = Run("lenet5", PLAN, None, None)
    run.start(work)
    return run


def test_follow_writes_lines_of_one_width_and_a_summary() -> None:
    held, stream = threading.Event(), io.StringIO()
    run = run_of(STARTED, *whole(2), batch(3, 210), held=held)
    threading.Timer(0.5, held.set).start()
    follow(run, stream)
    *lines, last = stream.getvalue().split("\r")
    assert last == f"{run}\n"
    assert "epoch 3 of 12 · batch 210 of 422" in lines[1]
    assert len({len(line) for line in lines[1:]}) == 1


def test_an_interrupt_ends_the_following_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    held, stream = threading.Event(), io.StringIO()
    run = run_of(STARTED, held=held)
    monkeypatch.setattr(run, "wait_quietly", lambda timeout=None: (_ for _ in ()).throw(KeyboardInterrupt))
    follow(run, stream)
    assert "lenet5 goes on in the background" in stream.getvalue()
    assert not run.is_done
    held.set()
    monkeypatch.undo()
    run.wait(60)


def test_a_narrow_terminal_cuts_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    cnnmagic.ui.terminal._write(stream, progress_line(STATES["training"]))
    assert len(stream.getvalue()) == 40
