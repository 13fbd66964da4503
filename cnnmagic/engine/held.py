"""Data sets of other libraries that the notebook holds: Hugging Face's and `tf.data`'s."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from cnnmagic import datasets
from cnnmagic.engine import arrays
from cnnmagic.engine.listing import Listing
from cnnmagic.engine.tables import check_some, columns_of, content_of
from cnnmagic.errors import DataError
from cnnmagic.memory import memory_there

SPLITS = {"train": ("train",), "validation": ("validation", "valid", "val"), "test": ("test",)}
MOST_OF_MEMORY = 0.3


def kind_of(value: Any) -> str:
    """`tensorflow`, `hugging face` or `frame`."""
    if hasattr(value, "element_spec"):
        return "tensorflow"
    return "hugging face" if hasattr(value, "column_names") else "frame"


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict) and hasattr(value, "column_names")


# --- Hugging Face ----------------------------------------------------------------------------------------------------


def list_hugging_face(source: datasets.Held) -> Listing:
    """The encoded images of a Hugging Face data set, of its splits, or of one for training and one for the test."""
    parts = _splits(source)
    first = parts["train"]
    image = source.image or _image_column(first.features)
    image, label = columns_of(list(first.features), image, source.label, source.names[0])
    names = getattr(first.features[label], "names", None)
    labels = [_labels(part, label, source.names[0]) for part in parts.values()]
    found = arrays.read_labels(np.concatenate(labels), label, sum(map(len, labels)))
    numbers = np.concatenate(labels) if names else found.indices
    ends = np.cumsum([0, *map(len, labels)])
    rows = {split: np.arange(ends[n], ends[n + 1]) for n, split in enumerate(parts)}
    encoded = [_encoded(part, image) for part in parts.values()]

    def read(number: int) -> bytes:
        split = int(np.searchsorted(ends, number, side="right")) - 1
        return content_of(encoded[split][number - int(ends[split])][image])

    told = [f"{source.names[0]}[{split!r}][{n}]" for split, part in parts.items() for n in range(len(part))]
    classes = tuple(map(str, names)) if names else found.classes
    return Listing(told, read, np.asarray(numbers, np.int64), classes, rows)


def _splits(source: datasets.Held) -> dict[str, Any]:
    """The data sets of the splits, by our names."""
    if len(source.values) == 2:
        return {"train": source.values[0], "test": source.values[1]}
    value = source.values[0]
    if not _is_dict(value):
        return {"train": value}
    found = {ours: value[name] for ours, names in SPLITS.items() for name in names if name in value}
    if "train" not in found:
        there = ", ".join(f"`{name}`" for name in value)
        raise DataError(f"`{source.names[0]}` has no split `train`.", remedy=f"It has {there}: give one of them.")
    return found


def _image_column(features: Any) -> str:
    """The first column that holds images by its kind; empty where its name must tell."""
    return next((name for name in features if type(features[name]).__name__ == "Image"), "")


def _labels(part: Any, label: str, name: str) -> np.ndarray:
    if not hasattr(part, "__len__"):
        raise DataError(f"`{name}` is a stream without a length.", remedy="Load it without `streaming=True`.")
    check_some(part, name)
    return np.asarray(part[label][:])


def _encoded(part: Any, image: str) -> Any:
    """The part with its images as bytes or paths, not decoded."""
    kinds = sys.modules[type(part).__module__.split(".")[0]]
    if type(part.features[image]).__name__ != "Image":
        if getattr(part.features[image], "dtype", "") in ("string", "binary", "large_binary"):
            return part
        message = f"column `{image}` holds {part.features[image]}, which is no image."
        raise DataError(message, remedy="Give arrays: `data {{images}} {{labels}}`, or cast the column to `Image()`.")
    return part.cast_column(image, kinds.Image(decode=False))


# --- tf.data ---------------------------------------------------------------------------------------------------------


def arrays_of(value: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of a `tf.data.Dataset` of pairs, batched or not; raises `DataError`.

    It is read to its end once, and held: one without an end, or too large for memory, is refused.
    """
    spec = value.element_spec
    if not isinstance(spec, tuple | list) or len(spec) < 2:
        raise DataError(f"`{name}` gives no pairs of images and labels.", remedy="Map it to `(image, label)`.")
    if int(value.cardinality()) == -1:
        raise DataError(f"`{name}` has no end.", remedy="Take a part of it: `dataset.take(1000)`, without `repeat()`.")
    if len(spec[0].shape or ()) == 4:
        value = value.unbatch()
    images, labels, held, room = [], [], 0, MOST_OF_MEMORY * memory_there()
    for image, label, *_ in value.as_numpy_iterator():
        images.append(image)
        labels.append(label)
        held += image.nbytes
        if held > room:
            message = f"`{name}` takes more than {room / 1e9:.1f} GB."
            raise DataError(message, remedy="Give the files that it reads: `data images:FOLDER`.")
    check_some(images, name)
    sizes = {image.shape for image in images}
    if len(sizes) > 1:
        raise DataError(f"`{name}` gives images of {len(sizes)} sizes.", remedy="Resize them in it: `dataset.map(…)`.")
    return np.stack(images), np.stack(labels)


def arrays_of_all(source: datasets.Held) -> tuple[tuple[str, ...], list[Any]]:
    """Names and arrays of one or two `tf.data` data sets: images, labels, and those of the test."""
    names: list[str] = []
    found: list[Any] = []
    for name, value in zip(source.names, source.values, strict=True):
        names += [f"images of {name}", f"labels of {name}"]
        found += arrays_of(value, name)
    return tuple(names), found
