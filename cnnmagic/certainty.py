"""How much a share of right answers says that was counted on a few images, and of which classes it says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

FEW = 50  # images, of which one is two points of the accuracy or more
DEVIATIONS = 1.96  # of 95 in 100 samples


def interval(share: float, images: int) -> tuple[float, float]:
    """The shares between which that of all images of the kind lies, by a sample of so many, in 95 of 100 cases.

    E. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
    """
    square = DEVIATIONS**2 / images
    middle, reach = share + square / 2, DEVIATIONS * sqrt(share * (1 - share) / images + square / images / 4)
    return max(0.0, (middle - reach) / (1 + square)), min(1.0, (middle + reach) / (1 + square))


def absent(counted: Iterable[int], classes: Sequence[str]) -> tuple[str, ...]:
    """The classes of which there is no image; `counted` are the numbers of the classes that have one at least."""
    there = set(counted)
    return tuple(name for number, name in enumerate(classes) if number not in there)


def named(classes: Sequence[str], most: int = 10) -> str:
    """The first of some classes by their names, and how many more there are."""
    return ", ".join(classes[:most]) + (f", … ({len(classes):,})" if len(classes) > most else "")
