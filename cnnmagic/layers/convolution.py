"""Convolutions: a small window of weights that slides over the image."""

from __future__ import annotations

from dataclasses import dataclass

from cnnmagic.layers.arithmetic import Pair, Shape, Window, elements, reach, slide, spread, window_weights
from cnnmagic.layers.base import Layer, Misfit, option, show, volume

_WEIGHTS = ("kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer")
_FURTHER = ("activity_regularizer", "kernel_constraint", "bias_constraint")


def _check_steps(strides: Pair, dilation: Pair) -> None:
    """Raise `Misfit` for what Keras has no convolution for."""
    if max(strides) > 1 and max(dilation) > 1:
        raise Misfit("has strides and dilation, and Keras allows one of them.", remedy="Take one of them away.")


@dataclass(frozen=True, kw_only=True)
class _Sliding(Layer):
    """What all sliding windows share: kernel, strides, padding, dilation."""

    takes_bn = True

    @property
    def _taps(self) -> tuple[Pair, Pair, Pair]:
        raise NotImplementedError

    def _slide(self, shape: Shape, kernel: Pair, strides: Pair, padding: str, dilation: Pair = (1, 1)) -> Shape:
        height, width, _ = volume(shape)
        needs = (reach(kernel[0], dilation[0]), reach(kernel[1], dilation[1]))
        small = any(have is not None and have < need for have, need in zip((height, width), needs, strict=True))
        if padding == "valid" and small:
            got = f"gets {show((height, width))} and needs at least {show(needs)}."
            raise Misfit(got, remedy="Use `same` padding", too_small=True)
        _check_steps(strides, dilation)
        return tuple(
            slide(*axis) for axis in zip((height, width), kernel, strides, (padding,) * 2, dilation, strict=True)
        )

    def window(self) -> Window:
        kernel, strides, dilation = self._taps
        return Window((reach(kernel[0], dilation[0]), reach(kernel[1], dilation[1])), strides)


@dataclass(frozen=True, kw_only=True)
class Conv2D(_Sliding):
    """Convolution: each filter slides over the image and answers where its pattern is."""

    words = ("conv", "convolution", "convolutional", "convolution2d")
    example = "conv 32 3x3 same relu"
    keras_only = (*_WEIGHTS, *_FURTHER)

    filters: int = option("count", help="number of filters, which is the depth that goes out")
    kernel_size: Pair = option("pair", help="height and width of a filter: `3x3`, or `3`")
    strides: Pair = option("strides", (1, 1), help="pixels from one position to the next: `/2`")
    padding: str = option("padding", "valid", help="`same` keeps the size (zeros around), `valid` does not")
    dilation_rate: Pair = option("pair", (1, 1), bare=False, help="pixels between the taps of a filter, plus one")
    groups: int = option("count", 1, bare=False, help="groups of channels convolved apart")
    activation: str | None = option("activation", None, help="function applied to every number that goes out")
    use_bias: bool = option("flag", True, bare=False, help="add one learned number per filter")

    @property
    def _taps(self) -> tuple[Pair, Pair, Pair]:
        return self.kernel_size, self.strides, self.dilation_rate

    def output_shape(self, shape: Shape) -> Shape:
        channels = volume(shape)[2]
        if channels % self.groups or self.filters % self.groups:
            numbers = f"{channels} channels and {self.filters} filters"
            raise Misfit(
                f"has {self.groups} groups, which divide {numbers} unevenly.", remedy="Choose a common divisor."
            )
        size = self._slide(shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return *size, self.filters

    def parameters(self, shape: Shape) -> int:
        weights = window_weights(self.kernel_size, volume(shape)[2], self.filters, self.groups)
        return weights + self.filters * self.use_bias

    def multiply_adds(self, shape: Shape) -> int | None:
        positions = elements(self.output_shape(shape)[:2])
        weights = window_weights(self.kernel_size, volume(shape)[2], self.filters, self.groups)
        return None if positions is None else positions * weights


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(_Sliding):
    """Depthwise convolution: every channel has a filter of its own, and channels are not mixed."""

    words = ("dwconv", "depthwise")
    example = "dwconv 3x3 same bn relu"
    keras_only = (
        "depthwise_initializer",
        "bias_initializer",
        "depthwise_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "depthwise_constraint",
        "bias_constraint",
    )

    kernel_size: Pair = option("pair", help="height and width of a filter")
    strides: Pair = option("strides", (1, 1), help="pixels from one position to the next: `/2`")
    padding: str = option("padding", "valid", help="`same` or `valid`")
    depth_multiplier: int = option("count", 1, bare=False, help="filters per channel")
    dilation_rate: Pair = option("pair", (1, 1), bare=False, help="pixels between the taps, plus one")
    activation: str | None = option("activation", None, help="function applied to every number that goes out")
    use_bias: bool = option("flag", True, bare=False, help="add one learned number per filter")

    @property
    def _taps(self) -> tuple[Pair, Pair, Pair]:
        return self.kernel_size, self.strides, self.dilation_rate

    def output_shape(self, shape: Shape) -> Shape:
        size = self._slide(shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return *size, volume(shape)[2] * self.depth_multiplier

    def parameters(self, shape: Shape) -> int:
        filters = volume(shape)[2] * self.depth_multiplier
        return window_weights(self.kernel_size, 1, filters) + filters * self.use_bias

    def multiply_adds(self, shape: Shape) -> int | None:
        positions = elements(self.output_shape(shape)[:2])
        weights = window_weights(self.kernel_size, 1, volume(shape)[2] * self.depth_multiplier)
        return None if positions is None else positions * weights


@dataclass(frozen=True, kw_only=True)
class SeparableConv2D(_Sliding):
    """Separable convolution: a depthwise one, then a 1x1 one that mixes the channels."""

    words = ("sepconv", "separable")
    example = "sepconv 64 3x3 same relu"
    keras_only = (
        "depthwise_initializer",
        "pointwise_initializer",
        "bias_initializer",
        "depthwise_regularizer",
        "pointwise_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "depthwise_constraint",
        "pointwise_constraint",
        "bias_constraint",
    )

    filters: int = option("count", help="number of filters")
    kernel_size: Pair = option("pair", help="height and width of a filter")
    strides: Pair = option("strides", (1, 1), help="pixels from one position to the next: `/2`")
    padding: str = option("padding", "valid", help="`same` or `valid`")
    dilation_rate: Pair = option("pair", (1, 1), bare=False, help="pixels between the taps, plus one")
    depth_multiplier: int = option("count", 1, bare=False, help="depthwise filters per channel")
    activation: str | None = option("activation", None, help="function applied to every number that goes out")
    use_bias: bool = option("flag", True, bare=False, help="add one learned number per filter")

    @property
    def _taps(self) -> tuple[Pair, Pair, Pair]:
        return self.kernel_size, self.strides, self.dilation_rate

    def output_shape(self, shape: Shape) -> Shape:
        return *self._slide(shape, self.kernel_size, self.strides, self.padding, self.dilation_rate), self.filters

    def _weights(self, shape: Shape) -> int:
        middle = volume(shape)[2] * self.depth_multiplier
        return window_weights(self.kernel_size, 1, middle) + middle * self.filters

    def parameters(self, shape: Shape) -> int:
        return self._weights(shape) + self.filters * self.use_bias

    def multiply_adds(self, shape: Shape) -> int | None:
        positions = elements(self.output_shape(shape)[:2])
        return None if positions is None else positions * self._weights(shape)


@dataclass(frozen=True, kw_only=True)
class Conv2DTranspose(_Sliding):
    """Transposed convolution: every input pixel paints a window, so that the image grows by the stride."""

    words = ("deconv", "convtranspose")
    example = "deconv 32 3x3 /2 same relu"
    keras_only = (*_WEIGHTS, *_FURTHER)

    filters: int = option("count", help="number of filters")
    kernel_size: Pair = option("pair", help="height and width of a filter")
    strides: Pair = option("strides", (1, 1), help="how much the image grows: `/2`")
    padding: str = option("padding", "valid", help="`same` gives size times stride")
    dilation_rate: Pair = option("pair", (1, 1), bare=False, help="pixels between the taps, plus one")
    activation: str | None = option("activation", None, help="function applied to every number that goes out")
    use_bias: bool = option("flag", True, bare=False, help="add one learned number per filter")

    def output_shape(self, shape: Shape) -> Shape:
        height, width, _ = volume(shape)
        _check_steps(self.strides, self.dilation_rate)
        axes = zip(
            (height, width), self.kernel_size, self.strides, (self.padding,) * 2, self.dilation_rate, strict=True
        )
        return *(spread(*axis) for axis in axes), self.filters

    def parameters(self, shape: Shape) -> int:
        return window_weights(self.kernel_size, volume(shape)[2], self.filters) + self.filters * self.use_bias

    def multiply_adds(self, shape: Shape) -> int | None:
        positions = elements(shape[:2])
        weights = window_weights(self.kernel_size, volume(shape)[2], self.filters)
        return None if positions is None else positions * weights

    def window(self) -> Window:
        kernel = tuple(
            -(-reach(k, d) // s) for k, s, d in zip(self.kernel_size, self.strides, self.dilation_rate, strict=True)
        )
        return Window((kernel[0], kernel[1]), (1 / self.strides[0], 1 / self.strides[1]))
