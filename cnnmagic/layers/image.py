"""Layers that change an image without weights: scaling, padding, cropping, and augmentation in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnmagic.layers.arithmetic import Pair, Shape, Window
from cnnmagic.layers.base import Layer, Misfit, option, show, volume

Margins = tuple[Pair, Pair]


@dataclass(frozen=True, kw_only=True)
class Rescaling(Layer):
    """Rescaling: every number times `scale`, plus `offset`."""

    words = ("rescale", "scale")
    example = "rescale 1/255"

    scale: float | tuple[float, ...] = option("channels", help="factor: `1/255`")
    offset: float | tuple[float, ...] = option("channels", 0.0, help="added after the scaling")

    def output_shape(self, shape: Shape) -> Shape:
        for numbers in (self.scale, self.offset):
            if isinstance(numbers, tuple) and len(numbers) != shape[-1]:
                remedy = "Give one number for each channel, or one for all."
                raise Misfit(f"has {len(numbers)} numbers and gets {show(shape)}.", remedy=remedy)
        return shape


@dataclass(frozen=True, kw_only=True)
class UpSampling2D(Layer):
    """Upsampling: every pixel becomes a block of pixels."""

    words = ("upsample", "upsampling")
    example = "upsample 2"

    size: Pair = option("pair", (2, 2), help="how much larger, in height and width")
    interpolation: str = option("interpolation", "nearest", help="nearest, bilinear, bicubic, lanczos3 or lanczos5")

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = volume(shape)
        return *(have and have * times for have, times in zip((height, width), self.size, strict=True)), channels

    def window(self) -> Window:
        taps = 1 if self.interpolation == "nearest" else 2
        return Window((taps, taps), (1 / self.size[0], 1 / self.size[1]))


@dataclass(frozen=True, kw_only=True)
class ZeroPadding2D(Layer):
    """Padding: rows and columns of zeros around the image."""

    words = ("pad", "zeropad", "padding")
    always = ("padding",)
    example = "pad 1"

    padding: Margins = option(
        "margins", ((1, 1), (1, 1)), help="`1`, `1x2` (height, width) or `0x1x0x1` (top, bottom, left, right)"
    )

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = volume(shape)
        sizes = zip((height, width), self.padding, strict=True)
        return *(None if have is None else have + sum(margin) for have, margin in sizes), channels


@dataclass(frozen=True, kw_only=True)
class Cropping2D(Layer):
    """Cropping: rows and columns taken off the image."""

    words = ("crop", "cropping")
    example = "crop 2"

    cropping: Margins = option("margins", help="`2`, `2x1` (height, width) or `0x1x0x1` (top, bottom, left, right)")

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = volume(shape)
        left = tuple(have and have - sum(margin) for have, margin in zip((height, width), self.cropping, strict=True))
        if any(size is not None and size < 1 for size in left):
            raise Misfit(f"gets {show((height, width))} and takes all of it away.", remedy="Crop less.")
        return *left, channels


@dataclass(frozen=True, kw_only=True)
class _Augmentation(Layer):
    """A random change in training that is absent in use."""

    keras_only: ClassVar[tuple[str, ...]] = ("seed",)

    def output_shape(self, shape: Shape) -> Shape:
        volume(shape)
        return shape


@dataclass(frozen=True, kw_only=True)
class RandomFlip(_Augmentation):
    """Random mirror images."""

    mode: str = option("mode", "horizontal_and_vertical", help="horizontal, vertical or horizontal_and_vertical")


@dataclass(frozen=True, kw_only=True)
class RandomRotation(_Augmentation):
    """Random rotation, by at most `factor` of a full turn either way."""

    keras_only = ("interpolation", "seed", "fill_value")

    factor: float = option("number", help="part of a full turn")
    fill_mode: str = option("name", "reflect", bare=False, help="what fills the corners")


@dataclass(frozen=True, kw_only=True)
class RandomZoom(_Augmentation):
    """Random zoom, in or out by at most `height_factor`."""

    keras_only = ("width_factor", "interpolation", "seed", "fill_value")

    height_factor: float = option("number", help="part of the size")
    fill_mode: str = option("name", "reflect", bare=False, help="what fills the border")


@dataclass(frozen=True, kw_only=True)
class RandomTranslation(_Augmentation):
    """Random shift, by at most a part of the height and width."""

    keras_only = ("seed", "fill_value")

    height_factor: float = option("number", help="part of the height")
    width_factor: float = option("number", help="part of the width")
    fill_mode: str = option("name", "reflect", bare=False, help="what fills the border: constant is black")
    interpolation: str = option("name", "bilinear", bare=False, help="nearest keeps whole pixels")


@dataclass(frozen=True, kw_only=True)
class RandomBrightness(_Augmentation):
    """Random brightness."""

    factor: float = option("number", help="part of the range of values")
    value_range: tuple[float, float] = option("numbers", (0, 255), bare=False, help="the range of values")


@dataclass(frozen=True, kw_only=True)
class RandAugment(_Augmentation):
    """Random changes of colour, light and shape, some of many: E. Cubuk et al., "RandAugment" (2020)."""

    keras_only = ("interpolation", "seed")

    num_ops: int = option("count", 2, help="how many for each image")
    factor: float = option("number", 0.5, help="how strong they are, from 0 to 1")
    value_range: tuple[float, float] = option("numbers", (0, 255), bare=False, help="the range of values")


@dataclass(frozen=True, kw_only=True)
class RandomContrast(_Augmentation):
    """Random contrast."""

    factor: float = option("number", help="part of the contrast")
    value_range: tuple[float, float] = option("numbers", (0, 255), bare=False, help="the range of values")
