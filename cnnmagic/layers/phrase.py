"""A layer as the language writes it: `conv 32 3x3 /2 same relu`."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from cnnmagic.layers.base import Layer
from cnnmagic.layers.core import Activation
from cnnmagic.layers.generic import KerasLayer
from cnnmagic.layers.merging import Merge


def phrase(layer: Layer) -> str:
    """The shortest statement that gives this layer."""
    if isinstance(layer, Activation):
        return layer.activation
    if isinstance(layer, Merge):
        return layer.verb
    if isinstance(layer, KerasLayer):
        further = [f"{name}={_plain(value)}" for name, value in layer.extra]
        return " ".join([layer.class_name, *map(_plain, layer.positional), *further])
    head = layer.words[0] if layer.words else layer.kind
    words = [_word(option, getattr(layer, option.name)) for option in fields(layer) if _is_told(layer, option)]
    extra = [f"{name}={_plain(value)}" for name, value in layer.extra]
    return " ".join([head, *words, *extra])


def _is_told(layer: Layer, option: Field[Any]) -> bool:
    if option.name == "extra":
        return False
    return option.default is MISSING or getattr(layer, option.name) != option.default or option.name in layer.always


def _word(option: Field[Any], value: Any) -> str:
    kind = option.metadata["kind"]
    if kind == "strides":
        return "/" + (str(value[0]) if value[0] == value[1] else _size(value))
    text = _size(value) if kind in ("pair", "shape") else _plain(value)
    return text if option.metadata["bare"] else f"{option.name}={text}"


def _exactly(value: float) -> str:
    """All digits of a number, or the fraction of a whole number that it is."""
    whole = round(1 / value) if 1e-6 < value < 1 else 0
    return f"1/{whole}" if whole and 1 / whole == value else repr(value)


def _size(dimensions: tuple[int, ...]) -> str:
    return "x".join(map(str, dimensions))


def _plain(value: Any) -> str:
    """A value as the language writes it; 1/255 where decimals would cut it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and float(f"{value:g}") != value:
        return _exactly(value)
    if isinstance(value, tuple):
        return "x".join("x".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
