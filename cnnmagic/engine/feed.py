"""The batches of the training images, in an order that seed and epoch fix, from any batch of an epoch on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras

BATCHES_AHEAD = 4


def order_of(images: int, seed: int, epoch: int) -> np.ndarray:
    """The order of the images in an epoch, counted from 0: a permutation of their indices, the same everywhere."""
    return np.random.default_rng((seed, epoch)).permutation(images)


class Feed:
    """Batches of images and labels; `begin` sets the epoch whose order they follow."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, batch_size: int, seed: int):
        self.images, self.labels, self.batch_size, self.seed = images, labels, batch_size, seed
        self.batches = math.ceil(len(images) / batch_size)
        self.follow: Callable[[np.ndarray], object] = lambda order: None
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Follow the order of this epoch, counted from 0, from the next reading on."""
        self.order = order_of(len(self.images), self.seed, epoch)
        self.follow(self.order)

    def batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number`, counted from 0, of the epoch begun."""
        rows = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        return self.images[rows], self.labels[rows]

    def source(self, first: int = 0) -> Any:
        """What `fit` takes: the batches from number `first` on, of whichever epoch is begun when they are read."""
        if load_keras().backend.backend() == "tensorflow":
            return _tensorflow_source(self, first)
        return _numpy_source(self, first)


def _tensorflow_source(feed: Feed, first: int) -> Any:
    """The same batches gathered by `tf.data` ahead of time, in C++ beside the training."""
    import tensorflow as tf

    with tf.device("CPU:0"):  # on a GPU's memory they would be copied back for every batch
        images, labels = tf.constant(feed.images), tf.constant(feed.labels)
        order = tf.Variable(feed.order, trainable=False)
    feed.follow = order.assign
    size = feed.batch_size

    def batch(number: Any) -> Any:
        rows = order[number * size : (number + 1) * size]
        return tf.gather(images, rows), tf.gather(labels, rows)

    return tf.data.Dataset.range(first, feed.batches).map(batch, num_parallel_calls=1).prefetch(BATCHES_AHEAD)


def _numpy_source(feed: Feed, first: int) -> Any:
    keras = load_keras()

    class Source(keras.utils.PyDataset):  # type: ignore[name-defined]  # Keras is known at run time only
        def __len__(self) -> int:
            return feed.batches - first

        def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
            return feed.batch(first + number)

    return Source()
