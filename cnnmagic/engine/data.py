"""Data of a plan: what is known of them before (`describe`), and the three splits ready for training (`load`)."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cnnmagic import datasets
from cnnmagic.engine import arrays
from cnnmagic.engine.folders import local, unmounted
from cnnmagic.errors import DataError, MissingData
from cnnmagic.layers import show
from cnnmagic.plans import Plan, Resize

NAMES = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x", "y"),
    ("X", "y"),
    ("images", "labels"),
    ("data", "target"),
)
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

    `weights` are those of the classes in the loss, if any; `white` is the number of a white pixel. Encoded images have
    an `album`, and `is_read` once all were looked at; `bad` is what becomes of bad ones, `left_out` are their numbers.
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
    album: Any = None
    bad: str = "stop"
    is_read: bool = False
    left_out: tuple[int, ...] = ()

    def prepare(self, images: Any) -> Any:
        """Images of a user, one or many, arrays or paths, in the form that the model takes; raises `DataError`.

        Images of several sizes, for a network that takes any, come as a list of arrays with one image each.
        """
        from cnnmagic.engine.typed import are_files, from_arrays, from_files

        if are_files(images):
            return from_files(images, self)
        if self.album is not None:
            return from_arrays(images, self)
        given = np.asarray(images)
        channels = self.train.images.shape[-1]
        single = given.ndim == 2 or (given.ndim == 3 and given.shape[-1] == channels)
        ready = arrays.read_images(given[None] if single else given, "images")
        arrays.check_finite(ready, "images")
        ready = resized(ready, self.resize)
        wanted = self.train.images.shape[1:]
        if ready.shape[1:] != wanted:
            message = f"images of {show(ready.shape[1:])} are not what the network takes."
            raise DataError(message, remedy=f"Give images of {show(wanted)}, as its data were.")
        return ready


@dataclass(frozen=True, eq=False)
class _Raw:
    """Arrays as found, with the names that the user knows them by; no test arrays are given as None."""

    names: tuple[str, ...]
    images: Any
    labels: Any
    test_images: Any = None
    test_labels: Any = None


def describe(source: datasets.Source) -> datasets.Facts:
    """The facts of a source, without reading the images of a file.

    Raises `MissingData` where a file is not there, `DataError` where it does not hold what is needed.
    """
    from cnnmagic.engine.photos import facts_of, listing_of

    listing = listing_of(source)
    if listing is not None:
        return facts_of(listing)
    if isinstance(source, datasets.File) and not source.others and not source.path.lower().endswith(".npy"):
        return _describe_file(_existing(source.path))
    return _facts(_read(source)[0])


def load(plan: Plan) -> Dataset:
    """The splits of the plan's data, the same for the same seed; raises `DataError`.

    The test set is the data's own or `plan.test` of it; the validation set is a part of the rest. Both keep the shares
    of the classes.
    """
    if plan.source is None or plan.training is None:
        raise DataError("there are no data to train on.", remedy="Give a `data` line.")
    from cnnmagic.engine.photos import listing_of, load_listing

    listing = listing_of(plan.source)
    return _load_arrays(plan, plan.source) if listing is None else load_listing(plan, listing)


def _load_arrays(plan: Plan, source: datasets.Source) -> Dataset:
    assert plan.training is not None  # `load` looked
    raw, scale_to = _read(source)
    images = arrays.read_images(raw.images, raw.names[0])
    arrays.check_finite(images, raw.names[0])
    labels = arrays.read_labels(raw.labels, raw.names[1], len(images))
    classes = scale_to or labels.classes
    whole = Split(resized(images, plan.resize), labels.indices)
    seed = plan.seed or 0
    notes: list[str] = []
    if raw.test_images is None:
        whole, test = _split(whole, plan.test, seed, notes, "test")
    else:
        test = _test_split(raw, labels.classes, plan.resize)
        if test.images.shape[1:] != whole.images.shape[1:]:
            shapes = f"{show(test.images.shape[1:])} and {show(whole.images.shape[1:])}"
            raise DataError(f"test and training images differ in size: {shapes}.", remedy="Add a line `resize`.")
    train, validation = _split(whole, plan.training.validation, seed, notes, "validation")
    white = 1 / plan.facts.scale if plan.facts and plan.facts.scale else 1.0 if images.dtype.kind == "f" else 255.0
    weights = weights_of(plan, train, len(classes))
    return Dataset(str(source), classes, train, validation, test, tuple(notes), plan.resize, weights, white)


def weights_of(plan: Plan, train: Split, classes: int) -> dict[int, float] | None:
    """Weights by which every class counts the same in the loss, 1 in the mean over all images; None if unasked."""
    if plan.balance != "weights":
        return None
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


def _describe_file(path: Path) -> datasets.Facts:
    """A file's facts from the headers of its arrays and from its labels."""
    with _opened(path) as archive:
        names = _names(archive.files, path)
        shape, dtype = _reading(path, lambda: _header(path, names[0]))
        if dtype.kind not in "fb" and dtype != np.uint8:
            return _facts(_Raw(names, *_members(archive, names, path)))
        labels = _members(archive, names[1:2], path)[0]
        tests = _reading(path, lambda: _header(path, names[2]))[0][0] if len(names) == 4 else 0
    size = arrays.image_shape(shape, names[0])
    arrays.check_not_empty(shape, names[0])
    classes = arrays.read_labels(labels, names[1], shape[0]).classes
    return datasets.Facts(size, classes, 1 / 255 if dtype == np.uint8 else None, shape[0], tests, names)


def _facts(raw: _Raw) -> datasets.Facts:
    images = arrays.read_images(raw.images, raw.names[0])
    classes = arrays.read_labels(raw.labels, raw.names[1], len(images)).classes
    tests = 0 if raw.test_images is None else len(raw.test_images)
    return datasets.Facts(images.shape[1:], classes, arrays.scale_of(images), len(images), tests)


def _read(source: datasets.Source) -> tuple[_Raw, tuple[str, ...] | None]:
    """The arrays of a source and, where it is a known one, the names of its classes."""
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
            return _Raw(names, *found), None
        case datasets.File(path):
            file = _existing(path)
            with _opened(file) as archive:
                names = _names(archive.files, file)
                return _Raw(names, *_members(archive, names, file)), None
        case datasets.Arrays(names, values):
            return _Raw(names, *values), None
    raise DataError(f"`{source}` can't be read as arrays.")  # the callers give no others


def _single_arrays(paths: tuple[str, ...]) -> _Raw:
    """Arrays of `.npy` files: images and labels, and those of the test after them."""
    if len(paths) not in (2, 4):
        message = f"`{Path(paths[0]).name}` holds one array, and images need labels."
        raise DataError(message, remedy="Write `data IMAGES.npy LABELS.npy`, or put both into one `.npz` file.")
    files = [_existing(path) for path in paths]
    values = [_reading(file, partial(np.load, file, allow_pickle=False)) for file in files]
    return _Raw(tuple(file.name for file in files), *values)


def _digits() -> _Raw:
    """The 1,797 handwritten digits of 8x8 pixels, 0 … 16, that come with scikit-learn."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    return _Raw(("digits", "labels"), digits.images.astype(np.uint8), digits.target)


def _downloaded(name: str) -> _Raw:
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
    return _Raw((name, "labels", "test images", "test labels"), images, labels, test_images, test_labels)


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
        version = np.lib.format.read_magic(member)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
    return shape, dtype


def _test_split(raw: _Raw, classes: tuple[str, ...], resize: Resize | None) -> Split:
    images = arrays.read_images(raw.test_images, raw.names[2])
    arrays.check_finite(images, raw.names[2])
    return Split(resized(images, resize), arrays.encode_labels(raw.test_labels, raw.names[3], len(images), classes))


def _split(whole: Split, part: float, seed: int, notes: list[str], name: str) -> tuple[Split, Split]:
    """The rest and a part of it kept apart."""
    if part == 0:
        return whole, replace(whole, images=whole.images[:0], labels=whole.labels[:0])
    rest, kept = apart(whole.labels, part, seed, notes, name)
    return _taken(whole, rest), _taken(whole, kept)


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


def _taken(whole: Split, indices: np.ndarray) -> Split:
    return Split(whole.images[indices], whole.labels[indices])


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
