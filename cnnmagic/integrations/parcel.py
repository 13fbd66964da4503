"""Data that are sent to workers as one `.npz` file: arrays, or encoded images, of which each decodes its own share."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from cnnmagic.engine.cache import cache_for
from cnnmagic.engine.decode import Form, Unreadable
from cnnmagic.engine.listing import Listing
from cnnmagic.engine.pictures import Album, Pictures
from cnnmagic.engine.splits import Dataset, Split
from cnnmagic.errors import DataError
from cnnmagic.integrations.cluster import is_classic
from cnnmagic.plans import Resize

MOST_BYTES = 500_000_000
MOST_BYTES_OF_CONNECT = 100_000_000  # a message to its server has 128 MB at most, the model in it
SENT = ("train", "validation")  # the test images stay with the driver
REMEDY = "Put them where every worker can read them, and write `data PATH`: a folder, .npz, .zip, .csv or .parquet."


def most_bytes(spark: Any) -> int:
    """How many bytes of data a job of this session may be sent with."""
    return MOST_BYTES if is_classic(spark) else min(MOST_BYTES, MOST_BYTES_OF_CONNECT)


def parcel_of(dataset: Dataset, most: int) -> bytes:
    """The training and validation images with their labels; raises `DataError` where they take more than `most` bytes.

    Images that are decoded already and held are sent as arrays, others as the bytes of their files.
    """
    splits = {name: getattr(dataset, name) for name in SENT}
    parts = {f"{name}_labels": split.labels for name, split in splits.items()}
    if all(isinstance(split.images, np.ndarray) for split in splits.values()):
        _check(sum(split.images.nbytes for split in splits.values()), "arrays", most)
        parts |= {f"{name}_images": split.images for name, split in splits.items()}
    else:
        numbers = np.concatenate([split.images.numbers for split in splits.values()])
        parts |= _encoded(dataset.album.listing, numbers.tolist(), most)
        parts["area"] = np.array(_area_of(dataset.album, numbers.tolist()))
    file = io.BytesIO()
    np.savez(file, **parts)
    return file.getvalue()


def form_of(dataset: Dataset) -> dict[str, Any] | None:
    """The form of encoded images as plain values; None for arrays."""
    return None if dataset.album is None else asdict(dataset.album.form)


def from_parcel(
    body: bytes, classes: tuple[str, ...], weights: dict[int, float] | None, form: dict[str, Any] | None
) -> Dataset:
    """The data of a parcel, without a test set; encoded images are decoded when they are asked for."""
    with np.load(io.BytesIO(body), allow_pickle=False) as file:
        found = dict(file)
    labels = {name: found[f"{name}_labels"] for name in SENT}
    images = _pictures(found, labels, classes, form or {}) if "contents" in found else None
    train, validation = (
        Split(found[f"{name}_images"] if images is None else images[name], labels[name]) for name in SENT
    )
    album = None if images is None else images["train"].album
    none = train.take(np.arange(0))
    return Dataset("sent data", classes, train, validation, none, (), weights=weights, album=album, is_read=True)


def _check(size: int, what: str, most: int) -> None:
    if size > most:
        message = f"the {what} have more than {most / 1e6:,.0f} MB, the most that is sent to workers."
        raise DataError(message, remedy=REMEDY)


def _area_of(album: Album, numbers: list[int]) -> int:
    """Pixels of these images as the network takes them, in the mean."""
    if album.form.height is not None and album.form.width is not None:
        return album.form.height * album.form.width
    return int(np.mean([height * width for height, width in map(album.size, numbers)]))


def _encoded(listing: Listing, numbers: list[int], most: int) -> dict[str, np.ndarray]:
    """The bytes of these images one after the other, where each ends, and their names."""
    contents: list[bytes] = []
    size = 0
    for number in numbers:
        try:
            contents.append(listing.read(number))
        except Unreadable as error:  # it was read a moment ago
            raise DataError(f"`{listing.names[number]}` {error}.", remedy="Check the file.") from error
        size += len(contents[-1])
        _check(size, "encoded images", most)
    names = json.dumps([listing.names[number] for number in numbers]).encode()
    return {
        "contents": np.frombuffer(b"".join(contents), np.uint8),
        "ends": np.cumsum([len(content) for content in contents]),
        "names": np.frombuffer(names, np.uint8),
    }


def _pictures(
    found: dict[str, np.ndarray], labels: dict[str, np.ndarray], classes: tuple[str, ...], form: dict[str, Any]
) -> dict[str, Pictures]:
    """The encoded images of each split."""
    ends, contents = found["ends"], found["contents"]
    count = len(labels["train"])
    rows = {"train": np.arange(count), "validation": np.arange(count, len(ends))}

    def read(number: int) -> bytes:
        return contents[ends[number - 1] if number else 0 : ends[number]].tobytes()

    names = json.loads(found["names"].tobytes())
    listing = Listing(names, read, np.concatenate(list(labels.values())), classes, rows)
    made = Form(**{**form, "resize": Resize(**form["resize"]) if form["resize"] else None})
    album = Album(listing, made, cache_for(len(ends), int(found["area"]) * made.channels))
    return {name: Pictures(album, rows[name]) for name in SENT}
