"""A layer as the language writes it: `conv 32 3x3 /2 same relu`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from typing import Any

from cnnmagic.layers.base import Layer
from cnnmagic.layers.core import Activation
from cnnmagic.layers.generic import KerasLayer
from cnnmagic.layers.merging import Merge

_WORD = re.compile(r"[^\s(){}=#<>:,\"'-]+")
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


def number_text(value: float) -> str:
    """A number in its shortest form: `0.1`, `1e-5`."""
    text = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return text.replace("e-0", "e-").replace("e+0", "e+")


def _is_told(layer: Layer, option: Field[Any]) -> bool:
    if option.name == "extra":
        return False
    return option.default is MISSING or getattr(layer, option.name) != option.default or option.name in layer.always


def _word(option: Field[Any], value: Any) -> str:
    kind = option.metadata["kind"]
    if kind == "strides":
        return "/" + (str(value[0]) if value[0] == value[1] else _size(value))
    if option.name in ONE_NUMBER and value[0] == value[1]:
        return str(value[0])
    if kind == "margins":
        return _margins(value)
    text = _size(value) if kind in ("pair", "shape") else value_text(value)
    if kind == "channels" and isinstance(value, tuple):
        text = _row(value)
    bare = option.metadata["bare"] and not text.startswith("(")  # brackets after the head hold the layer's words
    return text if bare else f"{option.name}={text}"


def _margins(value: tuple[tuple[int, int], tuple[int, int]]) -> str:
    """`1`, `1x2` or `0x1x0x1`, whichever says enough."""
    (top, bottom), (left, right) = value
    if top == bottom and left == right:
        return str(top) if top == left else f"{top}x{left}"
    return f"{top}x{bottom}x{left}x{right}"


def _fraction(value: float) -> float | None:
    """The value where it is one over a whole number and its decimals would be many."""
    whole = round(1 / value) if 1e-6 < value < 1 and float(f"{value:g}") != value else 0
    return 1 / whole if whole else None


def _size(dimensions: tuple[int, ...]) -> str:
    return "x".join(map(str, dimensions))


def value_text(value: Any) -> str:
    """A value as the language writes it; 1/255 where decimals would cut it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value == _fraction(value):
        return f"1/{round(1 / value)}"
    if isinstance(value, tuple):
        return _tuple(value)
    if isinstance(value, str) and not _WORD.fullmatch(value):
        return f'"{value}"'
    return number_text(value) if isinstance(value, float) else "none" if value is None else str(value)


def _tuple(value: tuple[Any, ...]) -> str:
    """A size, `3x3`, or numbers in brackets, `(0.5, -1)`, where no size has such numbers."""
    flat = [one for part in value for one in (part if isinstance(part, tuple) else (part,))]
    if all(one is None or (isinstance(one, int) and one >= 0) for one in flat) and len(flat) > 1:
        return "x".join("?" if one is None else str(one) for one in flat)
    return _row(flat)


def _row(numbers: Iterable[float]) -> str:
    return f"({', '.join(map(value_text, numbers))})"
