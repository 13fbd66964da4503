"""The gradient of a model's loss by its trained weights, on whichever backend Keras runs; nothing is changed by it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras

Gradients = Callable[[Any, Any], list[np.ndarray]]


def gradients_of(model: Any) -> Gradients:
    """A function of images and labels: one array for each of `model.trainable_variables`, of the loss without dropout.

    On JAX it is compiled as a whole, once for images of one shape.
    """
    match load_keras().backend.backend():
        case "tensorflow":
            return partial(_with_tensorflow, model)
        case "jax":
            return _with_jax(model)
        case "torch":
            return partial(_with_torch, model)
    return lambda images, labels: [np.full(variable.shape, np.nan) for variable in model.trainable_variables]


def _with_tensorflow(model: Any, images: Any, labels: Any) -> list[np.ndarray]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = model.compute_loss(images, labels, model(images, training=False), None, training=False)
    found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    return [np.asarray(tf.convert_to_tensor(gradient)) for gradient in found]


def _with_jax(model: Any) -> Gradients:
    import jax

    def loss(trained: Any, fixed: Any, sums: Any, images: Any, labels: Any) -> Any:
        return model.compute_loss_and_updates(trained, fixed, sums, images, labels, None, training=False)[0]

    compiled = jax.jit(jax.grad(loss))

    def gradients(images: Any, labels: Any) -> list[np.ndarray]:
        kinds = (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
        values = ([variable.value for variable in kind] for kind in kinds)
        return [np.asarray(gradient) for gradient in compiled(*values, images, labels)]

    return gradients


def _with_torch(model: Any, images: Any, labels: Any) -> list[np.ndarray]:
    import torch

    loss = model.compute_loss(images, labels, model(images, training=False), None, training=False)
    found = torch.autograd.grad(loss, [variable.value for variable in model.trainable_variables], allow_unused=True)
    shapes = (variable.shape for variable in model.trainable_variables)
    return [
        np.zeros(shape) if gradient is None else gradient.detach().cpu().numpy()
        for gradient, shape in zip(found, shapes, strict=True)
    ]
