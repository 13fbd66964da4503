"""The batches of the training images, in an order that seed and epoch fix, from any batch of an epoch on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnmagic.engine.ahead import BATCHES_AHEAD, Ahead
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.buckets import batches_of, buckets_of
from cnnmagic.engine.splits import Split

MOST_TOGETHER, BYTES_TOGETHER = 16, 4_000_000
Mix = Callable[[np.ndarray, np.ndarray, tuple[int, int, int]], tuple[Any, Any]]


def order_of(images: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the images in an epoch, counted from 0: a permutation of their indices, the same everywhere."""
    return np.random.default_rng((seed, epoch)).permutation(images)


class Feed:
    """Batches of images and labels; `begin` sets the epoch whose order they follow.

    Images of different sizes come in batches of like size, the same number in every epoch. `mix` changes a batch, by
    chance that (seed, epoch, batch) fixes.
    """

    def __init__(self, images: Any, labels: np.ndarray, batch_size: int, seed: int, mix: Mix | None = None):
        self.images, self.labels, self.batch_size, self.seed, self.mix = images, labels, batch_size, seed, mix
        self.buckets = buckets_of(images.sizes, batch_size) if getattr(images, "is_free", False) else None
        self.follow: Callable[[np.ndarray], object] = lambda order: None
        self.begin(0)
        self.batches = math.ceil(len(images) / batch_size) if self.buckets is None else len(self.groups)

    def begin(self, epoch: int) -> None:
        """Follow the order of this epoch, counted from 0, from the next reading on."""
        self.epoch = epoch
        self.order = order_of(len(self.images), self.seed, epoch)
        if self.buckets is not None:
            self.groups = batches_of(self.order, self.buckets, self.batch_size)
        self.follow(self.order)

    @property
    def ends(self) -> np.ndarray | None:
        """How many images are seen after 0, 1, 2 … batches, where batches differ in size within an epoch."""
        return None if self.buckets is None else np.cumsum([0, *map(len, self.groups)])

    def rows(self, number: int) -> np.ndarray:
        """The rows of batch `number`, counted from 0, of the epoch begun."""
        span = slice(number * self.batch_size, (number + 1) * self.batch_size)
        rows: np.ndarray = self.order[span] if self.buckets is None else self.groups[number]
        return rows

    def batch(self, number: int) -> tuple[Any, Any]:
        """Batch `number`, counted from 0, of the epoch begun."""
        rows = self.rows(number)
        images, labels = self.images[rows], self.labels[rows]
        return (images, labels) if self.mix is None else self.mix(images, labels, (self.seed, self.epoch, number))

    def source(self, first: int = 0) -> Any:
        """What `fit` takes: the batches from number `first` on, of whichever epoch is begun when they are read."""
        is_quick = isinstance(self.images, np.ndarray) and self.mix is None
        if load_keras().backend.backend() == "tensorflow":
            return _gathered(self, first) if is_quick else _read_ahead(self.batch, first, self.batches)
        if is_quick:
            return _numbered(self.batch, first, self.batches)
        ahead = Ahead(self.batch, self.batches)
        self.follow = ahead.forget
        return _numbered(ahead.take, first, self.batches)


def in_order(split: Split, batch_size: int) -> Any:
    """What `evaluate` takes for a split that is read when asked for: all its images, those of like size together."""
    images, rows = split.images, np.arange(len(split))
    buckets = buckets_of(images.sizes, batch_size) if images.is_free else np.zeros(len(split), np.int64)
    groups = batches_of(rows, buckets, batch_size)

    def batch(number: int) -> tuple[Any, Any]:
        return images[groups[number]], split.labels[groups[number]]

    if load_keras().backend.backend() == "tensorflow":
        return _read_ahead(batch, 0, len(groups))
    return _numbered(Ahead(batch, len(groups)).take, 0, len(groups))


def _gathered(feed: Feed, first: int) -> Any:
    """Batches gathered from arrays by `tf.data` ahead of time, in C++ beside the training."""
    import tensorflow as tf

    with tf.device("CPU:0"):  # on a GPU's memory they would be copied back for every batch
        images, labels = tf.constant(feed.images), tf.constant(feed.labels)
        order = tf.Variable(feed.order, trainable=False)
    feed.follow = order.assign
    size = feed.batch_size
    together = _batches_together(feed.images, size)

    def gather(number: Any) -> Any:
        rows = order[number * size : (number + together) * size]
        return tf.gather(images, rows), tf.gather(labels, rows)

    starts = tf.data.Dataset.range(first, feed.batches, together)
    counted = tf.data.experimental.assert_cardinality(feed.batches - first)  # which `rebatch` forgets
    return starts.map(gather, num_parallel_calls=1).rebatch(size).apply(counted).prefetch(BATCHES_AHEAD)


def _batches_together(images: np.ndarray, size: int) -> int:
    """Batches to gather at once: a call costs as much as the rows of a small batch."""
    bytes_each = max(1, size * images[:1].nbytes)
    return max(1, min(MOST_TOGETHER, BYTES_TOGETHER // bytes_each))


def _read_ahead(batch: Callable[[int], tuple[Any, Any]], first: int, batches: int) -> Any:
    """Batches made in Python ahead of time, two at once, and handed over in their order."""
    import tensorflow as tf

    example = [np.asarray(part) for part in batch(first)]
    kinds, shapes = [part.dtype for part in example], [_open_shape(part) for part in example]

    def read(number: Any) -> tuple[np.ndarray, np.ndarray]:
        images, labels = batch(int(number))
        return np.asarray(images), np.asarray(labels)

    def tensors(number: Any) -> Any:
        parts = tf.numpy_function(read, [number], kinds)
        for part, shape in zip(parts, shapes, strict=True):
            part.set_shape(shape)
        return tuple(parts)

    return tf.data.Dataset.range(first, batches).map(tensors, num_parallel_calls=2).prefetch(BATCHES_AHEAD)


def _open_shape(part: np.ndarray) -> tuple[int | None, ...]:
    """The shape of a batch, with what may differ between batches left open: their size, and that of their images."""
    return (None, None, None, part.shape[-1]) if part.ndim == 4 else (None, *part.shape[1:])


def _numbered(batch: Callable[[int], tuple[Any, Any]], first: int, batches: int) -> Any:
    """Batches for JAX and PyTorch, asked for by their number in their order."""
    keras = load_keras()

    class Source(keras.utils.PyDataset):  # type: ignore[name-defined]  # Keras is known at run time only
        def __len__(self) -> int:
            return batches - first

        def __getitem__(self, number: int) -> tuple[Any, Any]:
            return batch(first + number)

    return Source()
