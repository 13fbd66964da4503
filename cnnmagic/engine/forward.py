"""What a model answers outside its training: on JAX compiled as a whole, where each operation would be by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import load_keras


def answering(model: Any, told: Callable[[Any], Any] = lambda outputs: outputs) -> Callable[[Any], Any]:
    """A function of images that gives `told(outputs)` of the model as it then is, without dropout.

    What `told` gives are tensors of the backend, or lists of them.
    """
    match load_keras().backend.backend():
        case "jax":
            return _with_jax(model, told)
        case "torch":
            import torch

            return torch.no_grad()(lambda images: told(model(images, training=False)))
    return lambda images: told(model(images, training=False))


def _with_jax(model: Any, told: Callable[[Any], Any]) -> Callable[[Any], Any]:
    import jax

    def whole(trained: Any, fixed: Any, images: Any) -> Any:
        return told(model.stateless_call(trained, fixed, images, training=False)[0])

    compiled = jax.jit(whole)

    def answer(images: Any) -> Any:
        values = (
            [variable.value for variable in of] for of in (model.trainable_variables, model.non_trainable_variables)
        )
        return compiled(*values, images)

    return answer
