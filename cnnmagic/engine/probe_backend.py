"""What Keras leaves to its backend, for each of them: the slope of a function, compiling it, waiting for its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import RunError

Function = Callable[[Any], Any]


def slope(function: Function, point: np.ndarray) -> np.ndarray:
    """The gradient of a function that gives one number, at `point` and of its shape; zeros where it does not matter.

    Raises `RunError` on a backend without gradients.
    """
    match load_keras().backend.backend():
        case "tensorflow":
            return _with_tensorflow(function, point)
        case "jax":
            return _with_jax(function, point)
        case "torch":
            return _with_torch(function, point)
        case other:
            remedy = "Set KERAS_BACKEND to tensorflow, jax or torch, and restart the kernel."
            raise RunError(f"the backend {other} has no gradients.", remedy=remedy)


def compiled(layer: Any) -> Function:
    """What the layer does outside training, as one function of its input, compiled where the backend does so."""
    match load_keras().backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return tf.function(lambda inputs: layer(inputs, training=False))
        case "jax":
            return _compiled_by_jax(layer)
    return lambda inputs: layer(inputs, training=False)


def wait_for(tensor: Any) -> None:
    """Return when the device has computed the tensor."""
    match load_keras().backend.backend():
        case "tensorflow":
            import tensorflow as tf

            tf.test.experimental.sync_devices()
        case "jax":
            tensor.block_until_ready()
        case "torch":
            import torch

            if tensor.is_cuda:
                torch.cuda.synchronize()


def _with_tensorflow(function: Function, point: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    tensor = tf.convert_to_tensor(point)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(tensor)
        value = function(tensor)
    return np.asarray(tape.gradient(value, tensor, unconnected_gradients="zero"))


def _with_jax(function: Function, point: np.ndarray) -> np.ndarray:
    import jax

    # In this scope no layer's variable can keep a value of the tracing.
    with load_keras().StatelessScope():
        return np.asarray(jax.grad(function)(jax.numpy.asarray(point)))


def _with_torch(function: Function, point: np.ndarray) -> np.ndarray:
    import torch

    tensor = load_keras().ops.convert_to_tensor(point).requires_grad_()
    (found,) = torch.autograd.grad(function(tensor), tensor, allow_unused=True)
    return np.zeros_like(point) if found is None else found.detach().cpu().numpy()


def _compiled_by_jax(layer: Any) -> Function:
    import jax

    def function(values: Any, inputs: Any) -> Any:
        # As arguments, since what a compiled function closes over is compiled into it as constants. And not by the
        # layer's `stateless_call`, which leaves out the casts that come with a precision.
        with load_keras().StatelessScope(state_mapping=list(zip(layer.variables, values, strict=True))):
            return layer(inputs, training=False)

    values, quick = [variable.value for variable in layer.variables], jax.jit(function)
    return lambda inputs: quick(values, inputs)
