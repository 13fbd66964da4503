"""Layers where several paths meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnmagic.layers.arithmetic import Shape
from cnnmagic.layers.base import Layer, Misfit, show


@dataclass(frozen=True, kw_only=True)
class Merge(Layer):
    """A layer of several inputs; they must agree in all that it does not join."""

    verb: ClassVar[str] = ""

    def merged_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        """The shape that goes out; raises `Misfit` where the inputs differ."""
        if len(set(shapes)) > 1:
            remedy = "Bring them to one number of channels, for example with `conv … 1x1`."
            raise Misfit(f"meets {_list(shapes)}, which differ.", remedy=_same_size(shapes) or remedy)
        return shapes[0]


@dataclass(frozen=True, kw_only=True)
class Add(Merge):
    """Add: the sum of the inputs, number by number."""

    words = ("add",)
    verb = "add"


@dataclass(frozen=True, kw_only=True)
class Average(Merge):
    """Average: the mean of the inputs, number by number."""

    words = ("average",)
    verb = "average"


@dataclass(frozen=True, kw_only=True)
class Maximum(Merge):
    """Maximum: the largest of the inputs, number by number."""

    words = ("maximum",)
    verb = "max"


@dataclass(frozen=True, kw_only=True)
class Multiply(Merge):
    """Multiply: the product of the inputs; a 1x1 volume is spread over the other."""

    words = ("multiply",)
    verb = "multiply"

    def merged_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        large = max(shapes, key=lambda shape: (len(shape), shape[0] is None, shape[0] or 0))
        rest = [shape for shape in shapes if shape not in (large, (1, 1, large[-1]))]
        return super().merged_shape((large, *rest))


@dataclass(frozen=True, kw_only=True)
class Concatenate(Merge):
    """Concatenate: the channels of all inputs, one after the other."""

    words = ("concat", "concatenate")
    verb = "concat"

    def merged_shape(self, shapes: tuple[Shape, ...]) -> Shape:
        if len({shape[:-1] for shape in shapes}) > 1:
            raise Misfit(f"meets {_list(shapes)}, whose sizes differ.", remedy=_same_size(shapes))
        return *shapes[0][:-1], sum(shape[-1] or 0 for shape in shapes)


def _same_size(shapes: tuple[Shape, ...]) -> str:
    """How to bring the inputs to one height and width; empty where they have one."""
    if len({len(shape) for shape in shapes}) > 1:
        return "One is a list of numbers: let all be, by `flatten` or `globalavgpool`, or none."
    if len({shape[:-1] for shape in shapes}) == 1:
        return ""
    return "Bring them to one height and width: `same`, strides, a size that all steps divide, or `pad` and `crop`."


def _list(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(show(shape) for shape in shapes)
