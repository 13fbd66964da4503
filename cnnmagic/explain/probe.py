"""What an answer may ask for beside plan and state: tensors of the trained model, images, pictures made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Picked:
    """One image: `pixels` (height, width, channels) as they are shown, 0 … 1; `split`, `index` and `label` name it.

    One that the reader brought is of no split, and what it shows is not known.
    """

    pixels: Any = field(repr=False)
    split: str
    index: int
    label: str


@dataclass(frozen=True)
class Confusion:
    """`matrix[actual][answered]` counts images of a split of `whole` images, of which `images` were asked.

    `error` is how far the probabilities are from the shares of right answers (expected calibration error), 0 … 1.
    """

    matrix: Sequence[Sequence[int]]
    classes: Sequence[str]
    split: str
    images: int
    whole: int
    error: float | None = None


@dataclass(frozen=True)
class Stepped:
    """One output pixel of a convolution: `window` times `kernel`, (height, width, channels), all added, plus `bias`.

    `rows` and `columns` are the places under the window, some outside the input where there is padding. `given`
    (height, width) is the first channel that the filter reads, `gone_out` (height, width) what the filter gives.
    `answer` is the activation of the sum, `pixel` what the layer itself gives there.
    """

    window: Any = field(repr=False)
    kernel: Any = field(repr=False)
    bias: float
    total: float
    activation: str
    answer: float
    pixel: float
    rows: Sequence[int]
    columns: Sequence[int]
    given: Any = field(repr=False)
    gone_out: Any = field(repr=False)


@dataclass(frozen=True)
class Activity:
    """What goes out of one layer over `images` images: its spread, the share of zeros; `relu` tells of its kind."""

    layer: str
    images: int
    split: str
    deviation: float
    zeros: float
    relu: bool


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

    def stepped(self, layer: str, filter: int, row: int, column: int) -> Stepped | None:
        """How one output pixel of a convolution comes about on the picked image."""

    def blurred(self, kernel: int, times: int) -> Any:
        """The picked image after that many means over kernel x kernel windows with `same`: (height, width)."""

    def confusion(self) -> Confusion | None:
        """What the trained network takes images that it was not trained on for."""

    def worst(self) -> Sequence[tuple[Picked, str, float]]:
        """Images told wrong with the highest probability: the image, what it is taken for, with which probability."""

    def maps(self, layer: str) -> Any:
        """What a layer gives for the picked image: (height, width, channels)."""

    def gradcam(self, layer: str, number: int | None = None) -> Any:
        """Where a class rests on in the picked image, by Grad-CAM: (height, width), 0 … 1; else the likeliest class."""

    def saliency(self, number: int | None = None) -> Any:
        """How much each pixel of the picked image moves the class's score: (height, width), 0 … 1."""

    def activity(self) -> Sequence[Activity]:
        """What goes out of each layer over a sample of images."""

    def seconds(self) -> Sequence[tuple[str, float]]:
        """Layers and the seconds that each takes for a batch of images by itself, measured here and now."""

    def studied(self) -> Sequence[tuple[str, int]]:
        """Studied networks and their numbers of weights."""

    def plans(self, text: str) -> bool:
        """Whether a changed text of the cell can be planned here."""

    def chosen(self, key: str) -> Any:
        """What the reader has set of the answer by that key."""

    def count(self) -> int:
        """Images that one may be picked from."""

    def pictures(self, arrays: Sequence[Any], labels: Sequence[str], over: Any = None) -> str | None:
        """Arrays (height, width[, channels]) as small pictures side by side, with labels, as HTML; `over` is heat."""
