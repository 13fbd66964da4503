"""Finds by real steps of training how large a batch fits the device; the model is afterwards as it was before."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnmagic.engine.snapshot import as_it_was
from cnnmagic.engine.splits import Dataset
from cnnmagic.errors import DataError
from cnnmagic.memory import BATCHES_AN_EPOCH, largest_that_runs

LARGEST = 512


def find_batch(model: Any, dataset: Dataset, first: int) -> int:
    """The largest of `first`, twice that and so on that can be trained, with enough batches in an epoch; or less.

    `first` where no image can be read.
    """
    images, labels = dataset.train.images, dataset.train.labels
    most = min(LARGEST, len(images) // BATCHES_AN_EPOCH)
    readable = _readable(images, max(first, most))
    if not len(readable):
        return first

    def attempt(size: int) -> None:
        rows = np.resize(readable, size)
        model.train_on_batch(images[rows], labels[rows])

    with as_it_was(model):
        return largest_that_runs(attempt, first, most)


def _readable(images: Any, count: int) -> np.ndarray:
    """The rows of so many images, or of all there are, that can be read; those that can't the first pass tells."""
    rows: list[int] = []
    for row in range(len(images)):
        if len(rows) == count:
            break
        try:
            images[row]
        except DataError:
            continue
        rows.append(row)
    return np.array(rows, np.int64)
