"""What the driver makes of what it hears: Stops obeyed late, rates that come too late, images that are read."""

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from cnnmagic import events
from cnnmagic.engine.snapshot import Position, Snapshot, Variables
from cnnmagic.errors import RunError
from cnnmagic.events import Command, Event, Finished, LearningRateSet, Noted, Reading, SetLearningRate, Stop
from cnnmagic.integrations import gang as module
from cnnmagic.integrations.gang import DROPPED, Gang
from cnnmagic.integrations.lines import LENGTHS, Line, LineBroken, call
from cnnmagic.integrations.task import Job
from cnnmagic.integrations.wire import packed, told

STARTED = events.Started(1, 10, 32, 320, "CPU", "float32", 0.1, 0.0)
Rank = Callable[[Line], None]


class Barrier:
    """Stands for the job on the cluster, of which nothing is heard."""

    def __init__(self, *arguments: Any):
        self.thread = threading.Thread(target=lambda: None)
        self.thread.start()

    def cancel(self) -> None:
        pass


class Keeper:
    def __init__(self) -> None:
        self.batches: list[int] = []
        self.best: list[tuple[int, float]] = []

    def hold_best(self, epoch: int, score: float, weights: Any) -> None:
        self.best.append((epoch, score))

    def hold(self, snapshot: Snapshot) -> None:
        self.batches.append(snapshot.position.batch)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the times, and no cluster."""
    monkeypatch.setattr(module, "BarrierJob", Barrier)
    monkeypatch.setattr(module, "task_of", lambda job: None)
    monkeypatch.setattr(module, "SECONDS_TO_STOP", 0.4)
    monkeypatch.setattr(module, "SECONDS_TO_BEGIN", 0.6)
    monkeypatch.setattr(module, "SECONDS_TO_END", 0.1)


def snapshot_of(batch: int) -> bytes:
    return packed(Snapshot(Position(0, batch), Variables((np.zeros(1000),), (), ())))


def tell(line: Line, event: Event) -> None:
    line.send({"kind": "event", **told(event)})


class Heard:
    """A training by a rank that does as `rank` says; `commands` reach it when it has begun."""

    def __init__(self, rank: Rank, *commands: Command):
        self.keeper, self.events = Keeper(), list[Event]()
        self.commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self.waiting: Iterator[Command] = iter(commands)
        self.reason = ""
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = server.getsockname()
            gang = Gang(Job(address, "secret", 1, {}, {}), server, self.keeper, self.hear, self.commands)
            threading.Thread(target=self.work, args=(rank, address), daemon=True).start()
            self.start = time.monotonic()
            try:
                self.reason = gang.train(None, "net")
            finally:
                self.seconds = time.monotonic() - self.start
                gang.close()
        self.left = [self.commands.get() for _ in range(self.commands.qsize())]

    def work(self, rank: Rank, address: tuple[str, int]) -> None:
        line = call(address, {"secret": "secret", "rank": 0, "host": "here"})
        with suppress(LineBroken):
            rank(line)

    def hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, events.Started):
            for command in self.waiting:
                self.commands.put(command)

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Noted)]


def begin(line: Line) -> None:
    line.send({"kind": "snapshot"}, snapshot_of(0))
    tell(line, STARTED)
    line.receive()


def end(line: Line, reason: str) -> None:
    line.send({"kind": "snapshot"}, snapshot_of(9))
    tell(line, Finished(reason, 0.0))
    line.send({"kind": "bye"})


def test_a_stop_waits_for_a_snapshot_that_is_on_its_way() -> None:
    def rank(line: Line) -> None:
        begin(line)
        body = snapshot_of(9)
        line._socket.sendall(LENGTHS.pack(20, len(body)) + b'{"kind": "snapshot"}')
        for part in range(6):  # 1.2 s, as a large one does
            line._socket.sendall(body[part * len(body) // 6 : (part + 1) * len(body) // 6])
            time.sleep(0.2)
        end(line, "stopped")

    heard = Heard(rank, Stop())
    assert (heard.reason, heard.keeper.batches, heard.notes) == ("stopped", [0, 9, 9], [])


def test_a_job_that_does_not_stop_is_dropped_and_that_is_told() -> None:
    def rank(line: Line) -> None:
        begin(line)
        time.sleep(2)
        end(line, "stopped")

    heard = Heard(rank, Stop())
    assert (heard.reason, heard.keeper.batches, heard.notes) == ("stopped", [0], [DROPPED])
    assert heard.seconds < 1.5


def test_the_best_weights_that_come_are_kept() -> None:
    def rank(line: Line) -> None:
        begin(line)
        line.send({"kind": "best", "epoch": 3, "score": 0.9}, snapshot_of(0))
        end(line, "finished")

    assert Heard(rank, SetLearningRate(0.5)).keeper.best == [(3, 0.9)]


def test_a_rate_that_comes_too_late_is_kept_for_what_goes_on() -> None:
    def rank(line: Line) -> None:
        begin(line)
        end(line, "finished")

    heard = Heard(rank, SetLearningRate(0.5))
    assert (heard.reason, heard.left) == ("finished", [SetLearningRate(0.5)])


@pytest.mark.parametrize("obeyed, left", [([0.5, 0.25], []), ([0.5], [SetLearningRate(0.25)])])
def test_only_a_rate_that_was_obeyed_is_done_with(obeyed: list[float], left: list[Command]) -> None:
    def rank(line: Line) -> None:
        begin(line)
        line.receive()
        for rate in obeyed:
            tell(line, LearningRateSet(rate, rate))
        end(line, "finished")

    assert Heard(rank, SetLearningRate(0.5), SetLearningRate(0.25)).left == left


def read(line: Line) -> None:
    for done in range(5):
        time.sleep(0.2)
        tell(line, Reading(done, 5))


def test_a_rank_that_reads_its_images_is_not_late() -> None:
    def rank(line: Line) -> None:
        read(line)
        tell(line, STARTED)
        end(line, "finished")

    heard = Heard(rank)
    assert heard.reason == "finished" and sum(isinstance(event, Reading) for event in heard.events) == 5


def test_a_stop_while_images_are_read_ends_the_job_and_loses_nothing() -> None:
    class Stopped(Heard):
        def hear(self, event: Event) -> None:
            super().hear(event)
            if event == Reading(1, 5):
                self.commands.put(Stop())

    heard = Stopped(read)
    assert (heard.reason, heard.notes) == ("stopped", []) and heard.seconds < 0.9


def test_a_rank_of_which_nothing_is_heard_is_late() -> None:
    with pytest.raises(RunError, match="1 of 1 workers have begun within 1 s"):
        Heard(lambda line: time.sleep(2))


def test_a_call_that_nobody_takes_leaves_no_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Line] = []

    def broken(line: Line, head: dict[str, Any], body: bytes = b"") -> None:
        lines.append(line)
        raise LineBroken("reset")

    monkeypatch.setattr(Line, "send", broken)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(OSError, match="reset"):
        call(server.getsockname(), {})
    assert lines[0]._socket.fileno() == -1
