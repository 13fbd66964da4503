"""The formula of a layer with the sizes of its place in the network filled in.

Normalisation: S. Ioffe and C. Szegedy (2015); the rest as in I. Goodfellow, Y. Bengio and A. Courville, "Deep Learning"
(2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cnnmagic.explain.sliding import Axis, axes
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
            height, width = (size or letter for size, letter in zip(step.input_shape, "nm", strict=False))
            yield f"y[k] = Σ(i<{height}) Σ(j<{width}) x[i, j, k] / ({height}·{width}),  k < {step.input_shape[-1]}"
        case BatchNormalization():
            yield _normalization(step, layer)
        case Activation():
            yield from _activation(layer.activation)
        case Dropout():
            yield f"y = x·m / (1 − {layer.rate:g}),  m = 0 for {layer.rate:.0%} of the numbers, else 1; in use y = x"
        case Rescaling():
            yield _rescaling(step, layer)


def _convolution(step: Step, layer: Conv2D) -> Iterator[str]:
    (high, wide), channels = layer.kernel_size, (step.input_shape[-1] or 0) // layer.groups
    rows, columns = axes(step)
    # Filters of a group read its channels alone.
    channel = "c" if layer.groups == 1 else f"{channels}g+c"
    group = "" if layer.groups == 1 else f",  g = ⌊k / {layer.filters // layer.groups}⌋"
    bias = "b[k] + " if layer.use_bias else ""
    read = f"x[{rows.place}, {columns.place}, {channel}],  k < {layer.filters}{group}"
    yield f"y[i, j, k] = {bias}Σ(u<{high}) Σ(v<{wide}) Σ(c<{channels}) w[u, v, c, k]·{read}"
    yield from _along(rows, columns)
    plus = " + 1" if layer.use_bias else ""
    yield f"weights: ({high}·{wide}·{channels}{plus})·{layer.filters} = {step.parameters:,}"
    yield from _activation(layer.activation)


def _along(rows: Axis, columns: Axis) -> Iterator[str]:
    """The size that goes out, of the width too where it is worked out with other numbers, and zeros left open."""
    is_open = rows.zeros is None or columns.zeros is None
    for axis in (rows,) if rows.is_like(columns) and not is_open else (rows, columns):
        yield f"{axis.name}: {axis.size_formula}"
        if axis.zeros is None:
            yield f"{axis.margin} = ⌊{axis.zeros_formula} / 2⌋"


def _normalization(step: Step, layer: BatchNormalization) -> str:
    scale, shift = "γ·" * layer.scale, " + β" * layer.center
    letters = [*("γ" * layer.scale), *("β" * layer.center), "μ", "σ²"]
    weights = f"{', '.join(letters)}: {len(letters)}·{step.input_shape[-1]} = {step.parameters:,}"
    return f"y = {scale}(x − μ) / √(σ² + {layer.epsilon:g}){shift},  {weights}"


def _dense(step: Step, layer: Dense) -> Iterator[str]:
    inputs = step.input_shape[-1]
    yield f"y = W·x{' + b' if layer.use_bias else ''},  W: {layer.units}×{inputs}"
    bias = f" + {layer.units}" if layer.use_bias else ""
    yield f"weights: {inputs}·{layer.units}{bias} = {step.parameters:,}"
    if layer.activation == "softmax":
        yield f"p[k] = exp(y[k]) / Σ(j<{layer.units}) exp(y[j]),  k < {layer.units}"
    else:
        yield from _activation(layer.activation)


def _pooling(step: Step, layer: MaxPooling2D | AveragePooling2D) -> Iterator[str]:
    (high, wide), (rows, columns) = layer.pool_size, axes(step)
    what = "max" if isinstance(layer, MaxPooling2D) else "mean"
    # Pixels outside the image count neither for the largest nor for the mean.
    inside = [f"0 ≤ {axis.place} < {axis.shown_size}" for axis in (rows, columns) if axis.zeros != (0, 0)]
    where = ", ".join([f"u < {high}", f"v < {wide}", *inside])
    yield f"y[i, j, k] = {what} of x[{rows.place}, {columns.place}, k],  {where}"
    yield from _along(rows, columns)


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
