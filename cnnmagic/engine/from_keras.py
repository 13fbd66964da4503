"""A Keras model back to the text of the language: any Functional or Sequential model of known layers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from typing import Any

from cnnmagic.errors import CnnError
from cnnmagic.layers import ACTIVATIONS, KERAS_LAYERS, LAYERS, MERGES, Activation, Dense, KerasLayer, Layer, Merge
from cnnmagic.layers.phrase import phrase

BY_CLASS = {kind.__name__: kind for kind in (*LAYERS, *MERGES)}
PAIRS = ("kernel_size", "strides", "pool_size", "dilation_rate", "size")
PLAIN_DEFAULTS = {"kernel_initializer": "GlorotUniform", "bias_initializer": "Zeros"}


def from_keras(model: Any) -> str:
    """The text of a model; raises `CnnError` for layers inside layers, several inputs or outputs, and unknown layers.

    Weights are not part of a text: `keras.Model.get_weights` and `set_weights` carry them over, in the same order.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        message = f"this model has {len(model.inputs)} inputs and {len(model.outputs)} outputs."
        raise CnnError(message, remedy="The language knows networks of one input and one output.")
    network = _Network(model)
    shape = "x".join("?" if size is None else str(size) for size in model.inputs[0].shape[1:])
    return "\n".join([f"input {shape}", *network.statements()]) + "\n"


class _Network:
    """The layers of a model in order, and from where each one reads."""

    def __init__(self, model: Any):
        layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        self.layers = layers
        self.sources = {layer.name: _sources(layer) for layer in layers}
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


def _sources(layer: Any) -> list[str]:
    """The names of the layers that a layer reads, in order; the network's input is called `input`."""
    nodes = layer._inbound_nodes
    if len(nodes) != 1:
        remedy = "Layers shared by several places can't be written in the language."
        raise CnnError(f"the layer `{layer.name}` is called {len(nodes)} times.", remedy=remedy)
    histories = [tensor._keras_history.operation for tensor in nodes[0].input_tensors]
    return ["input" if type(source).__name__ == "InputLayer" else source.name for source in histories]


def _known(layer: Any) -> Layer:
    """The layer's dataclass, with all arguments that differ from Keras's defaults."""
    name, config = type(layer).__name__, layer.get_config()
    if name in BY_CLASS:
        return _dataclass(BY_CLASS[name], layer, config)
    if name in KERAS_LAYERS:
        plain = type(layer)(**_required(layer, config)).get_config()
        extra = tuple((key, value) for key, value in config.items() if key != "name" and value != plain.get(key))
        return KerasLayer(class_name=name, extra=tuple((key, value) for key, value in extra if _is_plain(value)))
    if hasattr(layer, "layers"):
        raise CnnError(f"`{layer.name}` is a model inside the model.", remedy="Build the model flat, and try again.")
    raise CnnError(f"`{name}` (`{layer.name}`) has no words in the language.", remedy="Leave this layer out.")


def _dataclass(kind: type[Layer], layer: Any, config: dict[str, Any]) -> Layer:
    if kind is Dense and len(layer.input.shape) > 2:
        remedy = "In the language a dense layer flattens first; a 1x1 convolution does the same here."
        raise CnnError(f"`{layer.name}` is a dense layer on a volume.", remedy=remedy)
    values = {}
    for option in fields(kind):
        if option.name in config and config[option.name] is not None:
            values[option.name] = _value(option.name, config[option.name], layer)
    if "pool_size" in values and values.get("strides") == values["pool_size"]:
        del values["strides"]
    if values.get("activation") == "linear" and kind is not Activation:
        values["activation"] = None
    values = {name: value for name, value in values.items() if not _is_default(kind, name, value)}
    return kind(**values, **_extra(kind, config))


def _value(name: str, value: Any, layer: Any) -> Any:
    """A value of a configuration as the dataclass holds it."""
    if name == "activation":
        if value not in ACTIVATIONS:
            raise CnnError(
                f"`{layer.name}` has an activation of its own, {value!r}.", remedy="Use one of Keras's by name."
            )
        return value
    if isinstance(value, list | tuple):
        return tuple(tuple(part) if isinstance(part, list | tuple) else part for part in value)
    return (value, value) if name in PAIRS and isinstance(value, int) else value


def _extra(kind: type[Layer], config: dict[str, Any]) -> dict[str, Any]:
    """Initializers other than Keras's defaults, by the names that Keras gives them."""
    extra = []
    for name in kind.keras_only:
        value = config.get(name)
        given = value["class_name"] if isinstance(value, dict) and name in PLAIN_DEFAULTS else None
        if given is not None and given != PLAIN_DEFAULTS[name]:
            extra.append((name, re.sub(r"(?<!^)(?=[A-Z])", "_", given).lower()))
    return {"extra": tuple(extra)} if extra else {}


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
    if not isinstance(layer, Dense) or layer.activation not in ("softmax", "sigmoid"):
        return phrase(layer)
    usual = "sigmoid" if layer.units == 1 else "softmax"
    return f"output {layer.units}" + ("" if layer.activation == usual else f" {layer.activation}")


def _identifier(name: str, taken: Any) -> str:
    """A label after a layer's name, one that no other layer has."""
    wished = re.sub(r"\W", "_", name)
    wished = wished if wished.isidentifier() and wished not in ("input", "output", "rescale") else f"layer_{wished}"
    count = Counter(taken)[wished]
    return wished if not count else f"{wished}_{count + 1}"
