"""The workers of one training as the driver hears of them: events, snapshots, commands, and why they are gone."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.events import Command, Event, Finished, LearningRateSet, Noted, Reading, SetLearningRate, Stop
from cnnmagic.integrations.blame import RESUME, Sign, first_cause, is_silent, refusal
from cnnmagic.integrations.cluster import BarrierJob, last_line
from cnnmagic.integrations.lines import Line, LineBroken, answered
from cnnmagic.integrations.task import Job, task_of
from cnnmagic.integrations.wire import heard, told, unpacked

SECONDS_BETWEEN_LOOKS = 0.02
SECONDS_TO_STOP = 4.0
SECONDS_TO_BEGIN = 300.0
SECONDS_TO_TELL = 1.0
SECONDS_TO_TELL_WHY = 3.0  # for a task on a busy machine, whose rank is gone
SECONDS_TO_END = 5.0
DROPPED = "the workers did not stop in time and were ended: the model is that of the last checkpoint"


class Gang:
    """One barrier job: rank 0 feeds the run, each rank holds a line to the driver, whose end ends it."""

    def __init__(
        self,
        job: Job,
        server: socket.socket,
        keeper: Any,
        emit: Callable[[Event], None],
        commands: queue.SimpleQueue[Command],
    ):
        self.job, self.server, self.keeper, self.emit, self.commands = job, server, keeper, emit, commands
        self.news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.lines: dict[int, Line] = {}
        self.hosts: dict[int, str] = {}
        self.done: set[int] = set()
        self.finished: str | None = None
        self.begun = False
        self.stopping: float | None = None
        self.rate: SetLearningRate | None = None  # passed on, and not in force yet
        self.latest = 0.0
        self.barrier: BarrierJob | None = None

    def train(self, spark: Any, name: str) -> str:
        """Run the job to its end; returns how it ended, `finished`, `stopped` or `stopped early`."""
        threading.Thread(target=self._answer, name="cnnmagic-gang", daemon=True).start()
        task = task_of(self.job)
        self.barrier = BarrierJob(spark, self.job.workers, task, name, lambda error: self.news.put(("job", error)))
        self.latest = time.monotonic() + SECONDS_TO_BEGIN
        while self.finished is None:
            self._pass_on()
            try:
                self._take(*self.news.get(timeout=SECONDS_BETWEEN_LOOKS))
            except queue.Empty:
                if not self.begun and time.monotonic() > self.latest:
                    raise self._late() from None
                if self._is_overdue():
                    return "stopped"
        self._see_off()
        return self.finished

    def _is_overdue(self) -> bool:
        """Whether a Stop has been waited for long enough: longer while rank 0 is sending what it has learned."""
        if self.stopping is None:
            return False
        heard_at = self.lines[0].heard_at if self.begun else 0.0
        if time.monotonic() <= max(self.stopping, heard_at) + SECONDS_TO_STOP:
            return False
        if self.begun:
            self.emit(Noted(DROPPED))
        return True

    def _see_off(self) -> None:
        """Wait a little for the ranks to end by themselves; what the last of them keep to themselves is no harm."""
        end = time.monotonic() + SECONDS_TO_END
        while len(self.done) < self.job.workers and time.monotonic() < end:
            try:
                kind, what = self.news.get(timeout=SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                continue
            if kind in ("bye", "snapshot", "best"):
                self._take(kind, what)

    def _late(self) -> RunError:
        message = f"{len(self.lines)} of {self.job.workers} workers have begun within {SECONDS_TO_BEGIN:.0f} s."
        return RunError(message, remedy="Other jobs may hold the cluster's slots.")

    def close(self) -> None:
        """End what is left of the job: ranks that lose the driver end themselves."""
        self.server.close()
        for line in list(self.lines.values()):
            line.close()
        self._give_back_rate()
        if self.barrier is None:
            return
        self.barrier.thread.join(0.0 if len(self.done) < self.job.workers else SECONDS_TO_END)
        if self.barrier.thread.is_alive():
            self.barrier.cancel()
            self.barrier.thread.join(SECONDS_TO_END)

    def _give_back_rate(self) -> None:
        """Put a rate that no rank has obeyed before what was asked for later: it holds for what goes on from here."""
        asked = [self.commands.get() for _ in range(self.commands.qsize())]
        for command in (self.rate, *asked):
            if command is not None:
                self.commands.put(command)

    def _pass_on(self) -> None:
        """Give the user's commands to rank 0, as soon as it trains; a Stop before that ends the job."""
        if not self.begun:
            kept = [self.commands.get() for _ in range(self.commands.qsize())]
            if any(isinstance(command, Stop) for command in kept) and self.stopping is None:
                self.stopping = time.monotonic() - SECONDS_TO_STOP
            for command in kept:
                self.commands.put(command)
            return
        while not self.commands.empty():
            command = self.commands.get()
            if isinstance(command, Stop):
                self.stopping = self.stopping or time.monotonic()
            if isinstance(command, SetLearningRate):
                self.rate = command
            try:
                self.lines[0].send(told(command))
            except LineBroken:
                return  # that rank 0 is gone is among the news

    def _take(self, kind: str, what: Any) -> None:
        match kind:
            case "event":
                event = heard({name: value for name, value in what.items() if name != "kind"})
                self.begun = self.begun or not isinstance(event, Reading)
                self.latest = time.monotonic() + SECONDS_TO_BEGIN
                if isinstance(event, LearningRateSet) and self.rate == SetLearningRate(event.peak_rate):
                    self.rate = None
                if isinstance(event, Finished):
                    self.finished = event.reason
                else:
                    self.emit(event)
            case "snapshot":
                self.keeper.hold(what)
            case "best":
                self.keeper.hold_best(*what)
            case "bye":
                self.done.add(what)
            case "sign":
                raise self._broken(what)
            case "job":
                raise self._broken(None, what)

    def _broken(self, sign: Sign | None, failure: BaseException | None = None) -> RunError:
        """Why the training broke off, from what is heard within a moment of the first sign."""
        signs, start = [sign] if sign is not None else [], time.monotonic()
        while time.monotonic() < start + (SECONDS_TO_TELL_WHY if is_silent(signs) else SECONDS_TO_TELL):
            try:
                kind, what = self.news.get(timeout=0.05)
            except queue.Empty:
                continue
            if kind == "sign":
                signs.append(what)
            elif kind == "job":
                failure = what
        if signs:
            return refusal(first_cause(signs), self.hosts)
        reason = "Spark counts it as done." if failure is None else last_line(failure)
        return RunError("the Spark job ended before the training.", reason=reason, remedy=RESUME)

    def _answer(self) -> None:
        """Answer the lines of ranks, and of tasks whose rank is gone."""
        while True:
            try:
                found = answered(self.server, self.job.secret)
            except OSError:
                return
            if found is None:
                continue
            line, hello = found
            if "ended" in hello:
                self.news.put(("sign", Sign("ended", hello["rank"], hello)))
                line.close()
                continue
            self.lines[hello["rank"]], self.hosts[hello["rank"]] = line, hello["host"]
            threading.Thread(target=self._hear, args=(hello["rank"], line), daemon=True).start()

    def _hear(self, rank: int, line: Line) -> None:
        try:
            while True:
                head, body = line.receive()
                match head["kind"]:
                    case "snapshot":
                        self.news.put(("snapshot", unpacked(body)))
                    case "best":
                        self.news.put(("best", (head["epoch"], head["score"], unpacked(body).variables.model)))
                    case "bye":
                        self.news.put(("bye", rank))
                        return
                    case "failed":
                        self.news.put(("sign", Sign("failed", rank, head)))
                    case kind:
                        self.news.put((kind, head))
        except LineBroken:
            self.news.put(("sign", Sign("gone", rank, {})))
