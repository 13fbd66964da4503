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
    `names` are those of the arrays in a file. Of encoded images a height and width that differ are None, `sizes` are
    then (height, width, images) of a sample; they are decoded to the channels that the network takes. `splits` are the
    names of those that the data come in, where they do; `validations` of the examples are for validation then.
    `least` and `largest` are those of pixels that are taken as they are; None where they are not known.
    """

    shape: tuple[int | None, ...]
    classes: tuple[str, ...]
    scale: float | None
    examples: int
    tests: int = 0
    names: tuple[str, ...] = field(default=(), compare=False)
    encoded: bool = False
    sizes: tuple[tuple[int, int, int], ...] = ()
    splits: tuple[str, ...] = ()
    validations: int = 0
    least: float | None = field(default=None, compare=False)
    largest: float | None = field(default=None, compare=False)

    def kept(self, split: str, part: float, of: int | None = None) -> int:
        """How many images, `of` so many, are kept for `test` or `validation`.

        The data's own test images are not among the examples, those of its own for validation are.
        """
        if split == "validation" and self.validations:
            return self.validations
        own = split in self.splits or (split == "test" and (self.tests or len(self.splits) > 1))
        images = self.examples if of is None else of
        return 0 if own or not part else max(1, round(part * images))


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
    """Arrays in files: `data PATH.npz`, or one array in each, `data IMAGES.npy LABELS.npy`, a test set after them."""

    path: str
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.path, *self.others))


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays of the notebook: `data {{x}} {{y}}`, with a test set `data {{x}} {{y}} {{x_test}} {{y_test}}`.

    Images may be a list of paths as well.
    """

    names: tuple[str, ...]
    values: tuple[Any, ...] = field(repr=False)

    def __str__(self) -> str:
        return " ".join("{{" + name + "}}" for name in self.names)


@dataclass(frozen=True)
class Folder:
    """A folder of images, or an archive of one read in place: `data images:FOLDER`, `data photos.zip`."""

    path: str

    def __str__(self) -> str:
        return f"images:{self.path}"


@dataclass(frozen=True)
class Table:
    """A CSV or Parquet file with a column of paths, or of encoded images, and one of labels: `data PATH.csv`."""

    path: str
    image: str = ""
    label: str = ""

    def __str__(self) -> str:
        return _with_columns(self.path, self.image, self.label)


@dataclass(frozen=True, eq=False)
class Held:
    """What the notebook holds images and labels in: a frame, a Hugging Face data set, a `tf.data.Dataset`."""

    names: tuple[str, ...]
    values: tuple[Any, ...] = field(repr=False)
    image: str = ""
    label: str = ""

    def __str__(self) -> str:
        return _with_columns(" ".join("{{" + name + "}}" for name in self.names), self.image, self.label)


@dataclass(frozen=True, eq=False)
class SparkTable:
    """A table of Spark's catalog, on Databricks of Unity Catalog: `data table:CATALOG.SCHEMA.TABLE image=… label=…`.

    Each one is itself and equal to no other: it stands for the table as it was when its text was planned.
    """

    name: str
    image: str = ""
    label: str = ""

    def __str__(self) -> str:
        return _with_columns(f"table:{self.name}", self.image, self.label)


Source = Named | File | Arrays | Folder | Table | Held | SparkTable
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
TABLES = (".csv", ".parquet")


def is_held(value: Any) -> bool:
    """Whether a value of the notebook is a frame, a Hugging Face data set or a `tf.data.Dataset`, told by its names."""
    return hasattr(value, "element_spec") or hasattr(value, "column_names") or hasattr(value, "columns")


def source_at(path: str, image: str = "", label: str = "") -> File | Folder | Table | SparkTable | None:
    """The source that a path's name tells; None where it tells none."""
    lower = path.lower()
    if lower.startswith("table:") and len(path) > len("table:"):
        return SparkTable(path[len("table:") :], image, label)
    if lower.startswith("images:") and len(path) > len("images:"):
        return Folder(path[len("images:") :])
    if lower.endswith((".npz", ".npy")):
        return File(path)
    if lower.endswith(ARCHIVES):
        return Folder(path)
    return Table(path, image, label) if lower.endswith(TABLES) else None


def three_ways(size: str, channels: int | None) -> str:
    """What to do about images of different sizes, in words of the language; `size` is `64x64`."""
    return (
        f"Three ways: `resize {size}`, or `resize {size} crop`, brings them to one size; `resize {size} pad` does so "
        f"with black margins; `input ?x?x{channels}` takes each as it is, with `globalavgpool` before the `output`."
    )


def _with_columns(text: str, image: str, label: str) -> str:
    options = {"image": image, "label": label}
    return " ".join([text, *(f"{name}={column}" for name, column in options.items() if column)])
