"""Mixed batches: images and labels of one batch put together by Keras's layers, by chance that seed and batch fix."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.feed import Mix
from cnnmagic.errors import PlanError
from cnnmagic.plans import Training


def mixing(training: Training, classes: int) -> Mix | None:
    """What mixes a batch of images and labels 0, 1, 2 …; None where the training asks for none.

    Labels become rows with a part for each class. Each batch is mixed in one of the ways asked for. Raises `PlanError`
    for a network with one output.
    """
    if not training.mixing:
        return None
    if classes < 2:
        message = "`mixup` and `cutmix` give labels a part of each class, and this network has one output."
        raise PlanError(message, remedy="Write `output 2`, or leave them out.")
    layers = [_layer(name, strength) for name, strength in training.mixing]

    def mix(images: np.ndarray, labels: np.ndarray, moment: tuple[int, int, int]) -> tuple[Any, Any]:
        chance = np.random.default_rng(moment)
        layer = layers[int(chance.integers(len(layers)))]
        return _mixed(layer, images, np.eye(classes, dtype="float32")[labels], int(chance.integers(1, 2**31)))

    return mix


def _layer(name: str, strength: float) -> Any:
    layers = load_keras().layers
    return layers.MixUp(alpha=strength) if name == "mixup" else layers.CutMix(factor=strength)


def _mixed(layer: Any, images: np.ndarray, rows: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    keras = load_keras()
    given = {"images": keras.ops.convert_to_tensor(images, "float32"), "labels": keras.ops.convert_to_tensor(rows)}
    chance = layer.get_random_transformation(given, training=True, seed=keras.random.SeedGenerator(seed))
    mixed = layer.transform_images(given["images"], chance), layer.transform_labels(given["labels"], chance)
    return keras.ops.convert_to_numpy(mixed[0]), keras.ops.convert_to_numpy(mixed[1])
