"""Which numbers are black and white in arrays, by the range that they have; images of another range are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cnnmagic.errors import DataError

if TYPE_CHECKING:
    from cnnmagic.engine.splits import Dataset

SMALL = 16.0  # up to here the largest number is white itself, as in scikit-learn's digits; beyond it 255 is
SAMPLE = 1_000  # training images that tell whether all hold whole numbers
SLACK = 1.05  # images that were resized reach a little beyond black and white


def ends_of(images: np.ndarray) -> tuple[float, float]:
    """The numbers that are black and white in training images, as far as their own range tells.

    They are 0 and 1, 0 and 255, or 0 and what more bits hold; -0.5 and 0.5, or -1 and 1; else the least and largest.
    """
    least, largest = float(images.min()), float(images.max())
    if -least <= (SLACK - 1) * largest:
        return 0.0, _white(largest)
    side = max(-least, largest)
    half = next((half for half in (0.5, 1.0) if side <= half * SLACK), None)
    return (-half, half) if half and images.dtype.kind == "f" else (least, max(largest, 0.0))


def _white(largest: float) -> float:
    if largest <= SLACK:
        return 1.0
    if largest <= SMALL:
        return largest
    return max(255.0, 2.0 ** np.ceil(np.log2(largest / SLACK + 1)) - 1)


def _are_whole(images: np.ndarray) -> bool:
    return images.dtype.kind in "uib" or bool((images == np.rint(images)).all())


def check_range(images: np.ndarray, dataset: Dataset, name: str) -> None:
    """Raise `DataError` for images from 0 to 1 where those of the training went to 16 and more, or the other way round.

    Whole numbers that all are 0 or 1 pass: they may be images that are almost black. So do fractions where the training
    images hold fractions too.
    """
    if dataset.black < 0 or not images.size:
        return
    white, largest = dataset.white, float(images.max())
    if white >= SMALL and images.dtype.kind == "f" and 0 < largest <= 1 and images.min() >= 0:
        if not _are_whole(images) and (dataset.album is not None or _are_whole(dataset.train.images[:SAMPLE])):
            message = f"`{name}` holds fractions up to {largest:.3g}, and the network was trained on 0 to {white:,.0f}."
            remedy = (
                f"Bring them to its range: `{name} * {white:.0f}`. Images that are almost black: `np.rint({name})`."
            )
            raise DataError(message, remedy=remedy)
    elif white <= 1 and largest > SMALL:
        message = f"`{name}` holds numbers up to {largest:,.6g}, and the network was trained on 0 to 1."
        raise DataError(message, remedy=f"Bring them to its range: `{name} / {_white(largest):.0f}`.")
