"""The list of callbacks of a fit: measures, reports as events, and obeys commands at every batch's end.

Imports Keras; `fit` imports this module when the training starts.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.events import (
    BatchEnded,
    Command,
    EpochEnded,
    Event,
    LearningRateSet,
    Pause,
    Paused,
    Resume,
    Resumed,
    SetLearningRate,
    Stop,
    Validating,
)
from cnnmagic.plans import Training
from cnnmagic.schedules import factor

SECONDS_BETWEEN_REPORTS = 0.2

Emit = Callable[[Event], None]
Commands = queue.SimpleQueue[Command]

keras = load_keras()


class Clock:
    """Where the training is: batches and images done, and the seconds that they took, pauses left out."""

    def __init__(self, images: int, batch_size: int, epochs: int):
        self.images, self.batch_size = images, batch_size
        self.batches = math.ceil(images / batch_size)
        self.last = max(1, epochs * self.batches - 1)
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int) -> None:
        """A new epoch, counted from 0, begins now."""
        self.epoch, self.batch = epoch, 0
        self.reported_batch, self.reported = 0, {}  # type: int, dict[str, float]
        self.epoch_start = self.last_report = time.monotonic()
        self.trained: float | None = None

    @property
    def progress(self) -> float:
        """Part of the way from the training's first batch to its last."""
        return min(1.0, (self.epoch * self.batches + self.batch) / self.last)

    def seen(self, batch: int) -> int:
        """Images seen after so many batches of the epoch; the last batch may be smaller."""
        return min(batch * self.batch_size, self.images)

    def skip(self, seconds: float) -> None:
        """Leave a pause out of all measures."""
        self.epoch_start += seconds
        self.last_report += seconds

    def since_report(self, means: dict[str, float]) -> tuple[dict[str, float], float]:
        """Means over the images since the last report, out of Keras's means since the epoch began; its images/s."""
        now, before = self.seen(self.batch), self.seen(self.reported_batch)
        fresh = {
            name: (mean * now - self.reported.get(name, 0.0) * before) / max(1, now - before)
            for name, mean in means.items()
        }
        moment = time.monotonic()
        speed = (now - before) / max(1e-9, moment - self.last_report)
        self.reported_batch, self.reported, self.last_report = self.batch, means, moment
        return fresh, speed


class Loop(keras.callbacks.CallbackList):  # type: ignore[name-defined]  # Keras is known at run time only
    """Keras's list of callbacks with the batch's end made ours: Keras would turn every batch's logs into numbers."""

    stopped = False

    def __init__(self, model: Any, training: Training, clock: Clock, emit: Emit, commands: Commands):
        self.training, self.clock, self.emit, self.commands = training, clock, emit, commands
        self.paused_at: float | None = None
        self.peak = _number(model.optimizer.learning_rate)
        super().__init__(_early_stop(training), add_history=True, model=model, epochs=training.epochs, verbose=0)

    def rate(self) -> float:
        return _number(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.clock.begin_epoch(epoch)
        self.follow_schedule()
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.clock.batch = batch + 1
        due = time.monotonic() - self.clock.last_report >= SECONDS_BETWEEN_REPORTS
        if due or self.clock.batch == self.clock.batches or not self.commands.empty():
            self.report(logs)
        self.follow_schedule()
        self.obey()

    def on_test_begin(self, logs: Any = None) -> None:
        """Begin to validate; after a Stop Keras still asks for it, and one batch is the least that it takes."""
        self.model.stop_evaluating = self.stopped
        self.clock.trained = time.monotonic()
        if not self.stopped:
            self.emit(Validating(self.clock.trained))

    def on_test_end(self, logs: Any = None) -> None:
        pass

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.obey()
        self.model.stop_evaluating = self.stopped

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.stopped and (self.clock.batch < self.clock.batches or self.clock.trained is not None):
            return  # half an epoch, or half a validation, is no entry of a history
        numbers = {name: float(value) for name, value in (logs or {}).items()}
        now = time.monotonic()
        trained = (self.clock.trained or now) - self.clock.epoch_start
        speed = self.clock.images / max(1e-9, trained)
        self.emit(EpochEnded(epoch + 1, numbers, self.rate(), now - self.clock.epoch_start, speed, now))
        super().on_epoch_end(epoch, logs)

    def report(self, logs: Any) -> None:
        means = {name: _number(value) for name, value in logs.items()}
        fresh, speed = self.clock.since_report(means)
        loss = fresh.pop("loss")
        self.emit(BatchEnded(self.clock.epoch + 1, self.clock.batch, loss, fresh, self.rate(), speed, time.monotonic()))

    def follow_schedule(self) -> None:
        if self.training.schedule != "constant":
            rate = self.peak * factor(self.training.schedule, self.clock.progress)
            self.model.optimizer.learning_rate = rate

    def obey(self) -> None:
        """Carry out all commands; in a pause wait for the next one."""
        while self.paused_at is not None or not self.commands.empty():
            self.carry_out(self.commands.get())
        if self.stopped:
            self.model.stop_training = True  # asserted at every batch, since a fit of this model elsewhere resets it

    def carry_out(self, command: Command) -> None:
        match command:
            case Stop():
                self.stopped = True
                self.go_on()
            case Pause() if self.paused_at is None and not self.stopped:
                self.paused_at = time.monotonic()
                self.emit(Paused(self.paused_at))
            case Resume():
                self.go_on()
            case SetLearningRate(rate):
                self.peak = rate
                self.model.optimizer.learning_rate = rate
                self.follow_schedule()
                self.emit(LearningRateSet(rate, self.rate()))

    def go_on(self) -> None:
        if self.paused_at is not None:
            now = time.monotonic()
            self.clock.skip(now - self.paused_at)
            self.emit(Resumed(now - self.paused_at, now))
            self.paused_at = None


def _number(tensor: Any) -> float:
    return float(keras.ops.convert_to_numpy(tensor))


def _early_stop(training: Training) -> list[Any]:
    if training.early_stop is None:
        return []
    monitor = "val_loss" if training.validation else "loss"
    return [keras.callbacks.EarlyStopping(monitor, patience=training.early_stop, restore_best_weights=True)]
