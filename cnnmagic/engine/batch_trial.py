"""Finds by real steps of training how large a batch fits the device; the model is afterwards as it was before."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnmagic.engine.snapshot import restore, take
from cnnmagic.engine.splits import Dataset
from cnnmagic.memory import BATCHES_AN_EPOCH, largest_that_runs

LARGEST = 512


def find_batch(model: Any, dataset: Dataset, first: int) -> int:
    """The largest of `first`, twice that and so on that can be trained, with enough batches in an epoch; or less."""
    images, labels = dataset.train.images, dataset.train.labels
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    before = take(model)

    def attempt(size: int) -> None:
        rows = np.arange(size) % len(images)
        model.train_on_batch(images[rows], labels[rows])

    try:
        return largest_that_runs(attempt, first, min(LARGEST, len(images) // BATCHES_AN_EPOCH))
    finally:
        restore(model, before)
        model.reset_metrics()
