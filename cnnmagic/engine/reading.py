"""The first pass over encoded images: each is checked, and kept where there is room; bad ones are told by name."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cnnmagic.datasets import three_ways
from cnnmagic.engine import together
from cnnmagic.engine.cache import Memory
from cnnmagic.engine.decode import Unreadable
from cnnmagic.engine.pictures import Album, Pictures, chunks
from cnnmagic.engine.splits import Dataset, Split, balanced
from cnnmagic.errors import DataError

SHOWN_BAD, SHOWN_SIZES = 20, 5
SECONDS_BETWEEN_REPORTS = 0.2
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Faults:
    """What a pass found: (number, why) of images that can't be read, and of those that the network can't take."""

    bad: tuple[tuple[int, str], ...]
    misfits: tuple[int, ...]


def read_all(
    dataset: Dataset,
    tell: Callable[[int, int], object] = lambda done, whole: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Dataset | None:
    """The data set with its images read, checked and kept; None where `stopped` said so. Arrays come back as they are.

    `tell(done, whole)` hears how far it is. Raises `DataError` that names all that can't be read, unless the plan says
    `bad=skip`: then it is left out and noted.
    """
    album = dataset.album
    if album is None or dataset.is_read:
        return dataset
    faults = check(album, _numbers(dataset), tell, stopped)
    if faults is None:
        return None
    if faults.misfits:
        raise DataError(_told_misfits(album, faults.misfits), remedy=_ways(album))
    if faults.bad and dataset.bad != "skip":
        raise DataError(told_bad(album, faults.bad), remedy="Mend or remove them, or write `bad=skip`.")
    return _settled(dataset, faults.bad)


def check(
    album: Album,
    numbers: Sequence[int],
    tell: Callable[[int, int], object],
    stopped: Callable[[], bool],
) -> Faults | None:
    """Decode the images of these numbers, several at a time; None where `stopped` said so.

    Those that an earlier pass, such as another trial's of a sweep, has found good are not read again.
    """
    ended = threading.Event()
    left = [number for number in numbers if not album.is_good[number]]
    is_quick = together.serves(album.form, len(left))
    parts = chunks(left, together.AT_ONCE) if is_quick else chunks(left)

    def read(part: Sequence[int]) -> tuple[list[tuple[int, str]], list[int], int]:
        bad, misfits = [], []
        found = album.read_together(part) if is_quick and not ended.is_set() else None
        if found is not None:
            return [], [number for number, image in zip(part, found, strict=True) if not album.fits(image)], len(part)
        for number in part:
            if ended.is_set():
                break
            try:
                if not album.fits(album.read(number)):
                    misfits.append(number)
            except Unreadable as error:
                bad.append((number, str(error)))
        return bad, misfits, len(part)

    bad: list[tuple[int, str]] = []
    misfits: list[int] = []
    done, told = len(numbers) - len(left), 0.0
    try:
        for found in album.pool.map(read, parts):
            bad += found[0]
            misfits += found[1]
            done += found[2]
            if stopped():
                return None
            if time.monotonic() - told >= SECONDS_BETWEEN_REPORTS or done == len(numbers):
                told = time.monotonic()
                tell(done, len(numbers))
    finally:
        ended.set()
    return Faults(tuple(bad), tuple(misfits))


def told_bad(album: Album, bad: Sequence[tuple[int, str]]) -> str:
    """All that can't be read, by name, with why; of very many the first."""
    lines = [f"  {album.listing.names[number]} {why}" for number, why in bad[:SHOWN_BAD]]
    more = [f"  … and {len(bad) - SHOWN_BAD:,} more"] if len(bad) > SHOWN_BAD else []
    count = "1 image" if len(bad) == 1 else f"{len(bad):,} images"
    return "\n".join([f"{count} can't be read:", *lines, *more])


def _numbers(dataset: Dataset) -> list[int]:
    parts = [split.images.numbers for split in _splits(dataset) if isinstance(split.images, Pictures)]
    return sorted(np.concatenate(parts).tolist())


def _splits(dataset: Dataset) -> list[Split]:
    return [getattr(dataset, name) for name in SPLITS]


def without(dataset: Dataset, numbers: Sequence[int]) -> Dataset:
    """The data set without the encoded images of these numbers; nothing is read."""
    parts: dict[str, Any] = {}
    for name, split in zip(SPLITS, _splits(dataset), strict=True):
        parts[name] = split.take(np.flatnonzero(~np.isin(split.images.numbers, np.array(numbers, np.int64))))
    if not len(parts["train"]):
        raise DataError("none of the training images can be read.", remedy="Check the files.")
    weights = balanced(parts["train"], len(dataset.classes)) if dataset.weights is not None else None
    return replace(dataset, **parts, weights=weights, left_out=tuple(numbers), is_read=True)


def _settled(dataset: Dataset, bad: Sequence[tuple[int, str]]) -> Dataset:
    """The data set without the images that can't be read; small ones of one size become arrays."""
    good = without(dataset, [number for number, _ in bad])
    notes = (*dataset.notes, f"left out: {told_bad(dataset.album, bad)}") if bad else dataset.notes
    parts: dict[str, Any] = {}
    if isinstance(dataset.album.cache, Memory) and not good.train.images.is_free:
        splits = zip(SPLITS, _splits(good), strict=True)
        parts = {name: Split(split.images[:], split.labels) for name, split in splits}
    return replace(good, **parts, notes=notes)


def _told_misfits(album: Album, misfits: Sequence[int]) -> str:
    sizes = Counter(album.size(number) for number in misfits)
    told = ", ".join(f"{height}x{width} ({count:,})" for (height, width), count in sizes.most_common(SHOWN_SIZES))
    more = f" and {len(sizes) - SHOWN_SIZES} more sizes" if len(sizes) > SHOWN_SIZES else ""
    count = "1 image has" if len(misfits) == 1 else f"{len(misfits):,} images have"
    wanted = f"{album.form.height or '?'}x{album.form.width or '?'}"
    first = album.listing.names[misfits[0]]
    return f"{count} another size than {wanted}: {told}{more}; the first is `{first}`."


def _ways(album: Album) -> str:
    form = album.form
    return three_ways(f"{form.height or 64}x{form.width or 64}", form.channels)
