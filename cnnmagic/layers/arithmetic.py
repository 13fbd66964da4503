"""The arithmetic of shapes, weights and work: every formula that a plan's numbers rest on.

Sizes are in pixels, shapes are (height, width, channels) without the batch axis, and None is a free dimension.
Sources: V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016), and for receptive
fields A. Araujo, W. Norris and J. Sim, "Computing receptive fields of convolutional neural networks" (Distill, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

Pair = tuple[int, int]
Shape = tuple[int | None, ...]


def reach(kernel: int, dilation: int) -> int:
    """Pixels that a kernel spans: 3 taps with dilation 2 span 5."""
    return (kernel - 1) * dilation + 1


def slide(size: int | None, kernel: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """Positions of a window of `kernel` taps sliding over `size` pixels; less than 1 where it does not fit."""
    if size is None:
        return None
    covered = size if padding == "same" else size - reach(kernel, dilation) + 1
    return ceil(covered / stride)


def spread(size: int | None, kernel: int, stride: int, padding: str, dilation: int = 1) -> int | None:
    """Output pixels of a transposed convolution over `size` pixels."""
    if size is None:
        return None
    return size * stride if padding == "same" else size * stride + max(reach(kernel, dilation) - stride, 0)


def window_weights(kernel: Pair, channels: int, filters: int, groups: int = 1) -> int:
    """Weights of `filters` kernels over `channels` channels, without biases."""
    return kernel[0] * kernel[1] * (channels // groups) * filters


def elements(shape: Shape) -> int | None:
    """Numbers in a volume; None where a dimension is free."""
    return None if None in shape else prod(size for size in shape if size is not None)


@dataclass(frozen=True)
class Field:
    """What one output pixel sees: `size` input pixels, moving `jump` input pixels for each pixel of output.

    `size` is None where it sees the whole of an image of free size, or `is_known` is not. After a layer that grows the
    image, pixels differ in what they see; the numbers are then those of a pixel in the middle of its block.
    """

    size: tuple[float, float] | None = (1, 1)
    jump: tuple[float, float] = (1, 1)
    is_known: bool = True

    def through(self, window: Window) -> Field:
        """The field after one more window: size grows by (kernel - 1) jumps, the jump by the stride."""
        down, across = (j * s for j, s in zip(self.jump, window.stride, strict=True))
        is_known = self.is_known and window.is_known
        if self.size is None or not is_known:
            return Field(None, (down, across), is_known)
        height, width = (s + (k - 1) * j for s, k, j in zip(self.size, window.kernel, self.jump, strict=True))
        return Field((height, width), (down, across))


@dataclass(frozen=True)
class Window:
    """How a layer looks at its input: pixels spanned, and input pixels from one output pixel to the next.

    Where that `is_known` not, what it says is that of a layer that looks at each pixel by itself.
    """

    kernel: tuple[float, float] = (1, 1)
    stride: tuple[float, float] = (1, 1)
    is_known: bool = True


def widest(fields: tuple[Field, ...]) -> Field:
    """The field of layers that meet: as far as any of them sees."""
    jump = max(field.jump[0] for field in fields), max(field.jump[1] for field in fields)
    sizes = [field.size for field in fields if field.size is not None]
    if len(sizes) < len(fields):
        return Field(None, jump, all(field.is_known for field in fields))
    return Field((max(size[0] for size in sizes), max(size[1] for size in sizes)), jump)
