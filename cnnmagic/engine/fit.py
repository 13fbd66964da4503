"""Fits a model in the calling thread, and tells what happens as events."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import device_name
from cnnmagic.engine.build import POLICIES
from cnnmagic.engine.data import Dataset
from cnnmagic.events import Command, Event, Finished, Started
from cnnmagic.plans import Training


def fit(
    model: Any,
    dataset: Dataset,
    training: Training,
    emit: Callable[[Event], None],
    commands: queue.SimpleQueue[Command],
) -> None:
    """Train a compiled model on the dataset's training split until the epochs are over or a `Stop` comes.

    `commands` may be put from any thread and take effect at the next batch's end.
    """
    from cnnmagic.engine.loop import Clock, Loop

    clock = Clock(len(dataset.train), training.batch_size, training.epochs)
    loop = Loop(model, training, clock, emit, commands)
    emit(_started(dataset, training, clock.batches, loop.peak))
    validation = (dataset.validation.images, dataset.validation.labels) if len(dataset.validation) else None
    model.fit(
        dataset.train.images,
        dataset.train.labels,
        batch_size=training.batch_size,
        epochs=training.epochs,
        validation_data=validation,
        verbose=0,
        callbacks=loop,
    )
    early = training.early_stop is not None and model.stop_training and not loop.stopped
    emit(Finished("stopped" if loop.stopped else "stopped early" if early else "finished", time.monotonic()))


def _started(dataset: Dataset, training: Training, batches: int, rate: float) -> Started:
    return Started(
        epochs=training.epochs,
        batches=batches,
        batch_size=training.batch_size,
        images=len(dataset.train),
        device=device_name(),
        precision=POLICIES[training.precision].removeprefix("mixed_"),
        learning_rate=rate,
        time=time.monotonic(),
    )
