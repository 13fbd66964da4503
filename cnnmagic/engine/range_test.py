"""The learning-rate range test: trains a model batch by batch with a rate that rises until the loss blows up."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cnnmagic.engine.build import build, compile_model
from cnnmagic.engine.feed import Feed
from cnnmagic.engine.splits import Dataset
from cnnmagic.plans import Plan
from cnnmagic.rates import BATCHES, RateCurve, is_blown_up, judged, rate_at, smoothed

FEWEST_BATCHES = 50
SECONDS = 60.0
MEASURED = 3  # the first batches are not measured: Keras compiles in them


def range_test(
    model: Any,
    dataset: Dataset,
    batch_size: int,
    seed: int = 0,
    tell: Callable[[int, int, float, float], object] = lambda batch, batches, rate, loss: None,
    stopped: Callable[[], bool] = lambda: False,
    batches: int | None = None,
) -> RateCurve:
    """Train a compiled model, made for this alone, with rates from 1e-7 to 10, and judge its losses.

    There are 200 batches, or fewer, 50 at least, where those would take more than a minute; `batches` fixes them.
    `tell(batch, batches, rate, loss)` hears of each, and `stopped` ends the test after the batch under way.
    """
    feed = _Endless(Feed(dataset.train.images, dataset.train.labels, batch_size, seed))
    rates: list[float] = []
    losses: list[float] = []
    count, ended, begun = batches or BATCHES, "the largest rate was reached", time.monotonic()
    while len(losses) < count:
        if batches is None and len(losses) == 2 * MEASURED:
            count = _affordable((time.monotonic() - begun) / MEASURED)
        rate = rate_at(len(losses), count)
        loss = _trained(model, feed.batch(), rate, dataset.weights)
        if not math.isfinite(loss):
            ended = "the loss was no number any more"
            break
        rates.append(rate)
        losses.append(loss)
        tell(len(losses), count, rate, loss)
        if is_blown_up(smoothed(losses)):
            ended = "the loss blew up"
            break
        if stopped() or time.monotonic() - begun > 2 * SECONDS:
            ended = "the test was ended" if stopped() else "the time was up"
            break
        begun = time.monotonic() if len(losses) == MEASURED else begun
    return judged(rates, losses, ended)


def _affordable(seconds: float) -> int:
    """How many batches of so many seconds the test may have."""
    return max(FEWEST_BATCHES, min(BATCHES, int(SECONDS / max(seconds, 1e-9))))


def _trained(model: Any, batch: tuple[np.ndarray, np.ndarray], rate: float, weights: dict[int, float] | None) -> float:
    """Train one batch with a rate, classes weighed; returns its loss, as it was before."""
    model.optimizer.learning_rate = rate
    model.reset_metrics()
    return float(model.train_on_batch(*batch, class_weight=weights, return_dict=True)["loss"])


def copy_of(plan: Plan) -> Any:
    """The compiled model of a plan with the weights that a training begins with, all randomness left as it is.

    Keras draws the seeds of initializers and layers from Python's generator, and from nothing else.
    """
    assert plan.output is not None and plan.training is not None  # the caller has seen to it
    state = random.getstate()
    try:
        if plan.seed is not None:
            random.seed(plan.seed)
        model = build(replace(plan, seed=None))
    finally:
        random.setstate(state)
    compile_model(model, plan.training, plan.output)
    model.optimizer.build(model.trainable_variables)  # as a training does it: see `Optimizer.builds_late`
    return model


class _Endless:
    """Whole batches, one after the other, through as many epochs as it takes."""

    def __init__(self, feed: Feed):
        self.feed, self.number = feed, 0
        self.whole = max(1, len(feed.images) // feed.batch_size)

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        epoch, number = divmod(self.number, self.whole)
        if not number:
            self.feed.begin(epoch)
        self.number += 1
        return self.feed.batch(number)
