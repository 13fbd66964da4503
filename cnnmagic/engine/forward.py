"""What a model answers outside its training: on JAX compiled as a whole, where each operation would be by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import load_keras


def answering(model: Any, told: Callable[[Any], Any] = lambda outputs: outputs) -> Callable[[Any], Any]:
    """A function of images that gives `told(outputs)` of the model as it then is, without dropout.

    What `told` gives are tensors of the backend, or lists of them.
    """
    if load_keras().backend.backend() != "jax":
        return lambda images: told(model(images, training=False))
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
