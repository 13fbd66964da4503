"""Takes one output pixel of a convolution apart: the window, the kernel, their products and the sum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.probe_graph import flow, numpy_of, sources
from cnnmagic.engine.probe_model import checked_images, find_layer, in_float32
from cnnmagic.engine.probe_outputs import filters_of
from cnnmagic.errors import RunError

STEPPED = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")


@dataclass(frozen=True, eq=False)
class ConvolutionStep:
    """One number that a convolution sends out, and all that it is made of.

    `rows` (kernel height) and `columns` (kernel width) are the pixels of the layer's input under the kernel, some
    outside it where there is padding: `inside` (height, width) tells, and the window is 0 there. `channels` are those
    of the input that the filter reads. `window` and `kernel` are (height, width, channels). `total` is the sum of their
    products and of the bias, `answer` its activation, and `output` is what the layer itself gives there. `given`
    and `gone_out` (height, width, channels) are all that comes into the layer and all that goes out.
    """

    layer: str
    filter: int
    row: int
    column: int
    rows: np.ndarray
    columns: np.ndarray
    channels: tuple[int, ...]
    inside: np.ndarray = field(repr=False)
    window: np.ndarray = field(repr=False)
    kernel: np.ndarray = field(repr=False)
    bias: float
    total: float
    activation: str
    answer: float
    output: float
    given: np.ndarray = field(repr=False)
    gone_out: np.ndarray = field(repr=False)

    @property
    def products(self) -> np.ndarray:
        """The window's numbers times the kernel's, (height, width, channels)."""
        return self.window * self.kernel


def convolution_step(model: Any, layer: str, image: Any, filter: int, row: int, column: int) -> ConvolutionStep:
    """How the pixel (row, column) of a filter's output comes about, for one image (height, width, channels).

    All numbers are those of float32. Raises `RunError` for a layer without such steps, or a pixel outside its output.
    """
    convolution, given, gone_out = _passed(model, layer, image)
    _check_place(layer, gone_out.shape, (row, column, filter))
    weights = filters_of(convolution)
    rows, columns = _taps(convolution, given.shape, gone_out.shape, (row, column))
    window, inside = _window(given, rows, columns)
    read = [_channels(given.shape[-1], weights.kernels.shape, number) for number in range(gone_out.shape[-1])]
    sums = [(window[..., part] * weights.kernels[..., number]).sum() for number, part in enumerate(read)]
    totals = np.array(sums) + weights.biases
    return ConvolutionStep(
        *(layer, filter, row, column, rows, columns),
        channels=tuple(range(given.shape[-1])[read[filter]]),
        inside=inside,
        window=window[..., read[filter]],
        kernel=weights.kernels[..., filter],
        bias=float(weights.biases[filter]),
        total=float(totals[filter]),
        activation=convolution.activation.__name__,
        answer=_activated(convolution, totals)[filter],
        output=float(gone_out[row, column, filter]),
        given=given,
        gone_out=gone_out,
    )


def blurred(image: Any, kernel: int, times: int) -> np.ndarray:
    """An image (height, width) after that many means over kernel x kernel windows, with zeros around it (`same`)."""
    keras = load_keras()
    weights = np.full((kernel, kernel, 1, 1), 1 / kernel**2, "float32")
    tensor = keras.ops.convert_to_tensor(np.asarray(image, "float32")[None, ..., None])
    for _ in range(times):
        tensor = keras.ops.conv(tensor, weights, padding="same", data_format="channels_last")
    return numpy_of(tensor)[0, ..., 0]


def _passed(model: Any, layer: str, image: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """The convolution, its input for the image and its output, both (height, width, channels)."""
    probed, images = in_float32(model), checked_images(model, np.asarray(image)[None])
    convolution = find_layer(probed, layer)
    _check_kind(convolution)
    source = sources(probed)[layer]
    tensors = flow(probed, images, {layer, source})
    return convolution, numpy_of(tensors[source])[0], numpy_of(tensors[layer])[0]


def _taps(layer: Any, given: Any, gone_out: Any, place: tuple[int, int]) -> list[np.ndarray]:
    """The rows and the columns of the input under the kernel: the place times the stride, less the margin before."""
    return [
        place[axis] * layer.strides[axis]
        - _margin(layer, axis, given[axis], gone_out[axis])
        + np.arange(layer.kernel_size[axis]) * layer.dilation_rate[axis]
        for axis in (0, 1)
    ]


def _margin(layer: Any, axis: int, size: int, positions: int) -> int:
    """Zeros before the first pixel: with `same` half of what the last window lacks, the odd one going behind.

    TensorFlow's rule, which Keras follows on every backend: https://www.tensorflow.org/api_docs/python/tf/nn.
    """
    if layer.padding != "same":
        return 0
    reach = (layer.kernel_size[axis] - 1) * layer.dilation_rate[axis] + 1
    return max((positions - 1) * layer.strides[axis] + reach - size, 0) // 2


def _window(given: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pixels under the kernel, zeros where there are none, and where there are some."""
    height, width = given.shape[:2]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))[None, :]
    pixels = given[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    return np.where(inside[..., None], pixels, 0), inside


def _channels(count: int, kernels: tuple[int, ...], filter: int) -> slice:
    """The input channels that a filter reads: those of its group."""
    each, filters = kernels[2:]
    first = filter * (count // each) // filters * each
    return slice(first, first + each)


def _activated(layer: Any, totals: np.ndarray) -> list[float]:
    """The activation of all filters' sums at one place; softmax looks at all of them."""
    tensor = load_keras().ops.convert_to_tensor(totals.astype("float32").reshape(1, 1, 1, -1))
    return [float(number) for number in numpy_of(layer.activation(tensor)).ravel()]


def _check_kind(layer: Any) -> None:
    kind = type(layer).__name__
    if kind not in STEPPED:
        remedy = f"Ask for {', '.join(STEPPED[:-1])} or {STEPPED[-1]}."
        raise RunError(f"`{layer.name}` is {kind}, and its steps can't be shown.", remedy=remedy)


def _check_place(layer: str, shape: tuple[int, ...], place: tuple[int, ...]) -> None:
    for name, size, number in zip(("row", "column", "filter"), shape, place, strict=True):
        if not 0 <= number < size:
            remedy = f"They count from 0 to {size - 1}."
            raise RunError(f"`{layer}` has {size} {name}s, and there is no {name} {number}.", remedy=remedy)
