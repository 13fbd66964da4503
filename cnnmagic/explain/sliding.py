"""How a window slides along one axis of an image, as formulas: the pixel that it reads, the zeros around, what is left.

V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning" (2016); the zeros as TensorFlow lays
them, and Keras with it: https://www.tensorflow.org/api_docs/python/tf/nn.
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnmagic.layers import AveragePooling2D, Conv2D, MaxPooling2D
from cnnmagic.layers.arithmetic import reach
from cnnmagic.plans import Step

LETTERS = (("height", "n", "i", "u", "p"), ("width", "m", "j", "v", "q"))


@dataclass(frozen=True)
class Axis:
    """An axis of `size` pixels, None where it is free, along which a window of `kernel` taps slides.

    Its letters: `free` for its size, `index` for the pixel that goes out, `tap` and `margin` for the zeros before.
    """

    name: str
    free: str
    index: str
    tap: str
    margin: str
    size: int | None
    kernel: int
    stride: int
    dilation: int
    padding: str
    out: int | None

    @property
    def span(self) -> int:
        """Pixels that the window covers."""
        return reach(self.kernel, self.dilation)

    @property
    def zeros(self) -> tuple[int, int] | None:
        """Zeros before and after the pixels; None where that depends on a size that is free."""
        return zeros(self.size, self.span, self.stride, self.padding)

    @property
    def place(self) -> str:
        """The pixel that is read: `2i+u−1`."""
        before = f"−{self.margin}" if self.zeros is None else f"−{self.zeros[0]}" * bool(self.zeros[0])
        return f"{_times(self.stride, self.index)}+{_times(self.dilation, self.tap)}{before}"

    @property
    def shown_size(self) -> str:
        return self.free if self.size is None else str(self.size)

    @property
    def size_formula(self) -> str:
        """How many pixels go out: `⌈(28 − 5 + 1) / 1⌉ = 24`."""
        gives = "" if self.out is None else f" = {self.out}"
        have = self.shown_size
        fits = have if self.padding == "same" else f"({have} − {self.span} + 1)"
        return f"⌈{fits} / {self.stride}⌉{gives}"

    @property
    def zeros_formula(self) -> str:
        """How many zeros there are before and after together: `max(0, (⌈n / 2⌉ − 1)·2 + 3 − n)`."""
        have = self.shown_size
        return f"max(0, (⌈{have} / {self.stride}⌉ − 1)·{self.stride} + {self.span} − {have})"

    def is_like(self, other: Axis) -> bool:
        """Whether the same numbers hold for both."""
        return self._numbers == other._numbers

    @property
    def _numbers(self) -> tuple[object, ...]:
        return self.size, self.kernel, self.stride, self.dilation


def axes(step: Step) -> tuple[Axis, Axis]:
    """Height and width of a step whose window slides over an image."""
    layer = step.layer
    if isinstance(layer, Conv2D):
        kernel, strides, dilation = layer.kernel_size, layer.strides, layer.dilation_rate
    else:
        assert isinstance(layer, MaxPooling2D | AveragePooling2D)
        kernel, strides, dilation = layer.pool_size, layer.strides or layer.pool_size, (1, 1)
    height, width = (
        Axis(*LETTERS[n], step.input_shape[n], kernel[n], strides[n], dilation[n], layer.padding, step.output_shape[n])
        for n in (0, 1)
    )
    return height, width


def zeros(size: int | None, span: int, stride: int, padding: str) -> tuple[int, int] | None:
    """Zeros before and after `size` pixels, for a window that covers `span`: the odd one goes to the end.

    None where that depends on a size that is free.
    """
    if padding != "same":
        return 0, 0
    if size is None and stride > 1:
        return None
    return halved(span - 1 if size is None else max(0, (-(-size // stride) - 1) * stride + span - size))


def halved(zeros: int) -> tuple[int, int]:
    """So many zeros before and after the pixels: TensorFlow gives the odd one to the end."""
    return zeros // 2, zeros - zeros // 2


def _times(count: int, letter: str) -> str:
    return letter if count == 1 else f"{count}{letter}"
