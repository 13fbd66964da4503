"""Pooling: a window without weights that keeps the largest number, or the mean."""

from __future__ import annotations

from dataclasses import dataclass

from cnnmagic.layers.arithmetic import Pair, Shape, Window, slide
from cnnmagic.layers.base import Layer, Misfit, option, show, volume


@dataclass(frozen=True, kw_only=True)
class _Pooling(Layer):
    """What both kinds of pooling share."""

    always = ("pool_size",)

    pool_size: Pair = option("pair", (2, 2), help="height and width of the window: `2`, `3x3`")
    strides: Pair | None = option(
        "strides", None, help="pixels from one window to the next; the window's size if not given"
    )
    padding: str = option("padding", "valid", help="`same` or `valid`")

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = volume(shape)
        small = any(
            have is not None and have < need for have, need in zip((height, width), self.pool_size, strict=True)
        )
        if self.padding == "valid" and small:
            got = f"gets {show((height, width))} and needs at least {show(self.pool_size)}."
            raise Misfit(got, remedy="Use `same` padding", too_small=True)
        axes = zip((height, width), self.pool_size, self.window().stride, strict=True)
        return *(slide(size, kernel, int(stride), self.padding) for size, kernel, stride in axes), channels

    def window(self) -> Window:
        return Window(self.pool_size, self.strides or self.pool_size)


@dataclass(frozen=True, kw_only=True)
class MaxPooling2D(_Pooling):
    """Max pooling: the largest number of each window, so that a pattern may move a little."""

    words = ("maxpool", "maxpooling", "maxpool2d", "max_pool")
    example = "maxpool 2"


@dataclass(frozen=True, kw_only=True)
class AveragePooling2D(_Pooling):
    """Average pooling: the mean of each window."""

    words = ("avgpool", "averagepool", "avgpool2d", "avg_pool")
    example = "avgpool 2"


@dataclass(frozen=True, kw_only=True)
class _GlobalPooling(Layer):
    """One number per channel, whatever the size of the image."""

    keepdims: bool = option("flag", False, bare=False, help="give 1x1xchannels rather than a list")

    def output_shape(self, shape: Shape) -> Shape:
        channels = volume(shape)[2]
        return (1, 1, channels) if self.keepdims else (channels,)

    def window(self) -> None:
        return None


@dataclass(frozen=True, kw_only=True)
class GlobalAveragePooling2D(_GlobalPooling):
    """Global average pooling: the mean of each channel; what lets a network take images of any size."""

    words = ("globalavgpool", "gap", "globalaveragepool", "globalavgpool2d")
    example = "globalavgpool"


@dataclass(frozen=True, kw_only=True)
class GlobalMaxPooling2D(_GlobalPooling):
    """Global max pooling: the largest number of each channel."""

    words = ("globalmaxpool", "gmp", "globalmaxpool2d")
    example = "globalmaxpool"
