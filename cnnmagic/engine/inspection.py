"""A look through all images of a plan's data: counts, sizes, means, and what is wrong with which of them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from cnnmagic.datasets import Folder
from cnnmagic.engine.data import load
from cnnmagic.engine.decode import EXTENSIONS, Form, Unreadable, decode
from cnnmagic.engine.folders import local
from cnnmagic.engine.pictures import Pictures, chunks
from cnnmagic.engine.splits import Dataset, Split
from cnnmagic.layers import Rescaling
from cnnmagic.plans import Plan, Training
from cnnmagic.survey import SPLITS, Sample, Survey, findings_of

SAMPLES_EACH, SAMPLED_CLASSES, VERSIONS = 4, 12, 3
RANDOM = ("Random", "RandAugment")
FEW = 10  # images of a class
FEW_OF_MEAN = 0.1


@dataclass
class _Seen:
    """What the images so far add up to; `marks` are (split, name) of the images of the same pixels."""

    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    sums: Any = 0.0
    squares: Any = 0.0
    pixels: int = 0
    marks: dict[bytes, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    bad: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    misnamed: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Look:
    """One image looked at."""

    split: str
    name: str
    size: tuple[int, int] = (0, 0)
    sums: Any = 0.0
    squares: Any = 0.0
    mark: bytes = b""
    is_constant: bool = False
    kind: str = ""
    fault: str = ""


def survey(plan: Plan) -> Survey:
    """Read all images of a plan's data once, and tell what there is; raises `DataError` where there are none.

    What can't be read is told and raises nothing.
    """
    dataset = load(replace(plan, training=plan.training or Training()))
    seen = _Seen()
    for look in _looks(dataset):
        _add(seen, look)
    mean = seen.sums / max(1, seen.pixels)
    spread = np.sqrt(np.maximum(0, seen.squares / max(1, seen.pixels) - mean**2))
    return Survey(
        name=str(plan.source),
        counts=_counts(dataset),
        sizes=tuple((*size, count) for size, count in seen.sizes.most_common()),
        means=tuple(np.atleast_1d(mean).tolist()),
        deviations=tuple(np.atleast_1d(spread).tolist()),
        findings=findings_of([*_titles(dataset, seen), ("folders with nothing in them", _empty_folders(plan))]),
        samples=tuple(_samples(plan, dataset)),
    )


def _looks(dataset: Dataset) -> Iterator[_Look]:
    """Each image of each split, several at a time where they must be decoded."""
    for split in SPLITS:
        part: Split = getattr(dataset, split)
        if isinstance(part.images, Pictures):
            yield from _decoded(part.images, split)
        else:
            for number in range(len(part)):
                yield _look(split, f"{split}[{number}]", part.images[number])


def _decoded(pictures: Pictures, split: str) -> Iterator[_Look]:
    album, ended = pictures.album, threading.Event()
    form = Form(None, None, album.form.channels)

    def look(numbers: Sequence[int]) -> list[_Look]:
        found = []
        for number in numbers:
            if ended.is_set():
                break
            name = album.listing.names[number]
            try:
                pixels, header = decode(album.listing.read(number), form)
                found.append(replace(_look(split, name, pixels), kind=header.kind))
            except Unreadable as error:
                found.append(_Look(split, name, fault=str(error)))
        return found

    try:
        for found in album.pool.map(look, chunks(pictures.numbers.tolist())):
            yield from found
    finally:
        ended.set()


def _look(split: str, name: str, pixels: np.ndarray) -> _Look:
    flat = pixels.reshape(-1, pixels.shape[-1]).astype("float64")
    mark = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=12, person=str(pixels.shape)[:16].encode())
    constant = bool((pixels == pixels[:1, :1]).all())
    return _Look(split, name, pixels.shape[:2], flat.sum(0), np.square(flat).sum(0), mark.digest(), constant)


def _add(seen: _Seen, look: _Look) -> None:
    if look.fault:
        seen.bad.append(f"{look.name} {look.fault}")
        return
    seen.sizes[look.size] += 1
    seen.sums, seen.squares = seen.sums + look.sums, seen.squares + look.squares
    seen.pixels += look.size[0] * look.size[1]
    seen.marks[look.mark].append((look.split, look.name))
    if look.is_constant:
        seen.constant.append(look.name)
    ending = PurePath(look.name).suffix.lower()
    if look.kind and ending and "[" not in look.name and ending not in EXTENSIONS[look.kind]:
        seen.misnamed.append(f"{look.name} is {look.kind}")


def _titles(dataset: Dataset, seen: _Seen) -> list[tuple[str, Sequence[str]]]:
    same = [found for found in seen.marks.values() if len(found) > 1]
    leaks = [found for found in same if len({split for split, _ in found}) > 1]
    within = [found for found in same if len({split for split, _ in found}) == 1]
    return [
        ("images that can't be read", seen.bad),
        ("names that tell another kind than the content", seen.misnamed),
        ("the same image in two splits (a leak: what is judged was trained on)", list(map(_told, leaks))),
        ("the same image more than once", list(map(_told, within))),
        ("images of one single colour", seen.constant),
        *_of_classes(dataset),
        ("told while listing", [note for note in dataset.notes if "training images lack" not in note]),
    ]


def _told(found: Sequence[tuple[str, str]]) -> str:
    return " = ".join(f"{name} ({split})" if not name.startswith(split) else name for split, name in found)


def _of_classes(dataset: Dataset) -> list[tuple[str, Sequence[str]]]:
    counts = _counts(dataset)
    usual = sum(train for train, *_ in counts.values()) / max(1, len(counts))
    few = [
        f"{name}: {train}"
        for name, (train, *_) in counts.items()
        if 0 < train < max(FEW, FEW_OF_MEAN * usual) and usual > train
    ]
    missing = [name for name, (train, *others) in counts.items() if not train and not any(others)]
    strange = [
        f"{name}: {validation} in validation, {test} in test"
        for name, (train, validation, test) in counts.items()
        if not train and (validation or test)
    ]
    lacking = [
        (f"classes that the {split} images lack", [name for name, found in counts.items() if found[0] and not found[n]])
        for n, split in enumerate(SPLITS)
        if n and any(found[n] for found in counts.values())
    ]
    return [
        ("classes with few training images", few),
        ("classes without images", missing),
        ("classes that the training images lack", strange),
        *lacking,
    ]


def _empty_folders(plan: Plan) -> list[str]:
    """Folders below that of the data which hold no files and no folders: a class, perhaps, whose images are missing."""
    if not isinstance(plan.source, Folder):
        return []
    root = local(plan.source.path)
    found = [Path(folder) for folder, inner, files in os.walk(root) if not inner and not files]
    names = [folder.relative_to(root) for folder in found if folder != root]
    return sorted(name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts))


def _counts(dataset: Dataset) -> dict[str, tuple[int, int, int]]:
    parts = [np.bincount(getattr(dataset, split).labels, minlength=len(dataset.classes)) for split in SPLITS]
    return {name: (int(a), int(b), int(c)) for name, a, b, c in zip(dataset.classes, *parts, strict=False)}


def _samples(plan: Plan, dataset: Dataset) -> Iterator[Sample]:
    """A few training images of each class, as the network gets them, and augmented."""
    change = _augmentation(plan)
    for number, label in list(enumerate(dataset.classes))[:SAMPLED_CLASSES]:
        rows = np.flatnonzero(dataset.train.labels == number)
        found = 0
        for row in rows.tolist():
            pixels = _readable(dataset.train, row)
            if pixels is None:
                continue
            versions = tuple(change(pixels) for _ in range(VERSIONS)) if change and not found else ()
            yield Sample(_name(dataset.train, row), label, pixels, versions)
            found += 1
            if found == SAMPLES_EACH:
                break


def _readable(split: Split, row: int) -> np.ndarray | None:
    if not isinstance(split.images, Pictures):
        return np.asarray(split.images[row])
    try:
        return split.images.album.read(int(split.images.numbers[row]))
    except Unreadable:
        return None


def _name(split: Split, row: int) -> str:
    if isinstance(split.images, Pictures):
        return str(split.images.album.listing.names[int(split.images.numbers[row])])
    return f"train[{row}]"


def _augmentation(plan: Plan) -> Callable[[np.ndarray], np.ndarray] | None:
    """What the network's first layers make of an image in training, in the numbers that the data have.

    They are those up to the last random one, run as they are; what they scale is scaled back. None if none is random.
    """
    steps = list(takewhile(lambda step: step.layer.kind.startswith(("Rescaling", *RANDOM)), plan.steps))
    while steps and not steps[-1].layer.kind.startswith(RANDOM):
        steps.pop()
    if not steps:
        return None
    from cnnmagic.engine.arguments import make_layer
    from cnnmagic.engine.backend import load_keras

    keras = load_keras()
    layers = [make_layer(keras, step.layer) for step in steps]
    scaling = [step.layer for step in steps if isinstance(step.layer, Rescaling)]

    def change(pixels: np.ndarray) -> np.ndarray:
        tensor = keras.ops.convert_to_tensor(pixels[None].astype("float32"))
        for layer in layers:
            tensor = layer(tensor, training=True)
        numbers = keras.ops.convert_to_numpy(tensor)[0]
        for layer in reversed(scaling):
            numbers = (numbers - np.array(layer.offset)) / np.array(layer.scale)
        if pixels.dtype.kind not in "ui":
            return numbers
        kept = np.iinfo(pixels.dtype)
        return np.clip(np.rint(numbers), kept.min, kept.max).astype(pixels.dtype)

    return change
