"""Measures what goes out of each layer over a sample: means, spread, zeros, dead channels, norms of batches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine.probe_graph import flow, numpy_of
from cnnmagic.engine.probe_model import checked_images, chunks, in_float32, inner_layers, is_relu


@dataclass(frozen=True, eq=False)
class Activity:
    """Numbers of a layer's outputs over `images` images; arrays are (channels), the last axis of what goes out.

    `zeros` is the share of numbers that are exactly 0, `dead` the channels of a ReLU that are 0 for all images
    everywhere; `has_relu` tells whether the layer is or ends with one, else none can be dead.
    """

    layer: str
    kind: str
    images: int
    mean: float
    deviation: float
    smallest: float
    largest: float
    zeros: float
    has_relu: bool
    dead: tuple[int, ...]
    channel_means: np.ndarray = field(repr=False)
    channel_zeros: np.ndarray = field(repr=False)
    channel_largest: np.ndarray = field(repr=False)


def activity(model: Any, images: Any) -> tuple[Activity, ...]:
    """What goes out of every layer for images as the data have them; raises `CnnError`."""
    probed, ready = in_float32(model), checked_images(model, images)
    layers = inner_layers(probed)
    sums: dict[str, _Sums] = {}
    for chunk in chunks(probed, ready):
        tensors = flow(probed, chunk)
        for layer in layers:
            sums.setdefault(layer.name, _Sums()).add(numpy_of(tensors[layer.name]))
    return tuple(_told(layer, sums[layer.name], len(ready)) for layer in layers)


class _Sums:
    """Sums by channel over any number of outputs, in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.total: Any = 0.0
        self.squares: Any = 0.0
        self.zeros: Any = 0
        self.smallest: Any = np.inf
        self.largest: Any = -np.inf

    def add(self, values: np.ndarray) -> None:
        """Add what went out for some images; its last axis is the channels."""
        flat = values.reshape(-1, values.shape[-1]).astype("float64")
        self.count += len(flat)
        self.total += flat.sum(axis=0)
        self.squares += np.square(flat).sum(axis=0)
        self.zeros += (flat == 0).sum(axis=0)
        self.smallest = np.minimum(self.smallest, flat.min(axis=0))
        self.largest = np.maximum(self.largest, flat.max(axis=0))

    @property
    def means(self) -> Any:
        return self.total / self.count


def _told(layer: Any, sums: _Sums, images: int) -> Activity:
    mean, square = sums.means.mean(), (sums.squares / sums.count).mean()
    has_relu = is_relu(layer)
    return Activity(
        layer=layer.name,
        kind=type(layer).__name__,
        images=images,
        mean=float(mean),
        deviation=float(np.sqrt(max(square - mean**2, 0))),
        smallest=float(sums.smallest.min()),
        largest=float(sums.largest.max()),
        zeros=float((sums.zeros / sums.count).mean()),
        has_relu=has_relu,
        dead=tuple(np.flatnonzero(sums.zeros == sums.count).tolist()) if has_relu else (),
        channel_means=sums.means,
        channel_zeros=sums.zeros / sums.count,
        channel_largest=sums.largest,
    )
