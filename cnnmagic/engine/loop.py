"""The list of callbacks of a fit: measures, reports as events, and obeys commands at every batch's end.

Imports Keras; `fit` imports this module when the training starts.
"""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cnnmagic.engine.backend import device_name, load_keras
from cnnmagic.engine.clock import Clock
from cnnmagic.engine.feed import Feed
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.mean import mean_in_place, put_mean
from cnnmagic.engine.patience import Patience
from cnnmagic.engine.snapshot import Arrays, Position, Snapshot, assign, bring_up_to_date, copied, restore_metrics
from cnnmagic.engine.watch import Watcher
from cnnmagic.events import (
    Attend,
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
    Watch,
)
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.plans import Training
from cnnmagic.schedules import factor

SECONDS_BETWEEN_REPORTS = 0.2

Emit = Callable[[Event], None]
Commands = queue.SimpleQueue[Command]

keras = load_keras()


class Loop(keras.callbacks.CallbackList):  # type: ignore[name-defined]  # Keras is known at run time only
    """Keras's list of callbacks with the batch's end made ours: Keras would turn every batch's logs into numbers."""

    stopped = False
    diverged = False
    sums: Arrays = ()
    raw: Arrays = ()
    watcher: Watcher | None = None
    seen: list[Event] | None = None
    class_weight: dict[int, float] | None = None
    # What replicas in several processes put here: how they agree on commands, and on when to keep a snapshot.
    agree: Callable[[], object] = staticmethod(lambda: None)
    # Brings the numbers of this moment into the model that is looked at, where that is not the one in training.
    refresh: Callable[[], object] = staticmethod(lambda: None)

    def __init__(
        self, model: Any, training: Training, feed: Feed, clock: Clock, keeper: Keeper, emit: Emit, commands: Commands
    ):
        self.training, self.feed, self.clock, self.keeper = training, feed, clock, keeper
        self.emit, self.commands = emit, commands
        self.paused_at: float | None = None
        self.resumed: Snapshot | None = None
        assert keeper.last is not None  # `fit` has kept the beginning
        self.patience = Patience(training.early_stop, keeper.last.position, keeper.last.best)
        self.peak = keeper.last.position.peak or _number(model.optimizer.learning_rate)
        # A look at every batch's loss would make a GPU wait for Python.
        self.looks_often = device_name() == "CPU"
        self.validating = False
        self.waiting: deque[Command] = deque()
        super().__init__(add_history=True, model=model, epochs=training.epochs, verbose=0)

    @property
    def over(self) -> bool:
        """Whether the training ends here, be there epochs left or not."""
        return self.stopped or self.diverged or self.patience.ended

    @property
    def position(self) -> Position:
        """Where the training stands after the batch under way."""
        return replace(
            self.patience.position,
            epoch=self.clock.epoch,
            batch=self.clock.batch,
            peak=self.peak,
            begin=self.clock.begin,
        )

    def rate(self) -> float:
        return _number(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.feed.begin(epoch)
        self.clock.ends = self.feed.ends
        resumed, self.resumed = self.resumed, None
        if resumed is None:
            self.clock.begin_epoch(epoch)
        else:
            restore_metrics(self.model, resumed.variables)
            means = {name: _number(value) for name, value in self.model.get_metrics_result().items()}
            self.clock.begin_epoch(epoch, resumed.position.batch, means)
        self.follow_schedule()
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.clock.batch = min(self.clock.first + batch + 1, self.clock.batches)
        self.agree()
        due = time.monotonic() - self.clock.last_report >= SECONDS_BETWEEN_REPORTS
        looks = due or self.looks_often or self.clock.batch == self.clock.batches
        if looks and not math.isfinite(_number(logs["loss"])):
            self.break_off()
            return
        if due or self.clock.batch == self.clock.batches or not self.commands.empty():
            self.report(logs)
        self.follow_schedule()
        self.obey()
        if self.keeper.due and self.clock.batch < self.clock.batches:
            self.keep_now()

    def on_test_begin(self, logs: Any = None) -> None:
        """Begin to validate; after a Stop Keras still asks for it, and one batch is the least that it takes."""
        self.model.stop_evaluating = self.over
        self.clock.trained = time.monotonic()
        self.validating = not self.over
        self.sums = copied(self.model.metrics_variables)
        if self.training.ema is not None:
            self.raw = put_mean(self.model)
        if self.validating:
            self.emit(Validating(self.clock.trained))

    def on_test_end(self, logs: Any = None) -> None:
        if self.validating and not self.stopped:
            self.look()  # now, at the weights that were judged
        if self.training.ema is not None:
            assign(self.model.trainable_variables, self.raw)
        if self.validating and self.stopped:
            self.keeper.keep(self.position, self.patience.best, self.sums)
        self.validating = False

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        pass

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.agree()
        self.obey()
        self.model.stop_evaluating = self.over

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.diverged or (
            self.stopped and (self.clock.batch < self.clock.batches or self.clock.trained is not None)
        ):
            return  # half an epoch, or half a validation, is no entry of a history
        numbers = {name: float(value) for name, value in (logs or {}).items()}
        now = time.monotonic()
        seconds = now - self.clock.epoch_start
        self.emit(EpochEnded(epoch + 1, numbers, self.rate(), seconds, self.clock.speed(now), now))
        self.tell_what_is_seen()
        with mean_in_place(self.model, self.training.ema):
            self.patience.judge(self.model, epoch, numbers)
            self.keeper.keep_best(epoch + 1, numbers.get("val_accuracy", numbers["accuracy"]))
        if not self.keeper.keep(replace(self.position, epoch=epoch + 1, batch=0), self.patience.best):
            self.break_off()
        self.model.stop_training = self.model.stop_training or self.patience.ended
        super().on_epoch_end(epoch, logs)

    def look(self) -> None:
        """See what the model takes each class for, and what its layers do."""
        if self.watcher is not None:
            self.refresh()
            self.watcher.budget.earn(time.monotonic() - self.clock.epoch_start)
            number = self.clock.epoch + 1
            self.seen = list(self.watcher.look(number, number == self.training.epochs))

    def tell_what_is_seen(self) -> None:
        if self.seen is None:
            self.look()
        for event in self.seen or ():
            self.emit(event)
        self.seen = None

    def report(self, logs: Any) -> None:
        means = {name: _number(value) for name, value in logs.items()}
        fresh, speed = self.clock.since_report(means)
        loss = fresh.pop("loss")
        if "accuracy" in fresh:
            fresh["accuracy"] = min(1.0, max(0.0, fresh["accuracy"]))  # a difference of sums goes astray by a little
        self.emit(BatchEnded(self.clock.epoch + 1, self.clock.batch, loss, fresh, self.rate(), speed, time.monotonic()))

    def follow_schedule(self) -> None:
        warm_up = self.clock.part(self.training.warmup or 0.0)
        if self.training.schedule != "constant" or warm_up:
            rate = self.peak * factor(self.training.schedule, self.clock.progress, warm_up)
            self.set_rate(max(rate, OPTIMIZERS[self.training.optimizer].least_rate))

    def set_rate(self, rate: float) -> None:
        bring_up_to_date(self.model)
        self.model.optimizer.learning_rate = rate

    def take_rates(self) -> None:
        """Carry out the rates that came before the first batch; what else came then waits for that batch's end."""
        while not self.commands.empty():
            command = self.commands.get()
            if isinstance(command, SetLearningRate):
                self.carry_out(command)
            else:
                self.waiting.append(command)

    def obey(self) -> None:
        """Carry out all commands up to a Stop; in a pause wait for the next one."""
        while self.paused_at is not None or not (self.stopped or (self.commands.empty() and not self.waiting)):
            self.carry_out(self.waiting.popleft() if self.waiting else self.commands.get())
        if self.stopped:
            self.model.stop_training = True  # asserted at every batch, since a fit of this model elsewhere resets it

    def carry_out(self, command: Command) -> None:
        match command:
            case Stop():
                self.keep_now()
                self.stopped = True
                self.go_on()
            case Pause() if self.paused_at is None and not self.stopped:
                self.keep_now()
                self.paused_at = time.monotonic()
                self.emit(Paused(self.paused_at))
            case Resume():
                self.go_on()
            case Watch(what):
                if self.watcher is not None:
                    self.watcher.turn_to(what)
            case Attend(is_seen):
                if self.watcher is not None:
                    self.watcher.attend(is_seen)
            case SetLearningRate(rate):
                self.peak = rate
                self.set_rate(rate)
                self.follow_schedule()
                self.emit(LearningRateSet(rate, self.rate()))
                self.keeper.overdue = True

    def keep_now(self) -> None:
        """Keep what the user has in view; in a validation the end of the epoch's training is kept by `on_test_end`."""
        is_kept = self.paused_at is not None and not self.keeper.overdue  # in a pause nothing but the rate changes
        free = not (self.stopped or self.validating or is_kept)
        if free and not self.keeper.keep(self.position, self.patience.best):
            self.break_off()

    def break_off(self) -> None:
        """End the training because its numbers are no numbers any more."""
        self.diverged = self.model.stop_training = True

    def go_on(self) -> None:
        if self.paused_at is not None:
            now = time.monotonic()
            self.clock.skip(now - self.paused_at)
            self.emit(Resumed(now - self.paused_at, now))
            self.paused_at = None


def _number(tensor: Any) -> float:
    return float(keras.ops.convert_to_numpy(tensor))
