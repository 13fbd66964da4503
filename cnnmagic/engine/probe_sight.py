"""Tells where a network looks: Grad-CAM on any layer, and the slope of a class's score by pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.probe_backend import slope
from cnnmagic.engine.probe_graph import Head, flow, head_of, numpy_of
from cnnmagic.engine.probe_model import checked_images, chunks, find_layer, in_float32, inner_layers, is_volume
from cnnmagic.errors import RunError

Classes = int | Sequence[int] | np.ndarray | None
# Layers whose maps are those of the layer before them, moved or thinned out.
PASSING = ("MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "Dropout")
ALSO_PASSING = ("SpatialDropout2D", "Reshape", "ZeroPadding2D", "Cropping2D", "UpSampling2D")


@dataclass(frozen=True, eq=False)
class GradCam:
    """Where in a layer's maps a class is seen: `maps` (count, height, width), 0 or more, in units of the logit.

    `classes` (count) are the classes asked for, `scores` (count) their logits, `weights` (count, channels) the mean
    slope of that logit by each channel.
    """

    layer: str
    classes: np.ndarray
    scores: np.ndarray
    weights: np.ndarray = field(repr=False)
    maps: np.ndarray = field(repr=False)


@dataclass(frozen=True, eq=False)
class Saliency:
    """How much each pixel moves the score of a class: `maps` (count, height, width), 0 or more, in logits by unit.

    A unit is that of the data: one of 255 steps, say. `classes` and `scores` are (count).
    """

    classes: np.ndarray
    scores: np.ndarray
    maps: np.ndarray = field(repr=False)


def grad_cam(model: Any, images: Any, layer: str = "", classes: Classes = None) -> GradCam:
    """Grad-CAM of images as the data have them, on a layer of volumes, the last one if none is named.

    `classes` is a class for all images or one for each; None takes those that the model answers. For the score y of
    class c before the softmax, and the maps A of the layer,

        weight[k] = mean over i, j of dy[c] / dA[i, j, k]        map[i, j] = max(0, sum over k of weight[k] A[i, j, k])

    R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization" (2017),
    equations 1 and 2. Of a single output the score of class 1 is its logit, of class 0 the logit with the other sign.
    Raises `CnnError`.
    """
    probed, ready = in_float32(model), checked_images(model, images)
    named, head = layer or last_volume(probed), head_of(probed)
    if not is_volume(find_layer(probed, named)):
        message = f"`{named}` sends out a list of numbers, and Grad-CAM needs maps."
        raise RunError(message, remedy=f"Ask for a convolution, such as `{last_volume(probed)}`.")
    parts = []
    for chunk, asked in _asked(probed, ready, classes):
        tensors = flow(probed, chunk)
        maps = numpy_of(tensors[named])
        chosen, scores, signs = _scores(head, tensors, asked)
        weights = slope(_ScoreByShift(probed, head, chunk, signs, named), np.zeros_like(maps)).mean(axis=(1, 2))
        parts.append((chosen, scores, weights, np.maximum(np.einsum("nk,nijk->nij", weights, maps), 0)))
    return GradCam(named, *map(np.concatenate, zip(*parts, strict=True)))


def saliency(model: Any, images: Any, classes: Classes = None) -> Saliency:
    """The size of the slope of a class's score y by each pixel: max over the channels k of |dy[c] / dx[i, j, k]|.

    `classes` and the score are as `grad_cam` has them. K. Simonyan, A. Vedaldi and A. Zisserman, "Deep inside
    convolutional networks: visualising image classification models and saliency maps" (2014), section 3.1.
    """
    probed, ready = in_float32(model), checked_images(model, images)
    head, parts = head_of(probed), []
    for chunk, asked in _asked(probed, ready, classes):
        chosen, scores, signs = _scores(head, flow(probed, chunk), asked)
        slopes = slope(_ScoreByPixel(probed, head, signs), chunk.astype("float32"))
        parts.append((chosen, scores, np.abs(slopes).max(axis=-1)))
    return Saliency(*map(np.concatenate, zip(*parts, strict=True)))


def last_volume(model: Any) -> str:
    """The last layer that makes maps, of more than one pixel where there is one; raises `RunError` without any."""
    makers = [one for one in inner_layers(model) if is_volume(one) and type(one).__name__ not in PASSING + ALSO_PASSING]
    wide = [one for one in makers if one.output.shape[1:3] != (1, 1)]
    if not makers:
        raise RunError(f"{model.name} has no layer with maps.", remedy="Add a convolution, such as `conv 16 3x3 relu`.")
    return str((wide or makers)[-1].name)


@dataclass(frozen=True, eq=False)
class _ScoreByShift:
    """The sum of all images' scores when a layer's maps are shifted; an image's slope is only of its own score."""

    model: Any
    head: Head
    images: np.ndarray
    signs: np.ndarray
    layer: str

    def __call__(self, shift: Any) -> Any:
        tensors = flow(self.model, self.images, shifts={self.layer: shift})
        return _marked(self.head.logits(tensors), self.signs)


@dataclass(frozen=True, eq=False)
class _ScoreByPixel:
    """The sum of all images' scores by their pixels."""

    model: Any
    head: Head
    signs: np.ndarray

    def __call__(self, images: Any) -> Any:
        return _marked(self.head.logits(flow(self.model, images)), self.signs)


def _marked(logits: Any, signs: np.ndarray) -> Any:
    ops = load_keras().ops
    return ops.sum(ops.multiply(logits, ops.convert_to_tensor(signs)))


def _asked(model: Any, images: np.ndarray, classes: Classes) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Images in chunks, with the class asked for each."""
    parts = chunks(model, images)
    if classes is None:
        return [(part, None) for part in parts]
    given, known = np.asarray(classes), head_of(model).classes
    if given.dtype.kind not in "ui" or given.shape not in ((), (len(images),)):
        message = f"{len(images)} images need one class for all or one for each, as whole numbers."
        raise RunError(message, remedy=f"Classes count from 0 to {known - 1}.")
    if given.min() < 0 or given.max() >= known:
        strange = int(given.min() if given.min() < 0 else given.max())
        raise RunError(f"there is no class {strange}.", remedy=f"Classes count from 0 to {known - 1}.")
    each = np.broadcast_to(given, len(images)).astype(int)
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return list(zip(parts, np.split(each, ends), strict=True))


def _scores(head: Head, tensors: Any, asked: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The classes, their scores, and what to multiply the logits by so that only those scores are left."""
    logits = numpy_of(head.logits(tensors))
    if head.units == 1:
        chosen = (logits[:, 0] > 0).astype(int) if asked is None else asked
        signs = np.where(chosen == 1, 1.0, -1.0)[:, None].astype("float32")
    else:
        chosen = logits.argmax(axis=-1) if asked is None else asked
        signs = np.eye(head.units, dtype="float32")[chosen]
    return chosen, (logits * signs).sum(axis=-1), signs
