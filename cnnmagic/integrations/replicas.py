"""Trains one model as replicas on several devices or machines and calls the loop as Keras's `fit` does.

Keras's own `fit` fails under `MultiWorkerMirroredStrategy` (keras#20585), and takes the mean over replicas whose parts
of a batch differ in size for the mean over the batch. So the steps are made here, of the backend's public functions.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from cnnmagic.engine.loop import Loop
from cnnmagic.engine.snapshot import assign, copied
from cnnmagic.engine.splits import Split
from cnnmagic.errors import RunError
from cnnmagic.integrations.accord import Accord
from cnnmagic.plans import Training


class Steps(Protocol):
    """How a backend trains and judges one batch by all replicas; both tell the means since the last reset.

    `model` is the one that learns; `leads` tells whether replica 0 is in this process.
    """

    model: Any
    leads: bool

    def scope(self) -> AbstractContextManager[Any]:
        """Where the training must happen."""

    def train(self, split: Split, rows: np.ndarray, weights: dict[int, float] | None) -> dict[str, Any]:
        """Train the batch of these rows of a split; `weights` are those of the classes in the loss."""

    def judge(self, split: Split, rows: np.ndarray) -> dict[str, Any]:
        """Judge the batch of these rows of a split."""


class Replicas:
    """The trainer of a model that is trained as replicas; `seen` is a plain twin of it that may be looked at."""

    def __init__(self, steps: Steps, seen: Any, training: Training, device: str):
        self.steps, self.model, self.seen, self.training, self.device = steps, steps.model, seen, training, device
        self.validation: Split | None = None
        self.accord: Accord | None = None

    def use(self, validation: Split, accord: Accord | None = None) -> None:
        """Take the images to judge by, and how several processes agree."""
        self.validation, self.accord = validation if len(validation) else None, accord

    def join(self, loop: Loop) -> None:
        """Have every batch's loss looked at by all, so that no replica goes on alone where numbers overflow."""
        loop.looks_often, loop.refresh = True, self.refresh
        if self.accord is not None:
            loop.agree = self.accord.agree
        if not self.steps.leads:
            loop.watcher = None  # one looks for all
        self.make_metrics(loop)

    def refresh(self) -> None:
        """Bring the numbers of this moment into the twin."""
        assign(self.seen.variables, copied(self.model.variables))

    def fit(self, loop: Loop, batch: int, first: int, last: int) -> None:
        self.model.stop_training = False
        loop.on_train_begin()
        for epoch in range(first, last):
            self.model.reset_metrics()
            loop.on_epoch_begin(epoch)
            logs = self._train(loop, batch)
            batch = 0
            numbers = {name: float(value) for name, value in logs.items()} | self.judge(loop)
            loop.on_epoch_end(epoch, self._same(numbers))
            if self.model.stop_training:
                break
        if self.training.ema is not None:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        loop.on_train_end()

    def judge(self, loop: Loop) -> dict[str, float]:
        if self.validation is None:
            return {}
        loop.on_test_begin()
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        for number, start in enumerate(range(0, len(self.validation), self.training.batch_size)):
            if loop.over:
                break
            rows = np.arange(start, min(start + self.training.batch_size, len(self.validation)))
            logs = self.steps.judge(self.validation, rows)
            loop.on_test_batch_end(number, logs)
        loop.on_test_end()
        return self._same({f"val_{name}": float(value) for name, value in logs.items()})

    def make_metrics(self, loop: Loop) -> None:
        self.steps.judge(Split(loop.feed.images, loop.feed.labels), loop.feed.rows(0))
        self.model.reset_metrics()

    def refusal(self, loop: Loop) -> RunError:
        """Find the overflow on the plain twin, alone."""
        from cnnmagic.engine.divergence import refusal

        loop.set_model(self.seen)
        return refusal(self.seen, loop)

    def _same(self, numbers: dict[str, float]) -> dict[str, float]:
        """The numbers by which all processes decide alike."""
        return numbers if self.accord is None else self.accord.same(numbers)

    def _train(self, loop: Loop, first: int) -> dict[str, Any]:
        """Train the batches of an epoch from `first` on."""
        split = Split(loop.feed.images, loop.feed.labels)
        logs: dict[str, Any] = {}
        for number in range(first, loop.feed.batches):
            logs = self.steps.train(split, loop.feed.rows(number), loop.class_weight)
            loop.on_train_batch_end(number - first, logs)
            if self.model.stop_training:
                break
        return logs


def class_weights(labels: np.ndarray, weights: dict[int, float] | None) -> np.ndarray:
    """The weight of each row in the loss."""
    if weights is None:
        return np.ones(len(labels), np.float32)
    table = np.array([weights[number] for number in sorted(weights)], np.float32)
    return table[labels.ravel().astype(int)]


def loss_metric(model: Any) -> Any:
    """Keras's own mean of the loss."""
    return next(metric for metric in model.metrics if metric.name == "loss")
