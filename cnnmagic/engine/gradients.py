"""The gradient of a model's loss by its trained weights, on whichever backend Keras runs; nothing is changed by it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras


def gradients(model: Any, images: Any, labels: Any) -> list[np.ndarray]:
    """One array for each of `model.trainable_variables`, of the loss of these images without dropout."""
    match load_keras().backend.backend():
        case "tensorflow":
            return _with_tensorflow(model, images, labels)
        case "jax":
            return _with_jax(model, images, labels)
        case "torch":
            return _with_torch(model, images, labels)
    return [np.full(variable.shape, np.nan) for variable in model.trainable_variables]


def _with_tensorflow(model: Any, images: Any, labels: Any) -> list[np.ndarray]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = model.compute_loss(images, labels, model(images, training=False), None, training=False)
    found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    return [np.asarray(tf.convert_to_tensor(gradient)) for gradient in found]


def _with_jax(model: Any, images: Any, labels: Any) -> list[np.ndarray]:
    import jax

    fixed = [variable.value for variable in model.non_trainable_variables]
    sums = [variable.value for variable in model.metrics_variables]

    def loss(trained: Any) -> Any:
        return model.compute_loss_and_updates(trained, fixed, sums, images, labels, None, training=False)[0]

    found = jax.grad(loss)([variable.value for variable in model.trainable_variables])
    return [np.asarray(gradient) for gradient in found]


def _with_torch(model: Any, images: Any, labels: Any) -> list[np.ndarray]:
    import torch

    loss = model.compute_loss(images, labels, model(images, training=False), None, training=False)
    found = torch.autograd.grad(loss, [variable.value for variable in model.trainable_variables], allow_unused=True)
    shapes = (variable.shape for variable in model.trainable_variables)
    return [
        np.zeros(shape) if gradient is None else gradient.detach().cpu().numpy()
        for gradient, shape in zip(found, shapes, strict=True)
    ]
