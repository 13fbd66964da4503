"""Data of a plan: what is known of them before (`describe`), and the three splits ready for training (`load`)."""

from __future__ import annotations

from dataclasses import replace

from cnnmagic import datasets
from cnnmagic.engine import arrays
from cnnmagic.engine.ranges import ends_of
from cnnmagic.engine.raw import Raw, facts_of_arrays, facts_of_file, read_raw
from cnnmagic.engine.splits import Dataset, Split, apart, resized, weights_of
from cnnmagic.errors import DataError
from cnnmagic.layers import show
from cnnmagic.plans import Plan, Resize


def describe(source: datasets.Source) -> datasets.Facts:
    """The facts of a source, without reading the images of a file.

    Raises `MissingData` where a file is not there, `DataError` where it does not hold what is needed.
    """
    from cnnmagic.engine.photos import facts_of, listing_of

    listing = listing_of(source)
    if listing is not None:
        return facts_of(listing)
    if isinstance(source, datasets.File) and not source.others and not source.path.lower().endswith(".npy"):
        return facts_of_file(source)
    return facts_of_arrays(read_raw(source)[0])


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
    raw, scale_to = read_raw(source)
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
    black, white = ends_of(images)
    weights = weights_of(plan, train, len(classes))
    return Dataset(str(source), classes, train, validation, test, tuple(notes), plan.resize, weights, white, black)


def _test_split(raw: Raw, classes: tuple[str, ...], resize: Resize | None) -> Split:
    images = arrays.read_images(raw.test_images, raw.names[2])
    arrays.check_finite(images, raw.names[2])
    return Split(resized(images, resize), arrays.encode_labels(raw.test_labels, raw.names[3], len(images), classes))


def _split(whole: Split, part: float, seed: int, notes: list[str], name: str) -> tuple[Split, Split]:
    """The rest and a part of it kept apart."""
    if part == 0:
        return whole, replace(whole, images=whole.images[:0], labels=whole.labels[:0])
    rest, kept = apart(whole.labels, part, seed, notes, name)
    return whole.take(rest), whole.take(kept)
