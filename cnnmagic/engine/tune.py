"""Chooses XLA and the steps per execution by a trial on real batches, after which the model is as it was before."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnmagic.engine import tuned
from cnnmagic.engine.backend import fit_of, load_keras
from cnnmagic.engine.feed import Feed
from cnnmagic.engine.snapshot import Way, as_it_was, way_of
from cnnmagic.events import Command, Event, Noted, Pause, Stop
from cnnmagic.held_back import HeldBack
from cnnmagic.plans import Plan, Training

if TYPE_CHECKING:
    from cnnmagic.engine.splits import Dataset

SHORTEST_TRAINING = 10.0  # seconds; no trial pays for less
SLOWEST_STEP, SLOWEST_FLOPS = (
    0.005,
    2e10,
)  # of a slow machine: what a step takes beside its arithmetic, and FLOPs a second
WINDOW, ROUNDS = 0.5, 3
LONGEST_EXECUTION = 0.05  # seconds, after which a Stop must be obeyed
MOST_STEPS, MOST_BATCHES, MOST_BYTES = 16, 96, 100_000_000
SECONDS_FOR_XLA = 1.5  # to compile the steps of one layer with weights
WORTH = {"jit": 1.1, "steps": 1.05}  # how much faster another way must be


def tune(
    model: Any,
    plan: Plan,
    dataset: Dataset,
    commands: queue.SimpleQueue[Command],
    emit: Callable[[Event], None],
    began: Way | None = None,
) -> None:
    """Have Keras run the training's steps in the fastest way; a note tells it, and the trial, maybe an earlier one.

    A training that goes on takes the way in which it `began`, and no trial. A `Stop` or a `Pause` ends the trial, and
    the way stays as it was; all commands are left for the training.
    """
    if began is not None:
        use(model, began)
        return
    training = plan.training or Training()
    if not training.tune or too_short(plan, len(dataset.train)):
        return
    key = tuned.key_of(plan)
    found = tuned.recall(key)
    if found is None:
        asked = HeldBack(commands, Stop, Pause)
        with as_it_was(model):
            found = _Trial(model, training, dataset, asked).choose()
        asked.give_back()
        if found is not None:
            tuned.remember(key, found)
    if found is not None:
        use(model, found.way)
        emit(Noted(found.told))


def too_short(plan: Plan, images: int) -> bool:
    """Whether even a slow machine trains this in seconds, so that no trial could pay."""
    training = plan.training or Training()
    steps = training.epochs * math.ceil(images / training.batch_size)
    work = 3 * (plan.flops or 0) * images * training.epochs
    return plan.flops is not None and steps * SLOWEST_STEP + work / SLOWEST_FLOPS < SHORTEST_TRAINING


def use(model: Any, way: Way) -> None:
    """Have the model's training run in a way; what Keras made for another is made anew."""
    if (model.jit_compile, model.steps_per_execution) != (way.jit, way.steps):
        model.jit_compile, model.steps_per_execution = way.jit, way.steps
        model.train_function = model.test_function = None


class _Trial:
    """Short fits of one model in several ways, on the same few batches."""

    def __init__(self, model: Any, training: Training, dataset: Dataset, asked: HeldBack):
        self.model, self.training, self.asked = model, training, asked
        size, images = training.batch_size, dataset.train.images
        batches = max(4, min(MOST_BATCHES, MOST_BYTES // max(1, size * images[:1].nbytes)))
        rows = np.arange(batches * size) % len(images)
        self.feed = Feed(images[rows], dataset.train.labels[rows], size, seed=0)
        self.batches = training.epochs * math.ceil(len(images) / size)
        self.functions: dict[Way, Any] = {}

    def choose(self) -> tuned.Found | None:
        """The fastest way with its story; None where there is nothing to gain, or the trial was broken off."""
        before = way_of(self.model)
        try:
            found = self._choose()
        except Exception:  # what is wrong with the training, the training itself tells better
            found = None
        self._settle(found.way if found is not None else before)
        return found

    def _choose(self) -> tuned.Found | None:
        way = Way(bool(self.model.jit_compile))
        seconds = self.seconds(way)
        if seconds * self.batches < SHORTEST_TRAINING:
            return None
        story = []
        for other, worth in ((self._other_jit, WORTH["jit"]), (self._more_steps, WORTH["steps"])):
            if (candidate := other(way, seconds)) is None or self.asked.is_urgent:
                continue
            old, new = self.compare(way, candidate)
            better = old / new >= worth
            story.append(_told(way, candidate, old, new, better))
            way, seconds = (candidate, new) if better else (way, old)
        if self.asked.is_urgent or not story:
            return None
        return tuned.Found(way, "trial: " + "; ".join(story))

    def _settle(self, way: Way) -> None:
        """Leave the model in a way, with what Keras has made for it."""
        use(self.model, way)
        self.model.train_function = self.functions.get(way)

    def _other_jit(self, way: Way, seconds: float) -> Way | None:
        """XLA the other way round, where the training is long enough to pay for its compiler."""
        able = all(getattr(layer, "supports_jit", True) for layer in self.model.layers)
        if load_keras().backend.backend() != "tensorflow" or not able:
            return None
        layers = sum(bool(layer.weights) for layer in self.model.layers)
        cost = 2 + SECONDS_FOR_XLA * layers * (not way.jit)
        return replace(way, jit=not way.jit) if seconds * self.batches > 20 * cost else None

    def _more_steps(self, way: Way, seconds: float) -> Way | None:
        """As many steps at once as a Stop can wait for, and as a schedule's curve bears."""
        limits = [MOST_STEPS, self.feed.batches // 4, int(LONGEST_EXECUTION / seconds)]
        limits += [] if self.training.schedule == "constant" else [self.batches // 200]
        return replace(way, steps=min(limits)) if min(limits) > 1 else None

    def compare(self, one: Way, other: Way) -> tuple[float, float]:
        """Seconds of a batch in two ways that take turns: the least of a few rounds, as the least disturbed."""
        pairs = [(self.seconds(one), self.seconds(other)) for _ in range(ROUNDS) if not self.asked.is_urgent]
        olds, news = zip(*pairs, strict=True) if pairs else ((1.0,), (math.inf,))
        return min(olds), min(news)

    def seconds(self, way: Way) -> float:
        """Seconds of a batch in a way, over half a second of training; without end where Keras can't do it."""
        self._settle(way)
        watch = _watch(self.model, self.asked)
        options = {"verbose": 0, "shuffle": False, "callbacks": watch}
        try:
            fit_of(self.model)(self.feed.source(), **options)
        except Exception:
            if not self.functions:
                raise
            return math.inf
        self.functions[way] = self.model.train_function
        return watch.seconds


def _watch(model: Any, asked: HeldBack) -> Any:
    """A list of callbacks that times batches, the first two executions left out, and ends the fit in time."""
    keras = load_keras()

    class Watch(keras.callbacks.CallbackList):  # type: ignore[name-defined]  # Keras is known at run time only
        executions, begun, first, seconds = 0, 0.0, 0, math.inf

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            pass

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.executions += 1
            if self.executions <= 2:
                float(keras.ops.convert_to_numpy(logs["loss"]))  # a GPU works ahead of Python
                self.begun, self.first = time.perf_counter(), batch
            elif time.perf_counter() - self.begun > WINDOW or asked.is_urgent:
                model.stop_training = True
            self.last = logs, batch

        def on_train_end(self, logs: Any = None) -> None:
            super().on_train_end(logs)
            values, batch = self.last
            float(keras.ops.convert_to_numpy(values["loss"]))
            if batch > self.first:
                self.seconds = (time.perf_counter() - self.begun) / (batch - self.first)

    return Watch(add_history=True, model=model)  # without it `fit` fails at its end


def _told(way: Way, other: Way, old: float, new: float, better: bool) -> str:
    if new == math.inf:
        return f"{other.difference(way)} fails"
    numbers = f"{1000 * new:.3g} ms a batch against {1000 * old:.3g} ms"
    return f"{other.difference(way)} {'is taken' if better else 'is not'}: {numbers}"
