"""Layers for lists of numbers, and those that change no shape: dense, flatten, dropout, activations."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from cnnmagic.layers.arithmetic import Shape, elements
from cnnmagic.layers.base import Layer, Misfit, option, show, size_of, volume
from cnnmagic.wording import counted


@dataclass(frozen=True, kw_only=True)
class Dense(Layer):
    """Dense (fully connected): every output is a weighted sum of all inputs."""

    words = ("dense", "fc", "innerproduct", "connected", "linear_layer")
    example = "dense 128 relu"
    takes_bn = True
    keras_only = (
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "kernel_constraint",
        "bias_constraint",
    )

    units: int = option("count", help="numbers that go out")
    activation: str | None = option("activation", None, help="function applied to every number that goes out")
    use_bias: bool = option("flag", True, bare=False, help="add one learned number per unit")

    def output_shape(self, shape: Shape) -> Shape:
        _width(shape)
        return *shape[:-1], self.units

    def parameters(self, shape: Shape) -> int:
        return _width(shape) * self.units + self.units * self.use_bias

    def multiply_adds(self, shape: Shape) -> int | None:
        places = elements(shape[:-1])
        return None if places is None else places * _width(shape) * self.units

    def window(self) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class Flatten(Layer):
    """Flatten: a volume becomes one list of numbers."""

    words = ("flatten",)
    example = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (size_of(shape),)


@dataclass(frozen=True, kw_only=True)
class Reshape(Layer):
    """Reshape: the same numbers in another shape."""

    words = ("reshape",)
    example = "reshape 7x7x64"

    target_shape: tuple[int, ...] = option("shape", help="the new shape: `7x7x64`")

    def output_shape(self, shape: Shape) -> Shape:
        have, want = size_of(shape), prod(self.target_shape)
        if have != want:
            message = (
                f"gets {show(shape)}, which is {counted(have, 'number')}, and {show(self.target_shape)} is {want}."
            )
            raise Misfit(message, remedy="Choose a shape of as many numbers.")
        return self.target_shape


@dataclass(frozen=True, kw_only=True)
class Dropout(Layer):
    """Dropout: in training, a random part of the numbers is set to zero, against overfitting."""

    words = ("dropout",)
    example = "dropout 0.5"
    keras_only = ("noise_shape", "seed")

    rate: float = option("fraction", help="part that is dropped, from 0 to 1")


@dataclass(frozen=True, kw_only=True)
class SpatialDropout2D(Layer):
    """Spatial dropout: whole channels are set to zero."""

    words = ("spatialdropout",)
    example = "spatialdropout 0.2"
    keras_only = ("seed",)

    rate: float = option("fraction", help="part of the channels that is dropped, from 0 to 1")

    def output_shape(self, shape: Shape) -> Shape:
        volume(shape)
        return shape


@dataclass(frozen=True, kw_only=True)
class Activation(Layer):
    """Activation: a function applied to every number."""

    words = ("act", "nonlinearity")
    example = "act relu"

    activation: str = option("activation", help="the function: relu, tanh, sigmoid, gelu, …")


def _width(shape: Shape) -> int:
    if not shape or shape[-1] is None:
        raise Misfit("needs a fixed number of inputs and this net takes any.", remedy="Use `globalavgpool` before it.")
    return shape[-1]
