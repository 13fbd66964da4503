"""The splits of a run: images with the numbers of their classes, kept apart by shares, weighed, resized, told apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine import arrays
from cnnmagic.errors import DataError
from cnnmagic.layers import show
from cnnmagic.plans import Plan, Resize

RESIZE_AT_ONCE = 512
FINGERPRINT_BYTES = 64_000_000


@dataclass(frozen=True, eq=False)
class Split:
    """Images (count, height, width, channels) with the values that the data had, and the number of each one's class."""

    images: Any = field(repr=False)  # an array, or `Pictures`, which are indexed as one and read when they are
    labels: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray) -> Split:
        """Some of the images with their labels; such as are read when they are asked for stay unread."""
        at = getattr(self.images, "at", self.images.__getitem__)
        return Split(at(rows), self.labels[rows])

    def given(self, batch_size: int = 32) -> dict[str, Any]:
        """What Keras's `evaluate` takes as arguments."""
        if isinstance(self.images, np.ndarray):
            return {"x": self.images, "y": self.labels, "batch_size": batch_size}
        from cnnmagic.engine.feed import in_order

        return {"x": in_order(self, batch_size)}


@dataclass(frozen=True, eq=False)
class Dataset:
    """The splits of a run; `validation` is empty where none was asked for, `classes` are the labels' names.

    `weights` are those of the classes in the loss, if any; `black` and `white` are the numbers of such pixels. Encoded
    images have an `album`, and `is_read` once all were looked at; `bad` is what becomes of bad ones, `left_out` are
    their numbers.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    notes: tuple[str, ...]
    resize: Resize | None = None
    weights: dict[int, float] | None = None
    white: float = 255.0
    black: float = 0.0
    album: Any = None
    bad: str = "stop"
    is_read: bool = False
    left_out: tuple[int, ...] = ()

    def prepare(self, images: Any, name: str = "images") -> Any:
        """Images of a user, one or many, arrays or paths, in the form that the model takes; raises `DataError`.

        `name` is what errors call them, and their range of numbers must be that of the training images.
        Images of several sizes, for a network that takes any, come as a list of arrays with one image each.
        """
        from cnnmagic.engine.typed import are_files, checked, from_arrays, from_files

        if are_files(images):
            return from_files(images, self)
        if self.album is not None:
            return from_arrays(images, self, name)
        given = arrays.as_array(images, name)
        channels = self.train.images.shape[-1]
        single = given.ndim == 2 or (given.ndim == 3 and given.shape[-1] == channels)
        ready = resized(checked(given[None] if single else given, self, name), self.resize)
        wanted = self.train.images.shape[1:]
        if ready.shape[1:] != wanted:
            message = f"images of {show(ready.shape[1:])} are not what the network takes."
            raise DataError(message, remedy=f"Give images of {show(wanted)}, as its data were.")
        return ready

    def labelled(self, images: Any, labels: Any) -> dict[str, Any]:
        """Images of a user with their labels as what Keras's `evaluate` takes; raises `DataError`."""
        from cnnmagic.engine.typed import label_numbers

        if labels is None:
            is_pair = isinstance(images, tuple | list) and len(images) == 2
            told = "images and labels are given as two values" if is_pair else "images need labels to be scored"
            raise DataError(f"{told}.", remedy="Write `run.evaluate(x, y)`; `run.predict(x)` needs no labels.")
        ready = self.prepare(images, "x")
        numbers = label_numbers(labels, "y", len(ready), self.classes)
        if isinstance(ready, list):
            pairs = zip(ready, numbers[:, None], strict=True)
            return {"x": (pair for pair in pairs), "steps": len(ready)}  # Keras knows generators alone
        return {"x": ready, "y": numbers}


def weights_of(plan: Plan, train: Split, classes: int) -> dict[int, float] | None:
    """Weights by which every class counts the same in the loss, 1 in the mean over all images; None if unasked."""
    return balanced(train, classes) if plan.balance == "weights" else None


def balanced(train: Split, classes: int) -> dict[int, float]:
    """Weights by which every class counts the same, 1 in the mean over all images; 0 for one without any."""
    counts = np.bincount(train.labels, minlength=classes)
    present = np.count_nonzero(counts)
    return {n: len(train) / (present * int(count)) if count else 0.0 for n, count in enumerate(counts)}


def fingerprint(dataset: Dataset, is_brief: bool = False) -> str:
    """16 hexadecimal digits that tell whether data are the same: images and labels of all splits, in their order.

    Of splits beyond 64 MB the images are sampled evenly; encoded images tell by names and bytes what they are; one that
    `is_brief` reads a few of them, or none where they lie in Parquet, whose files tell of themselves.
    """
    digest = hashlib.blake2b(digest_size=8)
    if dataset.album is not None:
        digest.update((dataset.album.identity_by(True) if is_brief else dataset.album.identity).encode())
    for split in () if dataset.album is not None else (dataset.train, dataset.validation, dataset.test):
        digest.update(f"{split.images.shape} {split.images.dtype}".encode())
        step = max(1, split.images.nbytes // FINGERPRINT_BYTES)
        digest.update(np.ascontiguousarray(split.images[::step]).data)
        digest.update(np.ascontiguousarray(split.labels).data)
    return digest.hexdigest()


def resized(images: np.ndarray, resize: Resize | None) -> np.ndarray:
    """Images brought to the plan's size by bilinear interpolation, with the values' type kept."""
    if resize is None or images.shape[1:3] == (resize.height, resize.width):
        return images
    from cnnmagic.engine.backend import load_keras

    keras = load_keras()
    aspect = {"crop": {"crop_to_aspect_ratio": True}, "pad": {"pad_to_aspect_ratio": True}}.get(resize.how, {})
    parts = []
    for start in range(0, len(images), RESIZE_AT_ONCE):
        part = images[start : start + RESIZE_AT_ONCE].astype("float32")
        sized = keras.ops.image.resize(
            part, (resize.height, resize.width), antialias=True, data_format="channels_last", **aspect
        )
        result = keras.ops.convert_to_numpy(sized)
        whole = images.dtype.kind in "ui"
        parts.append((np.rint(result) if whole else result).astype(images.dtype))
    return np.concatenate(parts)


def apart(labels: np.ndarray, part: float, seed: int, notes: list[str], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the rest and of a part kept apart, each class in its share where every class has two images at least."""
    if part == 0:
        return np.arange(len(labels)), np.zeros(0, np.int64)
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    wanted = max(1, round(part * len(labels)))
    enough = counts[counts > 0].min() >= 2 and min(wanted, len(labels) - wanted) >= np.count_nonzero(counts)
    if len(labels) - wanted < 1:
        raise DataError(f"{len(labels)} images are too few to keep some for {name}.", remedy="Give more images.")
    if not enough:
        notes.append(f"too few images in some classes to keep their shares in the {name} set")
    rest, kept = train_test_split(
        np.arange(len(labels)), test_size=wanted, random_state=seed, stratify=labels if enough else None
    )
    return rest, kept
