"""Shows what goes out of a model's layers for given images, and the filters of its convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine.probe_graph import flow, numpy_of
from cnnmagic.engine.probe_model import checked_images, chunks, find_layer, in_float32
from cnnmagic.errors import RunError


@dataclass(frozen=True, eq=False)
class LayerOutput:
    """What goes out of a layer: `values` are (count, height, width, channels), or (count, numbers) of a list."""

    layer: str
    kind: str
    values: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class Filters:
    """Weights of a convolution: `kernels` (height, width, channels, filters), `biases` (filters), zeros without any.

    `channels` are those that one filter reads: 1 in a depthwise convolution, a part of all where there are groups.
    """

    layer: str
    kind: str
    kernels: np.ndarray = field(repr=False)
    biases: np.ndarray = field(repr=False)


def outputs(model: Any, images: Any, layers: Sequence[str]) -> tuple[LayerOutput, ...]:
    """What goes out of the named layers for images as the data have them; raises `CnnError`."""
    probed, ready = in_float32(model), checked_images(model, images)
    found = [find_layer(probed, name) for name in layers]
    parts = [flow(probed, chunk, layers) for chunk in chunks(probed, ready)]
    return tuple(
        LayerOutput(layer.name, type(layer).__name__, np.concatenate([numpy_of(part[layer.name]) for part in parts]))
        for layer in found
    )


def filters(model: Any, layer: str) -> Filters:
    """The filters of a convolution; raises `RunError` for another layer.

    A separable convolution's are the products of its two stages, which together do what these filters do. The kernels
    of a transposed one are what each input pixel paints.
    """
    return filters_of(find_layer(in_float32(model), layer))


def filters_of(layer: Any) -> Filters:
    """The filters of a layer of Keras at rest."""
    kind = type(layer).__name__
    kernels = _kernels(layer, kind)
    bias = getattr(layer, "bias", None)
    biases = np.zeros(kernels.shape[-1], "float32") if bias is None else numpy_of(bias)
    return Filters(layer.name, kind, kernels, biases)


def _kernels(layer: Any, kind: str) -> np.ndarray:
    match kind:
        case "Conv2D":
            return numpy_of(layer.kernel)
        case "DepthwiseConv2D":
            return _of_single_channels(numpy_of(layer.kernel))
        case "SeparableConv2D":
            return _of_both_stages(numpy_of(layer.depthwise_kernel), numpy_of(layer.pointwise_kernel))
        case "Conv2DTranspose":
            return numpy_of(layer.kernel).transpose(0, 1, 3, 2)
    raise RunError(f"`{layer.name}` is {kind}, which has no filters.", remedy="Ask for a convolution.")


def _of_single_channels(kernels: np.ndarray) -> np.ndarray:
    """Depthwise kernels (height, width, channels, multiplier) as filters of 1 channel each, in the output's order."""
    height, width, channels, multiplier = kernels.shape
    return kernels.reshape(height, width, 1, channels * multiplier)


def _of_both_stages(depthwise: np.ndarray, pointwise: np.ndarray) -> np.ndarray:
    """Each filter over all channels: the sum over the multiplier m of depthwise[…, c, m] × pointwise[c, m, filter]."""
    channels, multiplier = depthwise.shape[2:]
    mixing = pointwise.reshape(channels, multiplier, -1)
    return np.einsum("hwcm,cmf->hwcf", depthwise, mixing)
