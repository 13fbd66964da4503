"""Keeps a worker's last snapshot in memory, and has the driver write it."""

from __future__ import annotations

from typing import Any

from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.snapshot import Arrays, Position, Snapshot, Variables
from cnnmagic.integrations.lines import Line
from cnnmagic.integrations.specification import Specification
from cnnmagic.integrations.wire import packed
from cnnmagic.state import RunState


class RemoteKeeper(Keeper):
    """The keeper of rank 0, whose `driver` writes; any other rank has none. A snapshot is due after `seconds`."""

    def __init__(self, model: Any, specification: Specification, driver: Line | None, seconds: float):
        super().__init__(model, None, seconds, lambda: RunState(specification.name), lambda text: None)
        self.driver, self.best = driver, specification.best

    def hold(self, snapshot: Snapshot) -> None:
        super().hold(snapshot)
        if self.driver is not None:
            self.driver.send({"kind": "snapshot"}, packed(snapshot))

    @property
    def has_place(self) -> bool:
        return self.driver is not None

    def hold_best(self, epoch: int, score: float, weights: Arrays) -> None:
        super().hold_best(epoch, score, weights)
        if self.driver is not None:
            snapshot = Snapshot(Position(), Variables(weights, (), ()))
            self.driver.send({"kind": "best", "epoch": epoch, "score": score}, packed(snapshot))
