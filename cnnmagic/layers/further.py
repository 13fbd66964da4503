"""What Keras's further layers give and weigh, told without Keras, whose import takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from cnnmagic.layers.arithmetic import Shape, Window, slide
from cnnmagic.layers.base import Misfit, show
from cnnmagic.layers.einsum import einsum
from cnnmagic.layers.written import value_text

Given = Mapping[str, Any]
Measured = tuple[Shape, int, int]
SIZED = ("Resizing", "CenterCrop", "RandomCrop", "AdaptiveAveragePooling2D", "AdaptiveMaxPooling2D")
WINDOWED = ("Conv1D", "MaxPooling1D", "AveragePooling1D")
POOLED = ("GlobalAveragePooling1D", "GlobalMaxPooling1D")
GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
# Layers that look at each place by itself, in use at least, and those that look at all places at once.
BY_PLACE = (
    *("ActivityRegularization", "AlphaDropout", "ELU", "GaussianDropout", "GaussianNoise", "Identity", "LeakyReLU"),
    *("Masking", "Normalization", "PReLU", "ReLU", "Solarization", "AugMix"),
    *("RandomColorDegeneration", "RandomColorJitter", "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur"),
    *("RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomSaturation"),
    *("RandomSharpness", "RandomShear"),
)
ALONG_AXIS = ("RMSNormalization", "Softmax", "UnitNormalization")  # by place where that is the last axis
AT_ONCE = (*POOLED, "AutoContrast")
RANKS = {"RepeatVector": 1} | dict.fromkeys((*WINDOWED, *POOLED, *GATES), 2) | dict.fromkeys(SIZED, 3)
SHAPES = {1: "a list of numbers", 2: "a list of steps, each of as many numbers", 3: "a volume"}


def measured(name: str, given: Given, shape: Shape) -> Measured:
    """Output shape, weights, and weights that no gradient changes, of a class of Keras with all its arguments.

    Raises `Misfit` where it can't take the shape, or an argument.
    """
    rule = RULES.get(name)
    if rule is None:
        return shape, 0, 0
    rank = RANKS.get(name, len(shape))
    if len(shape) != rank:
        raise Misfit(f"needs {SHAPES[rank]}, and gets {show(shape)}.", remedy="Look at the shapes before it.")
    return rule(name, given, shape)


def looks(name: str, given: Given) -> Window | None:
    """How a class of Keras with all its arguments looks around a place; None where it sees all places at once."""
    if name in AT_ONCE or (name in GATES and not given["return_sequences"]):
        return None
    is_by_place = name in BY_PLACE or (name in ALONG_AXIS and given["axis"] in (-1, (-1,)))
    return Window(is_known=is_by_place)


def _count(given: Given, argument: str) -> int:
    """A size among the arguments; one in brackets is one too. Raises `Misfit` where it is none."""
    value = given[argument]
    value = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    if type(value) is not int or value < 1:
        message = f"takes a whole number, at least 1, as `{argument}`, and gets `{value_text(given[argument])}`."
        raise Misfit(message, word=argument)
    return value


def _known(shape: Shape, axis: int = -1) -> int:
    """The size along an axis; raises `Misfit` where it is free."""
    size = shape[axis]
    if size is None:
        raise Misfit("needs a fixed size and this net takes any.", remedy="Give `input` the size.")
    return size


def _sized(name: str, given: Given, shape: Shape) -> Measured:
    if "output_size" not in given:
        return (_count(given, "height"), _count(given, "width"), shape[-1]), 0, 0
    size = given["output_size"]
    pair = size if isinstance(size, tuple) and len(size) == 2 else (size, size)
    height, width = (_count({"output_size": side}, "output_size") for side in pair)
    return (height, width, shape[-1]), 0, 0


def _permuted(name: str, given: Given, shape: Shape) -> Measured:
    order = given["dims"] if isinstance(given["dims"], tuple) else (given["dims"],)
    if sorted(map(str, order)) != sorted(map(str, range(1, len(shape) + 1))):
        order_before = "x".join(str(axis) for axis in range(1, len(shape) + 1))
        message = f"takes each axis of {show(shape)} once, and gets `{value_text(given['dims'])}`."
        raise Misfit(message, remedy=f"`Permute {order_before}` is the order as it is.", word="dims")
    return tuple(shape[axis - 1] for axis in order), 0, 0


def _repeated(name: str, given: Given, shape: Shape) -> Measured:
    return (_count(given, "n"), *shape), 0, 0


def _sloped(name: str, given: Given, shape: Shape) -> Measured:
    """One slope for each number, or for all along the axes that share it."""
    shared = _axes(given, "shared_axes", range(1, len(shape) + 1))
    sizes = [1 if axis in shared else size for axis, size in enumerate(shape, 1)]
    if None in sizes:
        remedy = "Give `input` a height and a width, or write `shared_axes=1x2`."
        raise Misfit("needs a fixed size and this net takes any.", remedy=remedy)
    return shape, prod(size or 1 for size in sizes), 0


def _axes(given: Given, argument: str, known: range) -> tuple[int, ...]:
    value = given[argument]
    axes = () if value is None else value if isinstance(value, tuple) else (value,)
    if not all(type(axis) is int and axis in known for axis in axes):
        message = f"takes axes from {known[0]} to {known[-1]} as `{argument}`, and gets `{value_text(value)}`."
        raise Misfit(message, word=argument)
    return axes


def _scaled(name: str, given: Given, shape: Shape) -> Measured:
    """Numbers for each place along the axes: a scale, or a mean and a variance with the count of what they rest on."""
    batched = (None, *shape)
    axes = _axes(given, "axis", range(-len(batched), len(batched)))
    size = prod(_known(batched, axis) for axis in axes)
    if name == "RMSNormalization":
        return shape, size, 0
    weights = 2 * size + 1 if given["mean"] is None else 0
    return shape, weights, weights


def _slid(name: str, given: Given, shape: Shape) -> Measured:
    """A window over steps; `causal` pads in front what `same` pads on both sides."""
    is_conv = name == "Conv1D"
    kernel = _count(given, "kernel_size" if is_conv else "pool_size")
    strides = kernel if given["strides"] is None else _count(given, "strides")
    padding = {"causal": "same"}.get(given["padding"], given["padding"]) if is_conv else given["padding"]
    if padding not in ("valid", "same"):
        known = "`valid`, `same` and `causal`" if is_conv else "`valid` and `same`"
        raise Misfit(f"has no padding `{value_text(padding)}`.", remedy=f"There are {known}.", word="padding")
    steps = slide(shape[0], kernel, strides, padding, _count(given, "dilation_rate") if is_conv else 1)
    if steps is not None and steps < 1:
        message = f"needs at least {kernel} steps, and gets {shape[0]}."
        raise Misfit(message, remedy="Take a smaller window, or `padding=same`.")
    if not is_conv:
        return (steps, shape[1]), 0, 0
    filters, groups = _count(given, "filters"), _count(given, "groups")
    return (steps, filters), (kernel * (_known(shape) // groups) + given["use_bias"]) * filters, 0


def _pooled(name: str, given: Given, shape: Shape) -> Measured:
    return ((1, shape[1]) if given["keepdims"] else shape[1:]), 0, 0


def _recurrent(name: str, given: Given, shape: Shape) -> Measured:
    """As many kernels as the cell has gates; a GRU's state has biases of its own where it is reset after its kernel."""
    if given["return_state"]:
        raise Misfit("can't be given `return_state`: a line gives one output.", word="return_state")
    if given["stateful"]:
        raise Misfit("can't be given `stateful`: a batch can have any number of images.", word="stateful")
    units = _count(given, "units")
    biases = given["use_bias"] * (2 if name == "GRU" and given["reset_after"] else 1)
    weights = GATES[name] * units * (_known(shape) + units + biases)
    return ((shape[0], units) if given["return_sequences"] else (units,)), weights, 0


def _product(name: str, given: Given, shape: Shape) -> Measured:
    output = given["output_shape"] if isinstance(given["output_shape"], tuple) else (given["output_shape"],)
    outer, weights = einsum(str(given["equation"]), output, given["bias_axes"], shape)
    return outer, weights, 0


RULES: Mapping[str, Callable[[str, Given, Shape], Measured]] = {
    **dict.fromkeys(SIZED, _sized),
    **dict.fromkeys(WINDOWED, _slid),
    **dict.fromkeys(POOLED, _pooled),
    **dict.fromkeys(GATES, _recurrent),
    **dict.fromkeys(("RMSNormalization", "Normalization"), _scaled),
    "PReLU": _sloped,
    "Permute": _permuted,
    "RepeatVector": _repeated,
    "EinsumDense": _product,
}
