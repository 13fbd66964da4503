"""The formula of a layer with the sizes of its place in the network filled in.

Convolution: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016); normalisation: S.
Ioffe and C. Szegedy (2015); the rest as in I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning" (2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cnnmagic.formulas import FORMULAS
from cnnmagic.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Rescaling,
    show,
)
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan, Step

MOST_LAYERS = 16
CHANNELS = 4  # whose own numbers are told


@dataclass(frozen=True)
class Filled:
    """One kind of layer in a network: the step that shows it, its formulas, and how often it comes alike."""

    step: Step
    lines: tuple[str, ...]
    times: int


def filled_layers(plan: Plan) -> list[Filled]:
    """Each different layer of a plan that computes something, in order, with its formulas."""
    alike: dict[tuple[str, ...], list[Step]] = {}
    for step in plan.steps:
        if lines := formulas(step):
            alike.setdefault((phrase(step.layer), *lines), []).append(step)
    return [Filled(steps[0], lines[1:], len(steps)) for lines, steps in alike.items()]


def formulas(step: Step) -> tuple[str, ...]:
    """The formulas of a step, its sizes filled in; nothing for layers that only move numbers about."""
    return tuple(_formulas(step))


def size_formula(size: int | None, kernel: int, stride: int, padding: str, out: int | None) -> str:
    """How many pixels a window gives along an axis: `⌈(28 − 5 + 1) / 1⌉ = 24`."""
    have, gives = ("n" if size is None else str(size)), ("" if out is None else f" = {out}")
    return f"⌈{have} / {stride}⌉{gives}" if padding == "same" else f"⌈({have} − {kernel} + 1) / {stride}⌉{gives}"


def _formulas(step: Step) -> Iterator[str]:
    layer = step.layer
    match layer:
        case Conv2D():
            yield from _convolution(step, layer)
        case Dense():
            yield from _dense(step, layer)
        case MaxPooling2D() | AveragePooling2D():
            yield from _pooling(step, layer)
        case GlobalAveragePooling2D():
            height, width = ("n" if size is None else size for size in step.input_shape[:2])
            yield f"y[k] = Σᵢ Σⱼ x[i, j, k] / ({height}·{width}),  k = 1 … {step.input_shape[-1]}"
        case BatchNormalization():
            weights = f"γ, β, μ, σ²: 4·{step.input_shape[-1]} = {step.parameters:,}"
            yield f"y = γ·(x − μ) / √(σ² + {layer.epsilon:g}) + β,  {weights}"
        case Activation():
            yield from _activation(layer.activation)
        case Dropout():
            yield f"y = x·m / (1 − {layer.rate:g}),  m = 0 for {layer.rate:.0%} of the numbers, else 1; in use y = x"
        case Rescaling():
            yield _rescaling(step, layer)


def _convolution(step: Step, layer: Conv2D) -> Iterator[str]:
    (high, wide), channels = layer.kernel_size, step.input_shape[-1] or 0
    stride = layer.strides[0]
    at = "i, j" if stride == 1 else f"{stride}i, {stride}j"
    bias = "b[k] + " if layer.use_bias else ""
    row, column = at.split(", ")
    channels //= layer.groups
    read = f"x[{row}+u, {column}+v, c],  k < {layer.filters}"
    yield f"y[i, j, k] = {bias}Σ(u<{high}) Σ(v<{wide}) Σ(c<{channels}) w[u, v, c, k]·{read}"
    spans = [(k - 1) * d + 1 for k, d in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
    yield "height: " + size_formula(step.input_shape[0], spans[0], stride, layer.padding, step.output_shape[0])
    plus = " + 1" if layer.use_bias else ""
    yield f"weights: ({high}·{wide}·{channels}{plus})·{layer.filters} = {step.parameters:,}"
    yield from _activation(layer.activation)


def _dense(step: Step, layer: Dense) -> Iterator[str]:
    inputs = step.input_shape[-1]
    yield f"y = W·x{' + b' if layer.use_bias else ''},  W: {layer.units}×{inputs}"
    bias = f" + {layer.units}" if layer.use_bias else ""
    yield f"weights: {inputs}·{layer.units}{bias} = {step.parameters:,}"
    if layer.activation == "softmax":
        yield f"p[k] = exp(y[k]) / (exp(y[1]) + … + exp(y[{layer.units}]))"
    else:
        yield from _activation(layer.activation)


def _pooling(step: Step, layer: MaxPooling2D | AveragePooling2D) -> Iterator[str]:
    (high, wide), down = layer.pool_size, int(layer.window().stride[0])
    what = "max" if isinstance(layer, MaxPooling2D) else "mean"
    yield f"y[i, j, k] = {what} of x[{down}i+u, {down}j+v, k],  u < {high}, v < {wide}"
    yield "height: " + size_formula(step.input_shape[0], high, down, layer.padding, step.output_shape[0])


def _activation(name: str | None) -> Iterator[str]:
    if name in FORMULAS and name != "linear":
        yield f"{name}(x) = {FORMULAS[name]}"


def _rescaling(step: Step, layer: Rescaling) -> str:
    """`y = x·0.5 + 1`; numbers of each channel's own are told after it: `y[k] = x[k]·2 + b[k],  b = (-1, 2)`."""
    parts, told = [], []
    for letter, number in (("a", layer.scale), ("b", layer.offset)):
        if isinstance(number, tuple):
            parts.append(f"{letter}[k]")
            more = ", …" * (len(number) > CHANNELS)
            told.append(f"{letter} = ({', '.join(f'{n:.6g}' for n in number[:CHANNELS])}{more})")
        else:
            parts.append(f"{number:.6g}")
    at = "" if not told else "[i, j, k]" if len(step.output_shape) == 3 else "[k]"
    return ",  ".join([f"y{at} = x{at}·{parts[0]} + {parts[1]}", *told])


def heading(filled: Filled) -> str:
    """`line 4  conv 6 5x5 same tanh  28x28x1 → 28x28x6`, with `×3` where it comes three times."""
    step = filled.step
    times = f"  ×{filled.times}" if filled.times > 1 else ""
    return f"{phrase(step.layer)}  ({step.name})  {show(step.input_shape)} → {show(step.output_shape)}{times}"
