"""How the ranks of one training agree: what the user asks for is carried out by all at the end of the same batch.

Ranks that train in step must also stop, pause and keep snapshots in step, or some wait for ever. Rank 0 tells the
others what to do at a meeting, and after how many batches the next one is: often enough to obey within 0.1 s, and no
more often than that.
"""

from __future__ import annotations

import queue
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from cnnmagic.events import Command
from cnnmagic.integrations.lines import Line, answered, call
from cnnmagic.integrations.wire import heard, told

SECONDS_BETWEEN_MEETINGS = 0.1
MOST_BATCHES = 1_000


class Accord:
    """The queue of commands that a loop obeys, filled at meetings; `keep` has the loop keep a snapshot."""

    def __init__(self, keep: Callable[[], object]):
        self.keep, self._agreed = keep, deque[Command]()
        self._batches_left = 1

    def empty(self) -> bool:
        return not self._agreed

    def get(self) -> Command:
        """The next command; without one, as in a pause, the next meeting brings it."""
        while not self._agreed:
            self.meet(waiting=True)
        return self._agreed.popleft()

    def agree(self) -> None:
        """Meet, where it is time to; called by all ranks at the end of every batch."""
        self._batches_left -= 1
        if self._batches_left <= 0:
            self.meet()

    def meet(self, waiting: bool = False) -> None:
        """Do as rank 0 says; `waiting` has it wait for a command."""
        raise NotImplementedError

    def same(self, numbers: dict[str, float]) -> dict[str, float]:
        """Rank 0's numbers, for decisions that must not hang on a last digit."""
        raise NotImplementedError

    def _carry_out(self, said: dict[str, Any]) -> None:
        self._agreed.extend(map(heard, said["commands"]))
        self._batches_left = said["batches"]
        if said["keep"]:
            self.keep()


class Leader(Accord):
    """Rank 0, which hears the user."""

    def __init__(
        self,
        keep: Callable[[], object],
        asked: queue.SimpleQueue[Command],
        others: Sequence[Line],
        due: Callable[[], bool],
    ):
        super().__init__(keep)
        self.asked, self.others, self.due = asked, others, due
        self._met, self._between = time.monotonic(), 1

    def meet(self, waiting: bool = False) -> None:
        commands = [self.asked.get()] if waiting else []
        while not self.asked.empty():
            commands.append(self.asked.get())
        said = {"commands": list(map(told, commands)), "keep": self.due(), "batches": self._next()}
        for line in self.others:
            line.send(said)
        self._carry_out(said)

    def same(self, numbers: dict[str, float]) -> dict[str, float]:
        for line in self.others:
            line.send({"numbers": numbers})
        return numbers

    def _next(self) -> int:
        """Batches until the next meeting, by the pace of those since the last."""
        now = time.monotonic()
        pace = max(1e-6, (now - self._met) / self._between)
        self._met, self._between = now, max(1, min(MOST_BATCHES, int(SECONDS_BETWEEN_MEETINGS / pace)))
        return self._between


class Follower(Accord):
    """Any other rank, which hears rank 0."""

    def __init__(self, keep: Callable[[], object], leader: Line):
        super().__init__(keep)
        self.leader = leader

    def meet(self, waiting: bool = False) -> None:
        self._carry_out(self.leader.receive()[0])

    def same(self, numbers: dict[str, float]) -> dict[str, float]:
        heard_numbers: dict[str, float] = self.leader.receive()[0]["numbers"]
        return heard_numbers


def accord_of(place: dict[str, Any], keeper: Any, asked: queue.SimpleQueue[Any], seconds: float) -> Accord:
    """How this rank agrees with the others: rank 0 answers the lines of all of them."""

    def keep() -> None:
        keeper.overdue = True

    if place["rank"]:
        return Follower(keep, _called(place))
    with socket.create_server((place["meeting"][0], place["meeting"][1])) as server:
        others: list[Line] = []
        while len(others) < place["workers"] - 1:
            if (found := answered(server, place["secret"])) is not None:
                others.append(found[0])
    return Leader(keep, asked, others, lambda: time.monotonic() - keeper.kept_at >= (seconds or float("inf")))


def _called(place: dict[str, Any]) -> Line:
    """The line to rank 0, as soon as that is there."""
    end = time.monotonic() + 60
    while True:
        try:
            return call((place["meeting"][0], place["meeting"][1]), {"secret": place["secret"], "rank": place["rank"]})
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
