"""One word to the plain value that an option needs, for each kind of option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from cnnmagic.errors import CnnError, PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.calls import check_rule, read_call
from cnnmagic.layers import ACTIVATIONS, SYNONYMS
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.plans import GOALS, METHODS, PRECISIONS, SCHEDULES
from cnnmagic.wording import closest, listed, sentence

LARGEST = 10**9
LARGEST_SEED = 2**32 - 1
MOST_AXES = 8
FLAGS = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
LIMITS = {"seed": LARGEST_SEED} | dict.fromkeys(("count", "pair", "strides", "batch", "devices"), LARGEST)
WORDS: dict[str, Sequence[str]] = {
    "padding": ("same", "valid"),
    "activation": (*ACTIVATIONS, *SYNONYMS),
    "optimizer": tuple(OPTIMIZERS),
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "interpolation": ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"),
    "bad": ("stop", "skip"),
    "balance": ("weights", "no"),
    "method": METHODS,
    "goal": GOALS,
    "mode": ("horizontal", "vertical", "horizontal_and_vertical"),
}
COUNTED = ("count", "pair", "strides", "margins", "shape", "fraction", "number", "positive", "channels")
MEANINGS = {
    "count": "a whole number of at least 1",
    "seed": "a whole number from 0 on",
    "pair": "a size such as `3x3` or `3`",
    "strides": "a step such as `/2` or `2`",
    "fraction": "a number from 0 to less than 1",
    "number": "a number",
    "positive": "a number above 0",
    "flag": "`yes` or `no`",
    "span": "a number of at least 0, or `no`",
    "batch": "a whole number above 0, or `auto`",
    "devices": "a whole number above 0, or `all`",
    "shape": "a shape such as `7x7x64`",
    "margins": "a margin such as `1`, `1x2` or `0x1x0x1`",
    "name": "a word",
    "numbers": "two numbers, such as `0x255`",
    "channels": "a number, or one for each channel: `(0.5, 1, 2)`",
}


def read(kind: str, value: syntax.Value) -> Any:
    """The plain value of a word for an option of this kind; raises `PlanError` where it does not fit."""
    if kind in WORDS and isinstance(value, syntax.Name | syntax.Text):
        return _known(kind, str(value).lower())
    result = _READERS[kind](value) if kind in _READERS else None
    if result is None and isinstance(value, int) and value > LIMITS.get(kind, value):
        raise PlanError(f"`{value}` is too large: {LIMITS[kind]:,} is the limit.")
    if result is None:
        meaning = MEANINGS.get(kind) or "one of " + listed(WORDS[kind])
        raise PlanError(f"`{value}` is not {meaning}.")
    return result


def fits(kind: str, value: syntax.Value) -> bool:
    """Whether a bare word of this shape may stand for an option of this kind, be its value good or not."""
    match value:
        case syntax.Choices():
            return all(fits(kind, choice) for choice in value.values)
        case syntax.Name() | syntax.Text():
            return kind == "name" or (kind in WORDS and str(value).lower() in WORDS[kind])
        case syntax.Size(dimensions=sizes):
            return kind == "shape" or (kind in ("pair", "strides", "margins") and len(sizes) in (2, 4))
        case syntax.Stride():
            return kind == "strides"
        case int():
            return kind in COUNTED
        case float():
            return kind in ("fraction", "number", "positive", "channels")
    return False


def plain(value: syntax.Value, argument: str = "") -> Any:
    """A value for a Keras argument that has no option of its own here."""
    match value:
        case syntax.Call():
            return read_call(argument, value)
        case syntax.Numbers(values=numbers):
            return numbers
        case syntax.Size(dimensions=sizes) | syntax.Stride(dimensions=sizes):
            return sizes
        case syntax.Name() | syntax.Text():
            word = str(value).lower()
            if word != "none":
                check_rule(argument, str(value))
            return None if word == "none" else FLAGS.get(word, str(value))
    return value


def plain_word(word: syntax.Word) -> Any:
    """`plain` of what a word gives; what is wrong is told at the value, not at the whole `name=value`."""
    try:
        return plain(word.value, word.key or "")
    except CnnError as error:
        raise error.at(word.place.of(str(word.value))) from None


def _known(kind: str, word: str) -> str:
    if word not in WORDS[kind]:
        near = closest(word, WORDS[kind])
        raise PlanError(
            sentence(f"no {kind} `{word}`{near}"), remedy="" if near else f"Known are {listed(WORDS[kind])}."
        )
    return SYNONYMS.get(word, word) if kind == "activation" else word


def _count(value: syntax.Value) -> int | None:
    return value if isinstance(value, int) and 1 <= value <= LARGEST else None


def _pair(value: syntax.Value) -> tuple[int, int] | None:
    if isinstance(value, int):
        return (value, value) if 1 <= value <= LARGEST else None
    sizes = _sizes(value)
    return (sizes[0], sizes[-1]) if sizes and len(sizes) <= 2 and min(sizes) >= 1 else None


def _fraction(value: syntax.Value) -> float | None:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1 else None


def _number(value: syntax.Value) -> float | None:
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def _positive(value: syntax.Value) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 and isfinite(value) else None


def _flag(value: syntax.Value) -> bool | None:
    return FLAGS.get(str(value).lower())


def _span(value: syntax.Value) -> float | None:
    if isinstance(value, syntax.Name):
        return 0.0 if FLAGS.get(str(value).lower()) is False else None
    return float(value) if isinstance(value, int | float) and value >= 0 and isfinite(value) else None


def _batch(value: syntax.Value) -> int | None:
    """0 stands for `auto`."""
    return 0 if isinstance(value, syntax.Name) and str(value).lower() == "auto" else _count(value)


def _devices(value: syntax.Value) -> int | None:
    """0 stands for `all`."""
    return 0 if isinstance(value, syntax.Name) and str(value).lower() == "all" else _count(value)


def _seed(value: syntax.Value) -> int | None:
    return value if isinstance(value, int) and 0 <= value <= LARGEST_SEED else None


def _shape(value: syntax.Value) -> tuple[int, ...] | None:
    sizes = (value,) if isinstance(value, int) else _sizes(value)
    return sizes if sizes and len(sizes) <= MOST_AXES and min(sizes) >= 1 else None


def _margins(value: syntax.Value) -> tuple[tuple[int, ...], ...] | None:
    sizes = (value, value) if isinstance(value, int) else _sizes(value)
    if not sizes or len(sizes) not in (2, 4) or min(sizes) < 0:
        return None
    return ((sizes[0],) * 2, (sizes[1],) * 2) if len(sizes) == 2 else (sizes[:2], sizes[2:])


def _name(value: syntax.Value) -> str | None:
    return str(value) if isinstance(value, syntax.Name | syntax.Text) else None


def _two_numbers(value: syntax.Value) -> tuple[float, ...] | None:
    numbers = value.values if isinstance(value, syntax.Numbers) else _sizes(value)
    return numbers if numbers and len(numbers) == 2 and all(map(isfinite, numbers)) else None


def _channels(value: syntax.Value) -> float | tuple[float, ...] | None:
    if isinstance(value, int | float):
        return _number(value)
    numbers = value.values if isinstance(value, syntax.Numbers) else _sizes(value)
    return tuple(map(float, numbers)) if numbers and all(map(isfinite, numbers)) else None


def _sizes(value: syntax.Value) -> tuple[int, ...] | None:
    """The numbers of a size or a stride; None where one is free, or where it is neither."""
    if not isinstance(value, syntax.Size | syntax.Stride) or None in value.dimensions:
        return None
    return tuple(size for size in value.dimensions if size is not None)


_READERS: dict[str, Callable[[syntax.Value], Any]] = {
    "count": _count,
    "seed": _seed,
    "pair": _pair,
    "strides": _pair,
    "fraction": _fraction,
    "number": _number,
    "positive": _positive,
    "flag": _flag,
    "span": _span,
    "batch": _batch,
    "devices": _devices,
    "shape": _shape,
    "margins": _margins,
    "name": _name,
    "numbers": _two_numbers,
    "channels": _channels,
}
