"""Arrays of a source as they are found: of a file, of a known name, of the notebook."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cnnmagic import datasets
from cnnmagic.engine import arrays
from cnnmagic.engine.folders import local, unmounted
from cnnmagic.errors import DataError, MissingData

NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x", "y"),
    ("X", "y"),
    ("images", "labels"),
    ("data", "target"),
)


FIRST_BYTES = 4_000_000  # of the images of a file, by which their range is told


@dataclass(frozen=True, eq=False)
class Raw:
    """Arrays as found, with the names that the user knows them by; no test arrays are given as None."""

    names: tuple[str, ...]
    images: Any
    labels: Any
    test_images: Any = None
    test_labels: Any = None


def facts_of_arrays(raw: Raw) -> datasets.Facts:
    """What is known of arrays that have been read; raises `DataError` for what is no images or no labels."""
    images = arrays.read_images(raw.images, raw.names[0])
    classes = arrays.read_labels(raw.labels, raw.names[1], len(images)).classes
    tests = 0 if raw.test_images is None else len(raw.test_images)
    scale = arrays.scale_of(images)
    least, largest = arrays.range_of(images) if scale is None else (None, None)
    return datasets.Facts(images.shape[1:], classes, scale, len(images), tests, least=least, largest=largest)


def read_raw(source: datasets.Source) -> tuple[Raw, tuple[str, ...] | None]:
    """The arrays of a source and, where it is a known one, the names of its classes; raises `DataError`."""
    match source:
        case datasets.Named("digits"):
            return _digits(), datasets.NAMED["digits"].classes
        case datasets.Named(name):
            return _downloaded(name), datasets.NAMED[name].classes
        case datasets.File(path, others) if path.lower().endswith(".npy"):
            return _single_arrays((path, *others)), None
        case datasets.Held():
            from cnnmagic.engine.held import arrays_of_all

            names, found = arrays_of_all(source)
            return Raw(names, *found), None
        case datasets.File(path):
            file = _existing(path)
            with _opened(file) as archive:
                names = _names(archive.files, file)
                return Raw(names, *_members(archive, names, file)), None
        case datasets.Arrays(names, values):
            return Raw(names, *values), None
    raise DataError(f"`{source}` can't be read as arrays.")  # the callers give no others


def facts_of_file(source: datasets.File) -> datasets.Facts:
    """The facts of an `.npz` file from its labels and the beginning of its images; raises `DataError`."""
    path = _existing(source.path)
    with _opened(path) as archive:
        names = _names(archive.files, path)
        shape, dtype = _reading(path, lambda: _header(path, names[0]))
        if dtype.kind not in "fb" and dtype != np.uint8:
            return facts_of_arrays(Raw(names, *_members(archive, names, path)))
        labels = _members(archive, names[1:2], path)[0]
        tests = _reading(path, lambda: _header(path, names[2]))[0][0] if len(names) == 4 else 0
    size = arrays.image_shape(shape, names[0])
    arrays.check_not_empty(shape, names[0])
    classes = arrays.read_labels(labels, names[1], shape[0]).classes
    scale = 1 / 255 if dtype == np.uint8 else None
    least, largest = _reading(path, lambda: _first_range(path, names[0])) if dtype.kind == "f" else (None, None)
    return datasets.Facts(size, classes, scale, shape[0], tests, names, least=least, largest=largest)


def _single_arrays(paths: tuple[str, ...]) -> Raw:
    """Arrays of `.npy` files: images and labels, and those of the test after them."""
    if len(paths) not in (2, 4):
        message = f"`{Path(paths[0]).name}` holds one array, and images need labels."
        raise DataError(message, remedy="Write `data IMAGES.npy LABELS.npy`, or put both into one `.npz` file.")
    files = [_existing(path) for path in paths]
    values = [_reading(file, partial(np.load, file, allow_pickle=False)) for file in files]
    return Raw(tuple(file.name for file in files), *values)


def _digits() -> Raw:
    """The 1,797 handwritten digits of 8x8 pixels, 0 … 16, that come with scikit-learn."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return Raw(("digits", "labels"), digits.images.astype(np.uint8), digits.target)


def _downloaded(name: str) -> Raw:
    from cnnmagic.engine.backend import load_keras

    load: Callable[[], Any] = getattr(load_keras().datasets, name).load_data
    try:
        (images, labels), (test_images, test_labels) = load()
    except Exception as error:
        remedy = (
            "Without a network: `data digits` needs none; a copy of the file is read by `data PATH.npz` "
            "(arrays x_train, y_train, x_test, y_test)."
        )
        raise MissingData(f"`{name}` can't be downloaded: {_first_line(error)}", remedy=remedy) from error
    return Raw((name, "labels", "test images", "test labels"), images, labels, test_images, test_labels)


def _existing(path: str) -> Path:
    try:
        found = local(path)
        is_there = found.is_file()
    except (OSError, RuntimeError) as error:  # too long a name, no right to look, no such user's `~`
        why = error.strerror if isinstance(error, OSError) and error.strerror else _first_line(error)
        raise MissingData(f"`{path}` can't be reached: {why}.") from error
    if not is_there:
        beside = sorted(Path(found.parent).glob("*.npz"))[:3] if found.parent.is_dir() else []
        there = ", ".join(f"`{file.name}`" for file in beside)
        remedy = f"In that folder there are {there}." if there else f"The notebook's folder is `{Path.cwd()}`."
        remedy = unmounted(found) or remedy
        raise MissingData(f"there is no file `{path}`.", remedy=remedy)
    return found


def _opened(path: Path) -> Any:
    if not zipfile.is_zipfile(path):
        remedy = "Write it with `np.savez_compressed(PATH, x=images, y=labels)`."
        raise DataError(f"`{path.name}` is no .npz file, or is cut short.", remedy=remedy)
    return _reading(path, lambda: np.load(path, allow_pickle=False))


def _reading(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` gives; raises `DataError` where the file is spoilt."""
    try:
        return read()
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        remedy = "Write it again with `np.savez_compressed(PATH, x=images, y=labels)`."
        cause = "it holds Python objects, not numbers." if "pickle" in str(error) else _first_line(error)
        raise DataError(f"`{path.name}` can't be read: {cause}", remedy=remedy) from error


def _names(found: list[str], path: Path) -> tuple[str, ...]:
    """The names of images and labels in a file, with those of the test set where it has one."""
    for names in NAMES:
        if set(names) <= set(found):
            return names
        if len(names) == 4 and set(names[:2]) <= set(found):
            return names[:2]
    there = ", ".join(f"`{name}`" for name in found[:8]) or "nothing"
    remedy = "Name them `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`."
    raise DataError(f"`{path.name}` holds {there}, and no images and labels by the usual names.", remedy=remedy)


def _members(archive: Any, names: tuple[str, ...], path: Path) -> list[np.ndarray]:
    return _reading(path, lambda: [archive[name] for name in names])


def _header(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array in a file, without reading its numbers."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        return _begun(member)


def _begun(member: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array in an open file, which stands at its numbers then."""
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(member)
    return shape, dtype


def _first_range(path: Path, name: str) -> tuple[float | None, float | None]:
    """The least and the largest of the first numbers of an array in a file."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        _, dtype = _begun(member)
        read = member.read(FIRST_BYTES)
    return arrays.range_of(np.frombuffer(read[: len(read) // dtype.itemsize * dtype.itemsize], dtype))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
