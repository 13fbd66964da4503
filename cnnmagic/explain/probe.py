"""What an answer may ask for beside plan and state: tensors of the trained model, images, pictures made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Picked:
    """One image: `pixels` (height, width, channels) as they are shown, 0 … 1; `split`, `index` and `label` name it."""

    pixels: Any = field(repr=False)
    split: str
    index: int
    label: str


@dataclass(frozen=True)
class Confusion:
    """`matrix[actual][answered]` counts images of a split of `whole` images, of which `images` were asked."""

    matrix: Sequence[Sequence[int]]
    classes: Sequence[str]
    split: str
    images: int
    whole: int


class Probe(Protocol):
    """Each method gives None where the network, the data or the training has nothing of the kind yet."""

    def network(self) -> str | None:
        """A picture of the plan with its volumes."""

    def curves(self) -> str | None:
        """Loss and accuracy of the training so far."""

    def runs(self) -> Sequence[tuple[str, ...]]:
        """The table of all runs: a head, then a row for each."""

    def sizes(self) -> dict[tuple[int, int], int] | None:
        """How many images of the data have each (height, width), before they are resized."""

    def picked(self) -> Picked | None:
        """An image that answers are shown on."""

    def logits(self) -> Sequence[float] | None:
        """The last layer's numbers for the picked image, before its activation."""

    def kernel(self, layer: str) -> Any:
        """The trained weights of a convolution: (height, width, channels, filters), and its biases."""

    def patch(self, layer: str, row: int, column: int) -> Any:
        """The numbers under a convolution's window for the output pixel at a place of the picked image, padded."""

    def confusion(self) -> Confusion | None:
        """What the trained network takes images that it was not trained on for."""

    def worst(self) -> Sequence[tuple[Picked, str, float]]:
        """Images told wrong with the highest probability: the image, what it is taken for, with which probability."""

    def maps(self, layer: str) -> Any:
        """What a layer gives for the picked image: (height, width, channels)."""

    def gradcam(self, layer: str) -> Any:
        """Where the likeliest class of the picked image rests on, by Grad-CAM: (height, width), 0 … 1."""

    def pictures(self, arrays: Sequence[Any], labels: Sequence[str], over: Any = None) -> str | None:
        """Arrays (height, width[, channels]) as small pictures side by side, with labels, as HTML; `over` is heat."""
