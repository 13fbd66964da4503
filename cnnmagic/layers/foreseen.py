"""What Keras's further layers give and weigh, where it can be told without Keras, whose import takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from cnnmagic.layers.arithmetic import Shape, slide
from cnnmagic.layers.base import Misfit, show
from cnnmagic.layers.generic import KerasLayer

Measured = tuple[Shape, int, int]
# The arguments, in Keras's order, of which the shape and the weights can be told; any other is left to Keras.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "Resizing": ("height", "width"),
    "CenterCrop": ("height", "width"),
    "RandomCrop": ("height", "width"),
    "AdaptiveAveragePooling2D": ("output_size",),
    "AdaptiveMaxPooling2D": ("output_size",),
    "Permute": ("dims",),
    "RepeatVector": ("n",),
    "PReLU": (),
    "RMSNormalization": (),
    "Normalization": (),
    "Conv1D": ("filters", "kernel_size", "strides", "padding"),
    "MaxPooling1D": ("pool_size", "strides", "padding"),
    "AveragePooling1D": ("pool_size", "strides", "padding"),
    "GlobalAveragePooling1D": (),
    "GlobalMaxPooling1D": (),
    "SimpleRNN": ("units", "return_sequences"),
    "LSTM": ("units", "return_sequences"),
    "GRU": ("units", "return_sequences"),
}
DEFAULTS: dict[str, Any] = {"strides": None, "padding": "valid", "return_sequences": False}
POSITIONAL_ONLY_UNITS = ("SimpleRNN", "LSTM", "GRU")  # their second argument without a name is another one
SIZED = ("Resizing", "CenterCrop", "RandomCrop")  # give one size whatever comes in
RANKS = {"RepeatVector": 1} | dict.fromkeys(("Conv1D", *POSITIONAL_ONLY_UNITS), 2)
RANKS |= {name: 2 for name in ARGUMENTS if name.endswith("1D")}
RANKS |= dict.fromkeys((*SIZED, "AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D"), 3)
SHAPES = {1: "a list of numbers", 2: "a list of steps, each of as many numbers", 3: "a volume"}
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}


def foreseen(layer: KerasLayer, shape: Shape) -> Measured | None:
    """Output shape, weights, and weights that no gradient changes; None where Keras must be asked.

    Raises `Misfit` where the layer needs another number of dimensions.
    """
    name, rank = layer.class_name, RANKS.get(layer.class_name, len(shape))
    if name not in ARGUMENTS:
        return None
    if len(shape) != rank:
        raise Misfit(f"needs {SHAPES[rank]}, and gets {show(shape)}.", remedy="Look at the shapes before it.")
    given = _given(layer)
    known = tuple(size for size in shape if size is not None)
    if given is None or (len(known) < len(shape) and (name not in SIZED or shape[-1] is None)):
        return None
    return _RULES[name](name, given, (1, 1, known[-1]) if len(known) < len(shape) else known)


def _given(layer: KerasLayer) -> dict[str, Any] | None:
    """The arguments by name, defaults filled in; None where there are others, or too few."""
    names = ARGUMENTS[layer.class_name]
    most = 1 if layer.class_name in POSITIONAL_ONLY_UNITS else len(names)
    if len(layer.positional) > most:
        return None
    given = dict(zip(names, layer.positional, strict=False)) | dict(layer.extra)
    filled = {name: DEFAULTS[name] for name in names if name in DEFAULTS} | given
    is_whole = set(filled) == set(names) and len(given) == len(layer.positional) + len(layer.extra)
    return filled if is_whole else None


def _is_count(*values: Any) -> bool:
    return all(type(value) is int and value >= 1 for value in values)


def _sized(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured | None:
    size = given["output_size"] if "output_size" in given else (given["height"], given["width"])
    size = size if isinstance(size, tuple) else (size, size)
    return ((*size, shape[-1]), 0, 0) if len(size) == 2 and _is_count(*size) else None


def _permuted(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured | None:
    order = given["dims"]
    if not isinstance(order, tuple) or sorted(order) != list(range(1, len(shape) + 1)):
        return None
    return tuple(shape[axis - 1] for axis in order), 0, 0


def _repeated(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured | None:
    return ((given["n"], *shape), 0, 0) if _is_count(given["n"]) else None


def _kept(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured:
    weights = {"PReLU": prod(shape), "RMSNormalization": shape[-1], "Normalization": 2 * shape[-1] + 1}[name]
    return shape, weights, weights if name == "Normalization" else 0


def _slid(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured | None:
    """A window over steps."""
    kernel = given["kernel_size" if name == "Conv1D" else "pool_size"]
    strides = given["strides"] or (1 if name == "Conv1D" else kernel)
    filters = given.get("filters", shape[-1])
    if not _is_count(kernel, strides, filters) or given["padding"] not in ("valid", "same"):
        return None
    steps = slide(shape[0], kernel, strides, given["padding"])
    weights = (kernel * shape[-1] + 1) * filters if name == "Conv1D" else 0
    return ((steps, filters), weights, 0) if steps and steps >= 1 else None


def _pooled(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured:
    return shape[-1:], 0, 0


def _recurrent(name: str, given: dict[str, Any], shape: tuple[int, ...]) -> Measured | None:
    units = given["units"]
    if not _is_count(units):
        return None
    biases = 2 if name == "GRU" else 1  # one for the state as well: `reset_after`
    weights = GATES[name] * units * (shape[-1] + units + biases)
    return ((shape[0], units) if given["return_sequences"] else (units,)), weights, 0


_RULES: dict[str, Callable[[str, dict[str, Any], tuple[int, ...]], Measured | None]] = {
    **dict.fromkeys((*SIZED, "AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D"), _sized),
    "Permute": _permuted,
    "RepeatVector": _repeated,
    **dict.fromkeys(("PReLU", "RMSNormalization", "Normalization"), _kept),
    **dict.fromkeys(("Conv1D", "MaxPooling1D", "AveragePooling1D"), _slid),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalMaxPooling1D"), _pooled),
    **dict.fromkeys(POSITIONAL_ONLY_UNITS, _recurrent),
}
