"""Fits a model in the calling thread from a snapshot on, and tells what happens as events."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnmagic.engine.backend import device_name
from cnnmagic.engine.clock import Clock
from cnnmagic.engine.data import Dataset
from cnnmagic.engine.feed import Feed
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.mean import put_mean
from cnnmagic.engine.mixing import mixing
from cnnmagic.engine.snapshot import Arrays, Position, Snapshot, restore, restore_metrics
from cnnmagic.events import Command, Event, Finished, Started
from cnnmagic.hardware import precision_of
from cnnmagic.plans import Training

if TYPE_CHECKING:
    from cnnmagic.engine.loop import Loop


def fit(
    model: Any,
    dataset: Dataset,
    training: Training,
    keeper: Keeper,
    emit: Callable[[Event], None],
    commands: queue.SimpleQueue[Command],
    start: Snapshot | None = None,
    seed: int = 0,
) -> None:
    """Train a compiled model on the dataset's training split until the epochs are over or a `Stop` comes.

    Goes on from `start` where it is given, and then gives the numbers that a training without a break gives. `commands`
    may be put from any thread and take effect at the next batch's end; `seed` fixes the order of the images.
    """
    from cnnmagic.engine.divergence import refusal
    from cnnmagic.engine.loop import Loop
    from cnnmagic.engine.watch import Watcher

    position = _begin(model, keeper, start)
    mix = mixing(training, model.output_shape[-1])
    feed = Feed(dataset.train.images, dataset.train.labels, training.batch_size, seed, mix)
    clock = Clock(len(dataset.train), training.batch_size, feed.batches, training.epochs, position.begin)
    clock.ends = feed.ends
    loop = Loop(model, training, feed, clock, keeper, emit, commands)
    loop.watcher = Watcher(model, dataset, training.batch_size)
    emit(_started(dataset, training, feed.batches, loop.peak, position))
    validation = dataset.validation.given(training.batch_size) if len(dataset.validation) else None
    loop.class_weight = dataset.weights
    epoch = _finish_epoch(model, loop, start, validation) if position.batch else position.epoch
    if not loop.over and epoch < training.epochs:
        _fit(model, loop, feed.source(), validation, epoch, training.epochs)
    if loop.diverged:
        raise refusal(model, loop)
    put_result(model, training, loop.patience.best)
    emit(
        Finished(
            "stopped" if loop.stopped else "stopped early" if loop.patience.ended else "finished", time.monotonic()
        )
    )


def put_result(model: Any, training: Training, best: Arrays) -> None:
    """Give the model what a training that ends leaves it with: early stopping's best weights, or the mean of them."""
    if training.ema is not None:
        put_mean(model)  # Keras has done so already, unless the fit was for the rest of one epoch
    if best:
        model.set_weights(list(best))


def _begin(model: Any, keeper: Keeper, start: Snapshot | None) -> Position:
    """Bring the model to where the training begins, and keep that."""
    if start is not None:
        restore(model, start.variables)
        keeper.hold(start)  # more epochs may have put it at the beginning of another schedule
        return start.position
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    keeper.keep(Position())
    return Position()


def _fit(model: Any, loop: Loop, source: Any, validation: Any, first: int, last: int) -> None:
    """Keras's own fit for the epochs from `first` (counted from 0) to before `last`."""
    model.fit(
        source,
        epochs=last,
        initial_epoch=first,
        shuffle=False,
        verbose=0,
        callbacks=loop,
        class_weight=loop.class_weight,
        **_validation_options(validation),
    )


def _validation_options(given: dict[str, Any] | None) -> dict[str, Any]:
    """What `fit` takes for `Split.given`."""
    if given is None or "y" not in given:
        return {"validation_data": given and given["x"]}
    return {"validation_data": (given["x"], given["y"]), "validation_batch_size": given["batch_size"]}


def _finish_epoch(model: Any, loop: Loop, start: Snapshot | None, validation: Any) -> int:
    """Train what is left of the epoch that `start` stands in; returns the number of the next."""
    assert start is not None  # only a snapshot stands within an epoch
    loop.resumed, epoch = start, start.position.epoch
    if len(model.metrics_variables) < len(start.variables.metrics):
        model.evaluate(*loop.feed.batch(0), verbose=0)  # Keras makes the metrics' variables at their first use
    if start.position.batch < loop.clock.batches:
        with _not_finalized(model.optimizer):
            _fit(model, loop, loop.feed.source(start.position.batch), validation, epoch, epoch + 1)
    else:
        _validate(model, loop, start, validation)
    return epoch + 1


def _validate(model: Any, loop: Loop, start: Snapshot, validation: Any) -> None:
    """The end of an epoch whose batches are all trained."""
    epoch, loop.resumed = start.position.epoch, None
    loop.on_train_begin()
    loop.clock.begin_epoch(epoch, loop.clock.batches)
    restore_metrics(model, start.variables)
    logs = {name: float(value) for name, value in model.get_metrics_result().items()}
    if validation is not None:
        scores = model.evaluate(**validation, callbacks=loop, verbose=0, return_dict=True)
        logs |= {f"val_{name}": value for name, value in scores.items()}
    loop.on_epoch_end(epoch, logs)


@contextmanager
def _not_finalized(optimizer: Any) -> Iterator[None]:
    """Keep Keras from putting the mean of the weights in their place where a fit ends and the training does not."""
    optimizer.finalize_variable_values = lambda variables: None
    try:
        yield
    finally:
        del optimizer.finalize_variable_values


def _started(dataset: Dataset, training: Training, batches: int, rate: float, position: Position) -> Started:
    return Started(
        epochs=training.epochs,
        batches=batches,
        batch_size=training.batch_size,
        images=len(dataset.train),
        device=device_name(),
        precision=precision_of(training.precision)[0],
        learning_rate=rate,
        time=time.monotonic(),
        epoch=position.epoch + 1,
        batch=position.batch,
        classes=dataset.classes,
        chance=_chance(dataset),
    )


def _chance(dataset: Dataset) -> float:
    """The loss of one who knows how frequent each class is, and nothing else: the entropy of the training labels."""
    counts = np.bincount(dataset.train.labels.ravel().astype(int))
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
