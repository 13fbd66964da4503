"""What a model and the model of its text are compared by: layers, configurations, connections, weights, answers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cnnmagic import build, from_keras
from cnnmagic.engine.backend import load_keras

keras = load_keras()
NOT_COMPARED = ("name", "dtype", "batch_shape")
EITHER_WAY = ("Add", "Average", "Maximum", "Multiply")


def sequential(*parts) -> Any:
    return keras.Sequential([keras.Input((16, 12, 4)), *parts])


def functional(make: Callable[[Any], Any], shape: tuple[int | None, ...] = (16, 12, 4)) -> Any:
    entry = keras.Input(shape)
    return keras.Model(entry, make(entry))


def layers_of(model) -> list[Any]:
    return [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]


def even(name: str, value: Any, layer) -> Any:
    """A value of a configuration, lists as tuples and the last axis as -1."""
    if isinstance(value, list | tuple):
        return tuple(even(name, part, layer) for part in value)
    return value - len(layer.output.shape) if name == "axis" and isinstance(value, int) and value > 0 else value


def described(model) -> list[tuple[str, dict[str, Any], tuple[int | None, ...]]]:
    """Class, configuration without names, and shape of every layer but the input."""
    return [
        (
            type(layer).__name__,
            {name: even(name, value, layer) for name, value in layer.get_config().items() if name not in NOT_COMPARED},
            layer.output.shape,
        )
        for layer in layers_of(model)
    ]


def connections(model) -> list[list[int]]:
    """The places of the layers that each layer reads; in any order where the order makes no difference."""
    places = {id(layer.output): place for place, layer in enumerate(layers_of(model))}
    found = []
    for layer in layers_of(model):
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        sources = [places.get(id(tensor), -1) for tensor in given]
        found.append(sorted(sources) if type(layer).__name__ in EITHER_WAY else sources)
    return found


def check(model) -> Any:
    """The model of its text: the same layers, weights of the same shapes in the same order, and the same text again."""
    text = from_keras(model)
    again = build(text)
    assert described(again) == described(model)
    assert connections(again) == connections(model)
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert again.count_params() == model.count_params()
    assert from_keras(again) == text
    return again


def same_answers(model, again, tolerance: float = 1e-4, height: float = 1.0) -> None:
    """The model of its text answers the same once it has the same weights, none of them as they begin."""
    random = np.random.default_rng(0)
    weights = [weight + 0.1 * random.random(weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    again.set_weights(weights)
    shape = [1, *(size or 20 for size in model.input_shape[1:])]
    image = height * random.random(shape, dtype=np.float32)
    wanted = np.asarray(model(image, training=False))
    np.testing.assert_allclose(np.asarray(again(image, training=False)), wanted, rtol=tolerance, atol=tolerance)
