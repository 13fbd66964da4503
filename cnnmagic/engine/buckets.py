"""Batches of images of different sizes: those of like size together, so that few pixels are padding."""

from __future__ import annotations

import numpy as np

FINEST, COARSEST = 8, 1_024


def buckets_of(sizes: np.ndarray, batch_size: int) -> np.ndarray:
    """The number of the bucket of each image, by heights and widths (count, 2); all of one bucket are of like size.

    Sizes are rounded up as coarsely as it takes for buckets to fill two batches in the mean.
    """
    step = FINEST
    keys = sizes
    while True:
        found, numbers = np.unique(keys, axis=0, return_inverse=True)
        if step > COARSEST or len(found) <= max(3, len(sizes) // (2 * batch_size)):
            return np.asarray(numbers).reshape(-1)
        keys = -(-sizes // step)
        step *= 2


def batches_of(order: np.ndarray, buckets: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Rows of each batch, of one bucket each, in the order in which they are full; those that don't fill come last."""
    open_ones: dict[int, list[int]] = {}
    full: list[np.ndarray] = []
    for row in order.tolist():
        rows = open_ones.setdefault(int(buckets[row]), [])
        rows.append(row)
        if len(rows) == batch_size:
            full.append(np.array(open_ones.pop(int(buckets[row]))))
    return full + [np.array(open_ones[bucket]) for bucket in sorted(open_ones)]
