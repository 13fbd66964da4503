"""Gives probes a model that nothing disturbs, and its layers by name; what a probe can't take is told as an error.

A model in training changes from batch to batch, and with JAX its weights lie elsewhere meanwhile. Probes look into a
copy then, with the weights of one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.guard import REFUSED
from cnnmagic.engine.snapshot import Arrays, assign, copied
from cnnmagic.errors import DataError, RunError
from cnnmagic.layers import show
from cnnmagic.wording import closest, listed

SHOWN_LAYERS = 12
NUMBERS_AT_ONCE = 64_000_000  # 256 MB in float32, held while images pass through all layers
MOST_AT_ONCE = 256


def at_rest(model: Any, weights: Arrays | None = None) -> Any:
    """The model, or in training a copy of it with the weights of this moment.

    `weights` are those of a snapshot (`snapshot.variables.model`); where they are given they are put into a copy.
    Raises `RunError` where there are none and the backend hides the weights of a model in training.
    """
    if weights is None and not is_in_training(model) and _is_flat(model):
        return model
    return _copy(model, weights, None)


def in_float32(model: Any, weights: Arrays | None = None) -> Any:
    """Like `at_rest`, and a copy in float32 of a model that computes in less, where gradients would be rough.

    Every probe asks for it; who has several questions asks once, and gives the copy to the probes.
    """
    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return at_rest(model, weights)
    return _copy(model, weights, "float32")


def is_in_training(model: Any) -> bool:
    """Whether a run trains the model now: its guard is on."""
    return REFUSED[0] in vars(model)


def find_layer(model: Any, name: str) -> Any:
    """The layer of that name; raises `RunError`, which names those there are."""
    names = [layer.name for layer in model.layers]
    if name in names:
        return model.layers[names.index(name)]
    shown = listed(names[:SHOWN_LAYERS]) + " …" * (len(names) > SHOWN_LAYERS)
    raise RunError(f"no layer `{name}` in {model.name}{closest(name, names) or '.'}", remedy=f"There are {shown}.")


def checked_images(model: Any, images: Any) -> np.ndarray:
    """The images as an array, count x height x width x channels; raises `DataError` where they don't fit the model."""
    given, wanted = np.asarray(images), tuple(model.inputs[0].shape[1:])
    fits = given.ndim == len(wanted) + 1 and all(
        want in (None, have) for have, want in zip(given.shape[1:], wanted, strict=True)
    )
    if not fits or not len(given) or given.dtype.kind not in "uifb":
        message = f"{show(given.shape) or 'a single value'} of {given.dtype} are not images for {model.name}."
        raise DataError(message, remedy=f"Give count x {show(wanted)} numbers; `image[None]` makes one image so.")
    return given


def chunks(model: Any, images: np.ndarray) -> list[np.ndarray]:
    """The images in parts that pass through all layers at once without much memory."""
    area = max(1, int(np.prod(images.shape[1:3])) // max(1, int(np.prod(_sides(model.inputs[0].shape)))))
    each = sum(int(np.prod([size or 1 for size in layer.output.shape[1:]])) for layer in model.layers)
    size = max(1, min(MOST_AT_ONCE, NUMBERS_AT_ONCE // max(1, each * area)))
    return [images[start : start + size] for start in range(0, len(images), size)]


def is_relu(layer: Any) -> bool:
    """Whether the layer sends out 0 for all numbers below 0: a ReLU, or one within a convolution or dense layer."""
    keras = load_keras()
    inside = getattr(layer, "activation", None) in (keras.activations.relu, keras.activations.relu6)
    return inside or (isinstance(layer, keras.layers.ReLU) and not layer.negative_slope)


def is_volume(layer: Any) -> bool:
    """Whether height x width x channels go out."""
    return len(layer.output.shape) == 4


def inner_layers(model: Any) -> list[Any]:
    """All layers but the input."""
    return [layer for layer in model.layers if not isinstance(layer, load_keras().layers.InputLayer)]


def _copy(model: Any, weights: Arrays | None, precision: str | None) -> Any:
    keras = load_keras()
    if weights is None and is_in_training(model) and keras.backend.backend() == "jax":
        message = f"{model.name} is in training, and with JAX its weights can't be read meanwhile."
        raise RunError(message, remedy="Ask again at its end, or `stop` or `resume` it first.")
    read = copied(model.variables) if weights is None else weights

    def same(layer: Any) -> Any:
        options = layer.get_config() | ({"dtype": precision} if precision else {})
        return type(layer).from_config(options)

    copy = keras.models.clone_model(model, clone_function=same)
    if not _is_flat(copy):
        message = f"a layer of {model.name} is used more than once, and probes go through each layer once."
        raise RunError(message, remedy="Probe a model that a `%%cnn` cell has built.")
    assign(copy.variables, read)
    return copy


def _is_flat(model: Any) -> bool:
    """Whether every tensor within the model is what a layer gave at first, which alone Keras tells of a layer."""
    made = {id(layer.output) for layer in model.layers}
    read = [tensor for layer in inner_layers(model) for tensor in _listed(layer.input)]
    return all(id(tensor) in made for tensor in (*read, *model.outputs))


def _listed(tensors: Any) -> list[Any]:
    return tensors if isinstance(tensors, list) else [tensors]


def _sides(shape: Sequence[int | None]) -> list[int]:
    return [size or 1 for size in shape[1:3]]
