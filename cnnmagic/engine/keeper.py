"""Keeps a training's snapshots: says when one is due, holds the last, and has it written."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cnnmagic.engine.checkpoint import Writer, write_snapshot, write_weights
from cnnmagic.engine.snapshot import Arrays, Position, Snapshot, are_finite, copied, take, way_of
from cnnmagic.state import RunState, story_of


class Keeper:
    """The last snapshot of a model in training, in memory and, where `folder` is given, in its file.

    `moment` gives the run's state; `note` is told, once, that a file can't be written: the training goes on then.
    """

    def __init__(
        self,
        model: Any,
        folder: Path | None,
        seconds: float,
        moment: Callable[[], RunState],
        note: Callable[[str], None],
    ):
        self.model, self.folder, self.seconds, self.moment, self.note = model, folder, seconds, moment, note
        self.last: Snapshot | None = None
        self.written: Snapshot | None = None
        self.kept_at = time.monotonic()
        self.best: float | None = None
        self.failed = self.overdue = False
        self.record: Callable[[RunState], None] = lambda state: None
        self.writer = Writer(self._failed) if folder is not None else None

    @property
    def is_written(self) -> bool:
        """Whether the last snapshot is in its file, if it is to be in one; known once all is written."""
        return self.writer is None or self.written is self.last

    @property
    def due(self) -> bool:
        """Whether the last snapshot is old."""
        return self.overdue or time.monotonic() - self.kept_at >= self.seconds

    def keep(self, position: Position, best: Arrays = (), metrics: Arrays | None = None) -> bool:
        """Take a snapshot now and have it written; False, and none is taken, where weights are no numbers any more.

        `best` are early stopping's best weights, `metrics` the sums behind the means where the model's are others.
        """
        taken = take(self.model)
        if not are_finite(taken.model):
            return False
        variables = taken if metrics is None else replace(taken, metrics=metrics)
        self.hold(Snapshot(position, variables, best, way_of(self.model)))
        return True

    def hold(self, snapshot: Snapshot) -> None:
        """Make a snapshot the last one, and have it written."""
        self.last = snapshot
        self.kept_at, self.overdue = time.monotonic(), False
        if self.writer is not None and self.folder is not None:
            folder, state = self.folder, self.moment()
            self.writer.put("snapshot", lambda: self._write(folder, snapshot, state))

    @property
    def has_place(self) -> bool:
        """Whether what is kept goes anywhere but into memory."""
        return self.writer is not None

    def keep_best(self, epoch: int, score: float) -> None:
        """Have the weights written where no epoch before has been as good and they are numbers; `epoch` is from 1."""
        if not self.has_place or (self.best is not None and score <= self.best):
            return
        weights = copied(self.model.variables)
        if are_finite(weights):
            self.hold_best(epoch, score, weights)

    def hold_best(self, epoch: int, score: float, weights: Arrays) -> None:
        """Have the weights of the best epoch so far written."""
        self.best = score
        if self.writer is not None and self.folder is not None:
            folder = self.folder
            self.writer.put("best", lambda: write_weights(folder, weights, epoch))

    def close(self) -> None:
        """Return when all is written."""
        if self.writer is not None:
            self.writer.close()

    def _write(self, folder: Path, snapshot: Snapshot, state: RunState) -> None:
        write_snapshot(folder, snapshot, story_of(state))
        self.written = snapshot
        self.record(state)

    def _failed(self, error: Exception) -> None:
        if not self.failed:
            self.failed = True
            self.note(f"no checkpoint can be written ({getattr(error, 'strerror', error)}); the training goes on")
