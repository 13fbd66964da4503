"""Sources of encoded images to facts and to splits; nothing is decoded here."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from cnnmagic import datasets
from cnnmagic.engine.arrays import CHANNELS
from cnnmagic.engine.cache import cache_for
from cnnmagic.engine.decode import Form
from cnnmagic.engine.listing import Listing
from cnnmagic.engine.pictures import Album, Pictures
from cnnmagic.engine.splits import Dataset, Split, apart, weights_of
from cnnmagic.errors import DataError
from cnnmagic.plans import Plan

UNKNOWN_SIDE = 256  # for the room that images take whose sizes differ


def listing_of(source: datasets.Source) -> Listing | None:
    """The listing of a source of encoded images; None for a source of arrays. Raises `DataError`."""
    from cnnmagic.engine.archives import list_archive
    from cnnmagic.engine.folders import list_folder
    from cnnmagic.engine.held import kind_of, list_hugging_face
    from cnnmagic.engine.tables import are_paths, list_frame, list_paths, list_table

    match source:
        case datasets.Folder(path):
            return list_archive(path) if path.lower().endswith(datasets.ARCHIVES) else list_folder(path)
        case datasets.Table():
            return list_table(source)
        case datasets.Held(values=values) if kind_of(values[0]) == "frame":
            return list_frame(source)
        case datasets.Held(values=values) if kind_of(values[0]) == "hugging face":
            return list_hugging_face(source)
        case datasets.Arrays(values=values) if are_paths(values[0]):
            return list_paths(source)
    return None


def facts_of(listing: Listing) -> datasets.Facts:
    """Facts by the headers of a sample; raises `DataError` where none of them can be read."""
    headers = listing.sample()
    if not headers:
        message = f"none of the images looked at can be read; the first, `{listing.names[0]}`, {listing.fault(0)}."
        raise DataError(message, remedy="JPEG, PNG, GIF, BMP, WebP and TIFF of 8 or 16 bits can be read.")
    sizes = Counter((header.height, header.width) for header in headers)
    channels = max(header.channels for header in headers)
    height, width = (None, None) if len(sizes) > 1 else next(iter(sizes))
    counts = {name: len(rows) for name, rows in listing.rows.items()}
    tests = counts.get("test", 0)
    return datasets.Facts(
        (height, width, channels),
        listing.classes,
        1 / 255,
        len(listing) - tests,
        tests,
        encoded=True,
        sizes=tuple((*size, count) for size, count in sizes.most_common()),
        splits=tuple(counts) if len(counts) > 1 else (),
        validations=counts.get("validation", 0),
    )


def load_listing(plan: Plan, listing: Listing) -> Dataset:
    """The splits of a listing, none of their images read: those that it came in, else parts of it; raises `DataError`.

    The order of the files on the disk makes no difference, nor does the machine.
    """
    channels = plan.input_shape[-1] if plan.input_shape else listing.sample()[0].channels
    if channels not in CHANNELS or channels == 2:
        message = f"images can't be decoded to {channels} channels."
        raise DataError(message, remedy="Write 1 (grey), 3 (colour) or 4 (with transparency) in the `input` line.")
    form = _form(plan, channels)
    notes = list(listing.aside)
    rows = _rows(plan, listing, notes)
    album = Album(listing, form, cache_for(len(listing), _bytes_each(plan, form)))
    splits = {name: Split(Pictures(album, found), listing.labels[found]) for name, found in rows.items()}
    return Dataset(
        str(plan.source),
        listing.classes,
        splits["train"],
        splits["validation"],
        splits["test"],
        tuple(notes),
        resize=plan.resize,
        weights=weights_of(plan, splits["train"], len(listing.classes)),
        album=album,
        bad=plan.bad,
    )


def _form(plan: Plan, channels: int) -> Form:
    if plan.resize is not None:
        return Form(plan.resize.height, plan.resize.width, channels, plan.resize)
    height, width = plan.input_shape[:2] if plan.input_shape else (None, None)
    return Form(height, width, channels)


def _rows(plan: Plan, listing: Listing, notes: list[str]) -> dict[str, np.ndarray]:
    """The numbers of each split's images; what the data came in is left as it is."""
    seed, none = plan.seed or 0, np.zeros(0, np.int64)
    given = dict(listing.rows)
    train = given["train"]
    test, validation = given.get("test"), given.get("validation")
    if len(given) == 1:
        kept = apart(listing.labels[train], plan.test, seed, notes, "test")
        train, test = train[kept[0]], train[kept[1]]
    share = plan.training.validation if plan.training else 0.0
    if validation is None:
        kept = apart(listing.labels[train], share, seed, notes, "validation")
        train, validation = train[kept[0]], train[kept[1]]
    notes.extend(_strange(listing, train, {"validation": validation, "test": none if test is None else test}))
    return {"train": train, "validation": validation, "test": none if test is None else test}


def _strange(listing: Listing, train: np.ndarray, others: dict[str, np.ndarray]) -> list[str]:
    """Classes that a split has and the training images lack."""
    known, told = set(listing.labels[train].tolist()), []
    for name, rows in others.items():
        strange = sorted(set(listing.labels[rows].tolist()) - known)
        if strange:
            names = ", ".join(f"`{listing.classes[number]}`" for number in strange)
            told.append(f"classes of the {name} images that the training images lack: {names}")
    return told


def _bytes_each(plan: Plan, form: Form) -> int:
    """Bytes of an image in the mean."""
    if form.height is not None and form.width is not None:
        return form.height * form.width * form.channels
    sizes: Any = plan.facts.sizes if plan.facts else ()
    area = sum(height * width * count for height, width, count in sizes) / max(1, sum(count for *_, count in sizes))
    return int((area or UNKNOWN_SIDE**2) * form.channels)
