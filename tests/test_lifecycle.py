"""What a run's life keeps in order where things happen at once: commands while images are read, its last checkpoint."""

import queue
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from cnnmagic import lifecycle
from cnnmagic.engine import reading
from cnnmagic.errors import RunError
from cnnmagic.events import Finished, Pause, Resume, SetLearningRate, Stop
from cnnmagic.pipeline import make_plan
from cnnmagic.run import Run

PLAN = make_plan("input 8x8x1\nconv 4 3x3\nflatten\noutput 10", {})


@pytest.mark.parametrize(
    "commands, goes_on",
    [([Pause(), SetLearningRate(0.1), Resume()], True), ([SetLearningRate(0.1), Stop(), SetLearningRate(0.2)], False)],
)
def test_commands_while_images_are_read_stay_in_their_order(
    commands: list[Any], goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
    told: list[Any] = []

    def read_all(dataset: Any, tell: Any, stopped: Any) -> Any:
        for command in commands[:-1]:
            asked.put(command)
            is_over = stopped()
        asked.put(commands[-1])  # after the last look
        return None if is_over else dataset

    monkeypatch.setattr(reading, "read_all", read_all)
    run: Any = SimpleNamespace(dataset=SimpleNamespace(notes=()))
    assert lifecycle._has_read(run, told.append, asked) == goes_on
    assert [asked.get() for _ in range(asked.qsize())] == commands
    assert [type(event) for event in told] == ([] if goes_on else [Finished])


def test_more_waits_for_the_last_checkpoint_of_a_training_that_has_finished() -> None:
    run, held = Run("net", PLAN, None, None), threading.Event()

    def work(emit: Any, commands: Any) -> None:
        emit(Finished("finished", 2.0))
        held.wait(60)
        run.snapshot = "the last"

    run.start(work)
    while not run.state.is_over:
        pass
    threading.Timer(0.2, held.set).start()
    assert lifecycle._snapshot_of(run) == "the last"


def test_a_training_under_way_has_no_snapshot_to_go_on_from() -> None:
    run, held = Run("net", PLAN, None, None), threading.Event()

    def work(emit: Any, commands: Any) -> None:
        held.wait(60)

    run.start(work)
    try:
        with pytest.raises(RunError, match="net is queued"):
            lifecycle._snapshot_of(run)
    finally:
        held.set()
        run.wait(60)
