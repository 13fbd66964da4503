"""A layer as the language writes it: `conv 32 3x3 /2 same relu`."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from cnnmagic.layers.base import Layer
from cnnmagic.layers.core import Activation
from cnnmagic.layers.generic import KerasLayer
from cnnmagic.layers.merging import Merge
from cnnmagic.layers.written import row_text, size_text, value_text

ONE_NUMBER = ("pool_size", "size")  # written `maxpool 2`, where a kernel is written `conv 32 3x3`


def phrase(layer: Layer) -> str:
    """The shortest statement that gives this layer."""
    if isinstance(layer, Activation):
        return layer.activation
    if isinstance(layer, Merge):
        return layer.verb
    if isinstance(layer, KerasLayer):
        further = [f"{name}={value_text(value)}" for name, value in layer.extra]
        return " ".join([layer.class_name, *map(value_text, layer.positional), *further])
    head = layer.words[0] if layer.words else layer.kind
    words = [_word(option, getattr(layer, option.name)) for option in fields(layer) if _is_told(layer, option)]
    if getattr(layer, "pool_size", None) == getattr(layer, "strides", ()):
        words.remove(_word(layer.__dataclass_fields__["strides"], layer.strides))  # type: ignore[attr-defined]
    extra = [f"{name}={value_text(value)}" for name, value in layer.extra]
    return " ".join([head, *words, *extra])


def _is_told(layer: Layer, option: Field[Any]) -> bool:
    if option.name == "extra":
        return False
    return option.default is MISSING or getattr(layer, option.name) != option.default or option.name in layer.always


def _word(option: Field[Any], value: Any) -> str:
    kind = option.metadata["kind"]
    if kind == "strides":
        return "/" + (str(value[0]) if value[0] == value[1] else size_text(value))
    if option.name in ONE_NUMBER and value[0] == value[1]:
        return str(value[0])
    if kind == "margins":
        return _margins(value)
    text = size_text(value) if kind in ("pair", "shape") else value_text(value)
    if kind == "channels" and isinstance(value, tuple):
        text = row_text(value)
    bare = option.metadata["bare"] and not text.startswith("(")  # brackets after the head hold the layer's words
    return text if bare else f"{option.name}={text}"


def _margins(value: tuple[tuple[int, int], tuple[int, int]]) -> str:
    """`1`, `1x2` or `0x1x0x1`, whichever says enough."""
    (top, bottom), (left, right) = value
    if top == bottom and left == right:
        return str(top) if top == left else f"{top}x{left}"
    return f"{top}x{bottom}x{left}x{right}"
