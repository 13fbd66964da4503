"""What a look through all images of a data set found, as plain values and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnmagic.table import aligned
from cnnmagic.wording import well_formed

SPLITS = ("train", "validation", "test")
SHOWN_CLASSES, SHOWN_LINES, SHOWN_SIZES = 40, 20, 8


@dataclass(frozen=True)
class Finding:
    """Something to look at: what it is, and the images or classes that it is about, by name."""

    title: str
    lines: tuple[str, ...]

    def shown(self) -> tuple[str, ...]:
        """The lines; of very many the first."""
        more = len(self.lines) - SHOWN_LINES
        return (*self.lines[:SHOWN_LINES], f"… and {more:,} more") if more > 0 else self.lines


@dataclass(frozen=True, eq=False)
class Sample:
    """An image (height, width, channels) as the network gets it, its name and class, and it augmented, if it is."""

    name: str
    label: str
    pixels: Any = field(repr=False)
    augmented: tuple[Any, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Survey:
    """All of it: `counts` are the images of each class in train, validation and test, `sizes` (height, width, images).

    `means` and `deviations` are those of each channel's pixels, in the numbers that the data have.
    """

    name: str
    counts: dict[str, tuple[int, int, int]]
    sizes: tuple[tuple[int, int, int], ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    findings: tuple[Finding, ...]
    samples: tuple[Sample, ...] = field(default=(), compare=False, repr=False)

    @property
    def images(self) -> int:
        """Images that were read."""
        return sum(count for *_, count in self.sizes)

    def head(self) -> tuple[str, ...]:
        """Sentences on sizes and pixels."""
        sizes = ", ".join(f"{height}x{width} ({count:,})" for height, width, count in self.sizes[:SHOWN_SIZES])
        more = f" and {len(self.sizes) - SHOWN_SIZES} more" if len(self.sizes) > SHOWN_SIZES else ""
        channels = zip(self.means, self.deviations, strict=True)
        pixels = ", ".join(f"{mean:.4g} ± {spread:.3g}" for mean, spread in channels)
        return (
            well_formed(f"data {self.name}: {self.images:,} images in {len(self.counts)} classes"),
            f"sizes: {sizes}{more}",
            f"pixels, mean ± standard deviation of each channel: {pixels}",
        )

    def rows(self) -> list[tuple[str, ...]]:
        """The table of classes; of very many the first."""
        shown = [(name, *(f"{count:,}" for count in counts)) for name, counts in self.counts.items()][:SHOWN_CLASSES]
        totals = [f"{sum(column):,}" for column in zip(*self.counts.values(), strict=True)]
        left = len(self.counts) - SHOWN_CLASSES
        more = [(f"… and {left:,} more", "", "", "")] if left > 0 else []
        return [("class", *SPLITS), *shown, *more, ("together", *totals)]

    def __str__(self) -> str:
        told: list[str] = [*self.head(), "", *aligned(self.rows(), (1, 2, 3)), ""]
        for finding in self.findings:
            told += [f"{finding.title}:", *(f"  {line}" for line in finding.shown())]
        return "\n".join([*told, *([] if self.findings else ["nothing stands out."])])


def findings_of(titles: Sequence[tuple[str, Sequence[str]]]) -> tuple[Finding, ...]:
    """Findings of those that have lines."""
    return tuple(Finding(title, tuple(lines)) for title, lines in titles if lines)
