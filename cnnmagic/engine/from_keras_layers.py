"""A Keras layer to the language's: its arguments that differ from Keras's defaults, and nothing lost on the way."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import CnnError
from cnnmagic.layers import ACTIVATIONS, KERAS_LAYERS, LAYERS, MERGES, Activation, KerasLayer, Layer, Reshape, Shape
from cnnmagic.layers.weight_rules import RULES, WeightRule, kind_of, made_of, word_of

BY_CLASS = {kind.__name__: kind for kind in (*LAYERS, *MERGES)}
PAIRS = ("kernel_size", "strides", "pool_size", "dilation_rate", "size")
RANGES = ("factor", "height_factor", "width_factor")
NOT_TOLD = ("name", "trainable", "dtype")
SEEN_TO = ("axis", "target_shape", "data_format")  # looked at by themselves


def known_layer(layer: Any, shape: Shape) -> Layer:
    """The dataclass of a layer that gives `shape`; raises `CnnError` where the language has no words for it."""
    name, config = type(layer).__name__, layer.get_config()
    if getattr(load_keras().layers, name, None) is not type(layer) or name not in (*BY_CLASS, *KERAS_LAYERS):
        raise _unknown(layer, name)
    _check_axes(layer, config, len(shape) + 1)
    kind = BY_CLASS.get(name)
    known = _keras_layer(layer, name, config) if kind is None else _dataclass(kind, layer, config, shape)
    for argument, value in known.extra:
        if not _is_writable(value):
            raise _not_written(layer, argument, value)
    _check_all_told(layer, known, config)
    return known


def _unknown(layer: Any, name: str) -> CnnError:
    if hasattr(layer, "layers"):
        remedy = "Make it a Functional or a Sequential model, or lay its layers flat."
        return CnnError(f"`{layer.name}` is a model inside the model that can't be read.", remedy=remedy)
    remedy = f"Build the model of layers that it knows; without `{layer.name}` it would be another network."
    return CnnError(f"`{name}` (`{layer.name}`) has no words in the language.", remedy=remedy)


def _check_axes(layer: Any, config: Mapping[str, Any], rank: int) -> None:
    """Raise `CnnError` for channels that do not come last, which the language takes for granted."""
    axis = config.get("axis", -1)
    axes = {part if part < 0 else part - rank for part in (axis if isinstance(axis, list | tuple) else [axis])}
    if config.get("data_format") == "channels_first" or axes != {-1}:
        what = "data_format=channels_first" if config.get("data_format") == "channels_first" else f"axis={axis}"
        raise CnnError(f"`{layer.name}` has {what}.", remedy="In the language channels come last.")


def _keras_layer(layer: Any, name: str, config: Mapping[str, Any]) -> KerasLayer:
    """A layer that the language hands on to Keras, with what Keras needs and what differs from its defaults."""
    required = _required(layer, config)
    plain = _plain_config(layer, required)
    told = [key for key in config if key not in NOT_TOLD and (key in required or _even(config[key]) != plain.get(key))]
    return KerasLayer(class_name=name, extra=tuple((key, _value(layer, key, config[key])) for key in told))


def _is_writable(value: Any) -> bool:
    """Whether a value is a word, a number, a size or a row of numbers."""
    if isinstance(value, tuple):
        numbers = all(isinstance(part, int | float) for part in value)
        return bool(value) and (numbers or (len(value) > 1 and all(isinstance(part, int | None) for part in value)))
    return isinstance(value, bool | int | float | str | WeightRule | None)


def _dataclass(kind: type[Layer], layer: Any, config: Mapping[str, Any], shape: Shape) -> Layer:
    named = {option.name: option for option in fields(kind) if option.name in config}
    values = {name: _value(layer, name, config[name]) for name in named if config[name] is not None}
    if kind is Reshape:
        values["target_shape"] = shape
    if "pool_size" in values and values.get("strides") == values["pool_size"]:
        del values["strides"]
    if values.get("activation") == "linear" and kind is not Activation:
        values["activation"] = None
    given = {name: value for name, value in values.items() if not _is_default(named[name].default, value)}
    plain = _plain_config(layer, _required(layer, config))
    changed = [name for name in kind.keras_only if name in config and _even(config[name]) != plain.get(name)]
    return kind(**given, extra=tuple((name, _value(layer, name, config[name])) for name in changed))


def _is_default(default: Any, value: Any) -> bool:
    return default is not MISSING and bool(default == value)


def _value(layer: Any, name: str, value: Any) -> Any:
    """A value of a configuration as a dataclass holds it."""
    if name == "activation" and value not in ACTIVATIONS:
        remedy = "Use one of Keras's by name."
        raise CnnError(f"`{layer.name}` has an activation of its own, {_shown(value)}.", remedy=remedy)
    if isinstance(value, dict):
        return _rule(layer, name, value)
    if name in RANGES and isinstance(value, list | tuple):
        return float(value[1])  # Keras keeps a range, from minus the number, or from 0, to it
    return (value, value) if name in PAIRS and isinstance(value, int) else _even(value)


def _even(value: Any) -> Any:
    """A value in which all lists and arrays are tuples, so that what is alike compares alike."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(map(_even, value)) if isinstance(value, list | tuple) else value


def _rule(layer: Any, argument: str, value: Mapping[str, Any]) -> Any:
    """The word for an initializer, regularizer or constraint, or the call where it has numbers of its own."""
    keras, kind = load_keras(), kind_of(argument)
    name, config = value.get("class_name", ""), value.get("config", {})
    if name not in RULES.get(kind, {}) or value.get("registered_name"):
        remedy = "Use one of Keras's initializers, regularizers and constraints."
        raise CnnError(f"`{argument}` of `{layer.name}` has no words in the language: {name}.", remedy=remedy)
    plain = WeightRule(kind, name, ()).made(keras).get_config()
    changed = [key for key in RULES[kind][name] if key in config and config[key] != plain.get(key)]
    if not changed and word_of(name) not in ("constant", "l1_l2"):  # these two Keras does not know without numbers
        return word_of(name)
    exact = WeightRule(kind, name, tuple((key, _even(config[key])) for key in changed))
    short = WeightRule(kind, name, tuple((key, _short(config[key])) for key in changed))
    return short if _same_rule(keras, short, config) else exact


def _short(value: Any) -> Any:
    """0.0001 where Keras has brought it to the next number of 32 bits, 9.999999747378752e-05."""
    return float(f"{value:.7g}") if isinstance(value, float) else _even(value)


def _same_rule(keras: Any, rule: WeightRule, config: Mapping[str, Any]) -> bool:
    return bool(rule.made(keras).get_config() == config)


def _check_all_told(layer: Any, known: Layer, config: Mapping[str, Any]) -> None:
    """Raise `CnnError` where the words found do not give the same layer again."""
    again = _plain_config(layer, made_of(load_keras(), known.arguments()))
    lost = [name for name in config if name not in (*NOT_TOLD, *SEEN_TO) and _even(config[name]) != again.get(name)]
    if lost:
        raise _not_written(layer, lost[0], config[lost[0]])


def _not_written(layer: Any, argument: str, value: Any) -> CnnError:
    message = f"`{argument}` of `{layer.name}` can't be written in the language: {_shown(value)}."
    return CnnError(message, remedy=f"Give `{type(layer).__name__}` another value there.")


def _shown(value: Any) -> str:
    """A value in short; a function or object of Keras by its name."""
    if isinstance(value, dict):
        value = value["config"] if value.get("class_name") == "function" else value.get("class_name", value)
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) < 60 else text[:57] + "…"


def _plain_config(layer: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that a layer of this class has with these arguments."""
    return {name: _even(value) for name, value in type(layer)(**arguments, name=layer.name).get_config().items()}


def _required(layer: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without which Keras would not make a layer of this class."""
    parameters = inspect.signature(type(layer).__init__).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    return {name: config[name] for name in needed if name in config}
