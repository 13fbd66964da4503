"""The arithmetic of Keras's EinsumDense: which axes its kernel has, and what shape comes out.

Source: Keras's documentation of the layer. A letter that the result keeps has the result's size, one that the kernel
shares with the input alone is summed over, and `...` stands for axes that pass through.
"""

from __future__ import annotations

import re
from math import prod

from cnnmagic.layers.arithmetic import Shape
from cnnmagic.layers.base import Misfit, show

_FORMS = (
    re.compile(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]+)"),
    re.compile(r"\.\.\.([a-zA-Z]+),([a-zA-Z]+)->\.\.\.([a-zA-Z]+)"),
    re.compile(r"([a-zA-Z]{2,})\.\.\.,([a-zA-Z]+)->([a-zA-Z]+)\.\.\."),
)


def einsum(equation: str, output: Shape, bias_axes: str | None, shape: Shape) -> tuple[Shape, int]:
    """The shape that comes out, without the batch, and the number of weights; raises `Misfit`."""
    form = next((found for pattern in _FORMS if (found := pattern.fullmatch(equation))), None)
    if form is None:
        remedy = "Write it like `ab,bc->ac`, `...b,bc->...c` or `ab...,bc->ac...`."
        raise Misfit(f"can't read the equation `{equation}`.", remedy=remedy, word="equation")
    inner, kernel, outer = form.groups()
    batched: Shape = (None, *shape)
    left = equation.startswith("...")
    through = len(batched) - len(inner)
    if through < 0 or (through and "..." not in equation):
        raise Misfit(f"has {len(inner)} axes on the left of `{equation}`, and gets {show(shape)} and the batch.")
    passing = batched[1:through] if left else batched[len(inner) :]
    result: Shape = (batched[0], *passing, *output) if left and through else (batched[0], *output, *passing)
    sizes = _sizes(inner, batched[through:] if left else batched[: len(inner)])
    after = _sizes(outer, result[through:] if left else result[: len(outer)])
    if len(result) != len(outer) + through:
        needed = len(outer) - (0 if left and through else 1)
        message = f"takes {needed} sizes as `output_shape` by `{equation}`, and gets {show(output)}."
        raise Misfit(message, word="output_shape")
    _check(inner, kernel, outer, sizes, after)
    axes = [after[axis] if axis in after else sizes[axis] for axis in kernel]
    biases = [after[axis] for axis in outer if axis in (bias_axes or "")]
    if None in axes or None in biases:
        raise Misfit("needs a fixed size and this net takes any.", remedy="Give `input` the size.")
    count = prod(size or 1 for size in axes) + (prod(size or 1 for size in biases) if bias_axes else 0)
    return result[1:], count


def _sizes(letters: str, shape: Shape) -> dict[str, int | None]:
    return dict(zip(letters, shape, strict=False))


def _check(inner: str, kernel: str, outer: str, sizes: dict[str, int | None], after: dict[str, int | None]) -> None:
    for axis in inner:
        if axis in after and after[axis] not in (None, sizes[axis]):
            message = f"gives `{axis}` {after[axis]} places, and {sizes[axis]} come in."
            raise Misfit(message, word="output_shape")
    lost = next((axis for axis in outer if axis not in inner + kernel), None) or next(
        (axis for axis in kernel if axis not in inner + outer), None
    )
    if lost:
        raise Misfit(f"has an axis `{lost}` that nothing else has.", word="equation")
