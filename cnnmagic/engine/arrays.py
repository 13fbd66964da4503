"""Arrays as people have them, checked: images (count, height, width, channels), labels 0, 1, 2 …"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnmagic.errors import DataError

MOST_CLASSES = 100_000
SAMPLE = 1_000
SEEN = 256  # images, at least, by which the range of all is told
CHANNELS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Labels:
    """`indices` are each image's class, `classes` the names of all classes in order."""

    indices: np.ndarray
    classes: tuple[str, ...]


def image_shape(shape: tuple[int, ...], name: str) -> tuple[int, int, int]:
    """(height, width, channels) of an array of images of `shape`; raises `DataError` for a wrong rank."""
    shown = "x".join(map(str, shape)) or "a single number"
    if len(shape) == 3:
        return shape[1], shape[2], 1
    if len(shape) == 2:
        side = round(shape[1] ** 0.5)
        hint = (
            f"{name}.reshape(-1, {side}, {side}, 1)"
            if side * side == shape[1]
            else f"{name}.reshape(-1, height, width, channels)"
        )
        raise DataError(f"`{name}` is {shown}: lists of numbers, not images.", remedy=f"Make images of them: `{hint}`.")
    if len(shape) != 4:
        remedy = "Images are an array of count x height x width x channels."
        raise DataError(f"`{name}` has {len(shape)} dimensions ({shown}), and images have 4.", remedy=remedy)
    if shape[1] in CHANNELS and shape[3] not in CHANNELS and shape[2] == shape[3]:
        remedy = f"Keras wants them last: `{name}.transpose(0, 2, 3, 1)`."
        raise DataError(f"`{name}` is {shown}: its channels seem to come first.", remedy=remedy)
    return shape[1], shape[2], shape[3]


def read_images(value: Any, name: str) -> np.ndarray:
    """The images with a channel axis; raises `DataError` where they are no numbers, none at all, or not finite."""
    images = as_array(value, name)
    if images.dtype.kind not in "uifb":
        remedy = "All images must have one size and hold numbers: stack them with `np.stack`."
        raise DataError(f"`{name}` holds {images.dtype}, not numbers.", remedy=remedy)
    height, width, channels = image_shape(images.shape, name)
    check_not_empty(images.shape, name)
    return images.reshape(len(images), height, width, channels)


def check_not_empty(shape: tuple[int, ...], name: str) -> None:
    """Raise `DataError` for an array without images, or of images without pixels."""
    if 0 in shape:
        raise DataError(f"`{name}` is empty: {'x'.join(map(str, shape))}.", remedy="Check how it was made.")


def check_finite(images: np.ndarray, name: str) -> None:
    """Raise `DataError` for NaN or infinite pixels, naming the first image that has one."""
    if images.dtype.kind != "f":
        return
    for start in range(0, len(images), SAMPLE):
        finite = (
            np.isfinite(images[start : start + SAMPLE]).reshape(len(images[start : start + SAMPLE]), -1).all(axis=1)
        )
        if not finite.all():
            first = start + int(np.argmin(finite))
            good = f"np.isfinite({name}.reshape(len({name}), -1)).all(axis=1)"
            remedy = f"Mend or drop such images: `{good}` tells the good ones."
            raise DataError(f"`{name}[{first}]` holds NaN or infinite values.", remedy=remedy)


def read_labels(value: Any, name: str, images: int) -> Labels:
    """Labels as class numbers, of whole numbers, one-hot rows or words; raises `DataError` for others."""
    labels = as_array(value, name)
    if labels.dtype.kind in "US" and labels.ndim == 1 and isinstance(value, list | tuple):
        labels = np.array(value, object)  # NumPy has made words of None and NaN
    labels = labels.reshape(len(labels)) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if not labels.ndim or len(labels) != images or labels.ndim > 2 or not labels.size:
        shown = "x".join(map(str, labels.shape)) or "a single number as"
        raise DataError(f"`{name}` has {shown} labels for {images:,} images.", remedy="Give one label for each image.")
    if labels.ndim == 2:
        return _from_one_hot(labels, name)
    if labels.dtype.kind == "O" and all(isinstance(label, int | np.integer) for label in labels):
        labels = labels.astype(np.int64)
    return _from_words(labels, name) if labels.dtype.kind in "USO" else _from_numbers(labels, name)


def encode_labels(value: Any, name: str, images: int, classes: tuple[str, ...]) -> np.ndarray:
    """Labels of a further split as numbers of known classes; raises `DataError` for a label outside them."""
    labels = read_labels(value, name, images)
    numbers = {label: number for number, label in enumerate(classes)}
    strange = [label for label in labels.classes if label not in numbers and _used(labels, label)]
    if strange:
        where = int(np.argmax(labels.indices == labels.classes.index(strange[0])))
        known = f"the {len(classes)} classes {classes[0]} … {classes[-1]}"
        message = f"label {strange[0]} of `{name}[{where}]` is outside {known}."
        raise DataError(message, remedy="All splits must have the classes of the training images.")
    return np.array([numbers.get(label, -1) for label in labels.classes], np.int64)[labels.indices]


def scale_of(images: np.ndarray) -> float | None:
    """The factor that brings whole numbers from 0 on to 0 … 1; None for other pixels, which are taken as they are."""
    if images.dtype.kind not in "ui":
        return None
    if images.dtype == np.uint8:
        return 1 / 255
    if images.dtype.kind == "i" and images.min() < 0:
        return None
    largest = int(images.max())
    return None if largest <= 1 else 1 / 255 if largest <= 255 else 1 / 65_535 if largest <= 65_535 else 1 / largest


def range_of(images: np.ndarray) -> tuple[float | None, float | None]:
    """The least and the largest pixel of some images; None for both where one is no number."""
    some = images[:: max(1, len(images) // SEEN)]
    least, largest = float(some.min()), float(some.max())
    return (least, largest) if np.isfinite((least, largest)).all() else (None, None)


def _used(labels: Labels, label: str) -> bool:
    return bool((labels.indices == labels.classes.index(label)).any())


def as_array(value: Any, name: str) -> np.ndarray:
    """What was given as an array; raises `DataError` for a list of arrays of different sizes."""
    try:
        return np.asarray(value)
    except ValueError:
        remedy = "All must have one size: bring them to it and stack them with `np.stack`."
        raise DataError(f"`{name}` is a list of arrays of different sizes.", remedy=remedy) from None


def _from_one_hot(labels: np.ndarray, name: str) -> Labels:
    """Rows with a single 1; their width is the number of classes."""
    good = np.zeros(len(labels), bool)
    if labels.dtype.kind in "uifb":
        good = np.all((labels == 0) | (labels == 1), axis=1) & (labels.sum(axis=1) == 1)
    if not good.all():
        shown, where = "x".join(map(str, labels.shape)), int(np.argmin(good))
        remedy = "Give class numbers, or rows with a single 1."
        raise DataError(f"`{name}` is {shown}, and its row {where} does not name one class.", remedy=remedy)
    return Labels(labels.argmax(axis=1).astype(np.int64), tuple(str(number) for number in range(labels.shape[1])))


def _from_words(labels: np.ndarray, name: str) -> Labels:
    missing = next((number for number, label in enumerate(labels) if _is_missing(label)), None)
    if missing is not None:
        found = str(labels[missing]).strip() or "empty"
        remedy = "Drop the images without a label."
        raise DataError(f"`{name}[{missing}]` is {found}, which is no label.", remedy=remedy)
    names, indices = np.unique(labels.astype(str), return_inverse=True)
    return Labels(indices.astype(np.int64), tuple(map(str, names)))


def _is_missing(label: Any) -> bool:
    """Whether a cell of labels holds none: None, NaN, pandas's NA, or no letter."""
    try:
        return label is None or bool(label != label) or not str(label).strip()
    except TypeError:  # NA is neither like itself nor unlike
        return True


def _from_numbers(labels: np.ndarray, name: str) -> Labels:
    remedy = "Labels are classes: whole numbers 0, 1, 2 …, or words."
    if labels.dtype.kind not in "uifb":
        raise DataError(f"`{name}` holds {labels.dtype}, which is no class.", remedy=remedy)
    with np.errstate(invalid="ignore"):
        whole = np.isfinite(labels) & (labels == np.floor(labels))
    if not whole.all():
        where = int(np.argmin(whole))
        raise DataError(f"`{name}[{where}]` is {labels[where]}, which is no class.", remedy=remedy)
    whole = labels.astype(np.int64)
    if whole.min() < 0:
        where = int(np.argmin(whole))
        remedy = "Classes count from 0: drop the images without a label, or shift the labels."
        raise DataError(f"label {whole[where]} of `{name}[{where}]` is below 0.", remedy=remedy)
    found = np.unique(whole)
    if len(found) > MOST_CLASSES:
        raise DataError(
            f"`{name}` holds {len(found):,} different labels.", remedy="Labels are classes, not measurements."
        )
    if found[0] == 0 and found[-1] < 10 * len(found):
        return Labels(whole, tuple(str(number) for number in range(int(found[-1]) + 1)))
    return Labels(np.searchsorted(found, whole), tuple(str(number) for number in found))
