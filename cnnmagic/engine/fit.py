"""Fits a model in the calling thread from a snapshot on, and tells what happens as events."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnmagic.engine.clock import Clock
from cnnmagic.engine.feed import Feed
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.mean import put_mean
from cnnmagic.engine.mixing import mixing
from cnnmagic.engine.snapshot import Arrays, Position, Snapshot, restore
from cnnmagic.engine.splits import Dataset
from cnnmagic.engine.trainer import KerasTrainer, Trainer, finish_epoch
from cnnmagic.events import Command, Event, Finished, Started
from cnnmagic.hardware import precision_of
from cnnmagic.plans import Training


def fit(
    model: Any,
    dataset: Dataset,
    training: Training,
    keeper: Keeper,
    emit: Callable[[Event], None],
    commands: queue.SimpleQueue[Command],
    start: Snapshot | None = None,
    seed: int = 0,
    trainer: Trainer | None = None,
) -> None:
    """Train a compiled model on the dataset's training split until the epochs are over or a `Stop` comes.

    Goes on from `start` where it is given, and then gives the numbers that a training without a break gives. `commands`
    may be put from any thread and take effect at the next batch's end, a rate that is there before at once; `seed`
    fixes the order of the images. `trainer` has the batches trained and judged, by Keras's own `fit` where none is
    given.
    """
    from cnnmagic.engine.loop import Loop
    from cnnmagic.engine.watch import Watcher

    position = _begin(model, keeper, start)
    mix = mixing(training, model.output_shape[-1])
    feed = Feed(dataset.train.images, dataset.train.labels, training.batch_size, seed, mix)
    clock = Clock(len(dataset.train), training.batch_size, feed.batches, training.epochs, position.begin)
    clock.ends = feed.ends
    loop = Loop(model, training, feed, clock, keeper, emit, commands)
    loop.class_weight = dataset.weights
    trainer = trainer or KerasTrainer(model, dataset.validation, training.batch_size)
    loop.watcher = Watcher(trainer.seen, dataset, training.batch_size)
    trainer.join(loop)
    emit(_started(dataset, training, feed.batches, loop.peak, position, trainer.device))
    loop.take_rates()
    epoch = finish_epoch(model, loop, trainer, start) if start is not None and position.batch else position.epoch
    if not loop.over and epoch < training.epochs:
        trainer.fit(loop, 0, epoch, training.epochs)
    if loop.diverged:
        raise trainer.refusal(loop)
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


def _started(
    dataset: Dataset, training: Training, batches: int, rate: float, position: Position, device: str
) -> Started:
    return Started(
        epochs=training.epochs,
        batches=batches,
        batch_size=training.batch_size,
        images=len(dataset.train),
        device=device,
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
