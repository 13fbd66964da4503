"""Where data come from and what is known of them before they are loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

TEN_DIGITS = tuple("0123456789")
FASHION = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Facts:
    """What a plan needs to know of its data.

    `shape` is (height, width, channels); `classes` are the labels' names in order; `scale` brings pixels to 0 … 1 and
    is None where values are taken as they are; `examples` and `tests` count images, `tests` is 0 without a test set;
    `names` are those of the arrays in a file.
    """

    shape: tuple[int | None, ...]
    classes: tuple[str, ...]
    scale: float | None
    examples: int
    tests: int = 0
    names: tuple[str, ...] = field(default=(), compare=False)


NAMED = {
    "digits": Facts((8, 8, 1), TEN_DIGITS, 1 / 16, 1_797),
    "mnist": Facts((28, 28, 1), TEN_DIGITS, 1 / 255, 60_000, 10_000),
    "fashion_mnist": Facts((28, 28, 1), FASHION, 1 / 255, 60_000, 10_000),
    "cifar10": Facts((32, 32, 3), CIFAR10, 1 / 255, 50_000, 10_000),
    "cifar100": Facts((32, 32, 3), tuple(map(str, range(100))), 1 / 255, 50_000, 10_000),
}


@dataclass(frozen=True)
class Named:
    """A data set known by name: `data mnist`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class File:
    """A file of arrays: `data PATH.npz`."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays of the notebook: `data {{x}} {{y}}`, with a test set `data {{x}} {{y}} {{x_test}} {{y_test}}`."""

    names: tuple[str, ...]
    values: tuple[Any, ...] = field(repr=False)

    def __str__(self) -> str:
        return " ".join("{{" + name + "}}" for name in self.names)


@dataclass(frozen=True)
class Folder:
    """A folder of images: `data images:FOLDER`."""

    path: str

    def __str__(self) -> str:
        return f"images:{self.path}"


Source = Named | File | Arrays | Folder
