"""A Keras model back to the text of the language: any Functional or Sequential model of known layers."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from typing import Any

from cnnmagic.errors import CnnError
from cnnmagic.layers import (
    ACTIVATIONS,
    KERAS_LAYERS,
    LAYERS,
    MERGES,
    Activation,
    Dense,
    KerasLayer,
    Layer,
    Merge,
    Reshape,
)
from cnnmagic.layers.phrase import phrase

BY_CLASS = {kind.__name__: kind for kind in (*LAYERS, *MERGES)}
PAIRS = ("kernel_size", "strides", "pool_size", "dilation_rate", "size")


def from_keras(model: Any) -> str:
    """The text of a model; raises `CnnError` for layers inside layers, several inputs or outputs, and unknown layers.

    Weights are not part of a text: `keras.Model.get_weights` and `set_weights` carry them over, in the same order.
    """
    _check_model(model)
    network = _Network(model)
    shape = "x".join("?" if size is None else str(size) for size in model.inputs[0].shape[1:])
    return "\n".join([f"input {shape}", *network.statements()]) + "\n"


def _check_model(model: Any) -> None:
    """Raise `CnnError` for what is no built model of one image input and one output, made of layers alone."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs or not hasattr(model, "layers"):
        remedy = "Give a Functional model, or a Sequential one whose first layer is `keras.Input`."
        raise CnnError(
            f"{type(model).__name__} can't be read: it has no inputs yet, or is no such model.", remedy=remedy
        )
    if len(inputs) != 1 or len(outputs) != 1:
        message = f"this model has {_count(inputs, 'input')} and {_count(outputs, 'output')}."
        raise CnnError(message, remedy="The language knows networks of one input and one output.")
    if len(inputs[0].shape) != 4:
        shape = "x".join("?" if size is None else str(size) for size in inputs[0].shape[1:])
        raise CnnError(f"this model takes {shape}, which is no image.", remedy="Images are height x width x channels.")
    strange = next((one for one in getattr(model, "operations", model.layers) if not hasattr(one, "get_weights")), None)
    if strange is not None:
        message = f"`{strange.name}` is an operation of `keras.ops`, not a layer."
        raise CnnError(message, remedy="Use a layer in its place, such as `Add` or `Multiply`.")


def _count(things: Sequence[Any], word: str) -> str:
    return f"{len(things)} {word}" + ("" if len(things) == 1 else "s")


class _Network:
    """The layers of a model in order, and from where each one reads."""

    def __init__(self, model: Any):
        layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        self.layers = layers
        names = {layer.name for layer in layers} | {tensor._keras_history.operation.name for tensor in model.inputs}
        self.sources = {layer.name: _sources(layer, names) for layer in layers}
        self.output = layers[-1].name if layers else ""
        self.labels = self._labels()

    def statements(self) -> Iterator[str]:
        current = "input"
        for layer in self.layers:
            sources = self.sources[layer.name]
            if sources[0] != current:
                yield f"from {self.labels.get(sources[0], sources[0])}"
            yield from self._statement(layer, sources)
            current = layer.name

    def _statement(self, layer: Any, sources: Sequence[str]) -> Iterator[str]:
        known = _known(layer)
        label = f"{self.labels[layer.name]} <- " if layer.name in self.labels else ""
        if isinstance(known, Merge):
            yield label + " ".join([known.verb, *(self.labels[source] for source in sources[1:])])
        else:
            yield label + (_output(known) if layer.name == self.output else phrase(known))

    def _labels(self) -> dict[str, str]:
        """A label for each layer that is read by another than the next one."""
        needed: dict[str, str] = {"input": "input"}
        current = "input"
        for layer in self.layers:
            for position, source in enumerate(self.sources[layer.name]):
                if source not in needed and (position or source != current):
                    needed[source] = _identifier(source, needed.values())
            current = layer.name
        return needed


def _sources(layer: Any, names: set[str]) -> list[str]:
    """The names of the layers that a layer reads, in order; the network's input is called `input`.

    A layer may belong to several models: only the calls inside this one, whose layers' `names` are given, count.
    """
    calls = layer._inbound_nodes
    nodes = [call for call in calls if all(t._keras_history.operation.name in names for t in call.input_tensors)]
    if len(nodes) != 1:
        remedy = "Layers shared by several places can't be written in the language."
        raise CnnError(f"the layer `{layer.name}` is called {len(nodes)} times.", remedy=remedy)
    histories = [tensor._keras_history.operation for tensor in nodes[0].input_tensors]
    return ["input" if type(source).__name__ == "InputLayer" else source.name for source in histories]


def _known(layer: Any) -> Layer:
    """The layer's dataclass, with all arguments that differ from Keras's defaults."""
    name, config = type(layer).__name__, layer.get_config()
    _check_axes(layer, config)
    if name in BY_CLASS:
        return _dataclass(BY_CLASS[name], layer, config)
    if name in KERAS_LAYERS:
        return _keras_layer(layer, name, config)
    if hasattr(layer, "layers"):
        raise CnnError(f"`{layer.name}` is a model inside the model.", remedy="Build the model flat, and try again.")
    raise CnnError(f"`{name}` (`{layer.name}`) has no words in the language.", remedy="Leave this layer out.")


def _check_axes(layer: Any, config: dict[str, Any]) -> None:
    """Raise `CnnError` for channels that do not come last, which the language takes for granted."""
    rank = len(layer.output.shape)
    axis = config.get("axis", -1)
    axes = {part if part < 0 else part - rank for part in (axis if isinstance(axis, list | tuple) else [axis])}
    if config.get("data_format") == "channels_first" or axes != {-1}:
        what = "data_format=channels_first" if config.get("data_format") == "channels_first" else f"axis={axis}"
        raise CnnError(f"`{layer.name}` has {what}.", remedy="In the language channels come last.")


def _keras_layer(layer: Any, name: str, config: dict[str, Any]) -> KerasLayer:
    """A layer that the language hands on to Keras, with what Keras needs and what differs from its defaults."""
    required = _required(layer, config)
    plain = type(layer)(**required).get_config()
    told = {key: value for key, value in config.items() if key in required or value != plain.get(key)}
    extra = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items() if key != "name"}
    return KerasLayer(class_name=name, extra=tuple((key, value) for key, value in extra.items() if _is_plain(value)))


def _dataclass(kind: type[Layer], layer: Any, config: dict[str, Any]) -> Layer:
    if kind is Dense and len(layer.input.shape) > 2:
        remedy = "In the language a dense layer flattens first; a 1x1 convolution does the same here."
        raise CnnError(f"`{layer.name}` is a dense layer on a volume.", remedy=remedy)
    values = {}
    for option in fields(kind):
        if option.name in config and config[option.name] is not None:
            values[option.name] = _value(kind, option.name, config[option.name], layer)
    if "pool_size" in values and values.get("strides") == values["pool_size"]:
        del values["strides"]
    if values.get("activation") == "linear" and kind is not Activation:
        values["activation"] = None
    values = {name: value for name, value in values.items() if not _is_default(kind, name, value)}
    return kind(**values, **_extra(kind, layer, config))


def _value(kind: type[Layer], name: str, value: Any, layer: Any) -> Any:
    """A value of a configuration as the dataclass holds it."""
    if kind is Reshape:
        return tuple(layer.output.shape[1:])
    if name in ("factor", "height_factor", "width_factor") and isinstance(value, list | tuple):
        return float(value[1])  # Keras keeps a range, from minus the number, or from 0, to it
    if name == "activation":
        if value not in ACTIVATIONS:
            raise CnnError(
                f"`{layer.name}` has an activation of its own, {value!r}.", remedy="Use one of Keras's by name."
            )
        return value
    if isinstance(value, list | tuple):
        return tuple(tuple(part) if isinstance(part, list | tuple) else part for part in value)
    return (value, value) if name in PAIRS and isinstance(value, int) else value


def _extra(kind: type[Layer], layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Arguments without an option of their own that differ from Keras's defaults, by Keras's names."""
    plain = type(layer)(**_required(layer, config)).get_config()
    changed = [name for name in kind.keras_only if config.get(name) != plain.get(name)]
    extra = tuple((name, _name_of(layer, name, config[name])) for name in changed)
    return {"extra": extra} if extra else {}


def _name_of(layer: Any, argument: str, value: Any) -> Any:
    """The word that Keras takes for an initializer or regularizer; `CnnError` where it has numbers of its own."""
    if not isinstance(value, dict):
        return value
    import keras

    word = re.sub(r"(?<!^)(?=[A-Z])", "_", value["class_name"]).lower()
    module = keras.initializers if argument.endswith("initializer") else keras.regularizers
    numbers = {key: number for key, number in value["config"].items() if key != "seed"}
    usual = {key: number for key, number in module.get(word).get_config().items() if key != "seed"}
    if numbers != usual:
        message = f"`{argument}` of `{layer.name}` has numbers of its own, {numbers}."
        raise CnnError(message, remedy=f"The language knows `{argument}={word}` with Keras's numbers.")
    return word


def _is_default(kind: type[Layer], name: str, value: Any) -> bool:
    option = next(option for option in fields(kind) if option.name == name)
    return option.default is not MISSING and option.default == value


def _required(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments without which Keras would not make a layer of this class."""
    import inspect

    parameters = inspect.signature(type(layer).__init__).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return {name: config[name] for name in needed if name in config}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(part, int) for part in value)
    return isinstance(value, bool | int | float | str)


def _output(layer: Layer) -> str:
    """A closing dense layer with softmax or sigmoid is the network's `output`."""
    plain = isinstance(layer, Dense) and layer == Dense(units=layer.units, activation=layer.activation)
    if not plain or not isinstance(layer, Dense) or layer.activation not in ("softmax", "sigmoid"):
        return phrase(layer)
    usual = "sigmoid" if layer.units == 1 else "softmax"
    return f"output {layer.units}" + ("" if layer.activation == usual else f" {layer.activation}")


def _identifier(name: str, taken: Any) -> str:
    """A label after a layer's name, one that no other layer has."""
    wished = re.sub(r"\W", "_", name)
    usable = wished.isidentifier() and not keyword.iskeyword(wished) and wished not in ("input", "output", "rescale")
    wished = wished if usable else f"layer_{wished}"
    count = Counter(taken)[wished]
    return wished if not count else f"{wished}_{count + 1}"
