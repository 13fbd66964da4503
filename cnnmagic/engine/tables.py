"""Frames, tables and lists to listings: a column of paths, or of encoded images, and one of labels."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from cnnmagic import datasets
from cnnmagic.engine import arrays
from cnnmagic.engine.decode import MOST_BYTES, Unreadable
from cnnmagic.engine.folders import local, unmounted
from cnnmagic.engine.listing import Listing
from cnnmagic.engine.parquet import Contents, Shelf
from cnnmagic.errors import CnnError, DataError, MissingData
from cnnmagic.wording import closest, listed, sentence

IMAGE_COLUMNS = ("image", "images", "path", "file", "filename", "file_name", "filepath", "img", "bytes", "content")
LABEL_COLUMNS = ("label", "labels", "class", "target", "category", "y")
WHOLE = re.compile(r"\s*-?[0-9]{1,15}(\.0*)?\s*")
CELL = "bytes"  # Hugging Face and Spark keep an image as {"bytes": …, "path": …}


def are_paths(value: Any) -> bool:
    """Whether images are given as a list of paths: words, in a list, an array, or a column of a frame."""
    if isinstance(value, str | bytes | PathLike) or not hasattr(value, "__len__") or not len(value):
        return False
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind in ("i", "u", "f", "b"):
        return False
    first = next(iter(value))
    return isinstance(first, str | PathLike)


def list_paths(source: datasets.Arrays) -> Listing:
    """The images of lists of paths with their labels, a test set after them if there is one; raises `DataError`."""
    values = [list(source.values[n]) if not n % 2 else source.values[n] for n in range(len(source.values))]
    return joined(values[0], values[1], source.names, values[2:])


def list_table(source: datasets.Table) -> Listing:
    """The images that a CSV or Parquet file names or holds; raises `DataError`. Paths are relative to the file."""
    path = local(source.path)
    if not path.is_file() and not (path.is_dir() and path.suffix.lower() == ".parquet"):  # Spark writes folders
        remedy = unmounted(path) or f"The notebook's folder is `{Path.cwd()}`."
        raise MissingData(f"there is no file `{source.path}`.", remedy=remedy)
    columns = _csv(path) if path.suffix.lower() == ".csv" else Shelf(path)
    image, label = columns_of(list(columns), source.image, source.label, source.path)
    labels = _numbers(columns[label]) if isinstance(columns, dict) else columns[label]
    return joined(columns[image], labels, (image, label), (), path.parent)


def list_frame(source: datasets.Held) -> Listing:
    """The images of a frame, or of two of them, the second for the test; raises `DataError`.

    Frames are those of pandas or Polars, or a `Shelf`.
    """
    values: list[Any] = []
    names: tuple[str, ...] = ()
    for name, frame in zip(source.names, source.values, strict=True):
        image, label = columns_of(list(frame.columns), source.image, source.label, name)
        images = _listed(frame[image])
        _check_no_arrays(images, name, image, label)
        values += [images, _listed(frame[label])]
        names = (*names, image, label)
    return joined(values[0], values[1], names, values[2:])


def columns_of(found: Sequence[Any], image: str, label: str, title: str) -> tuple[Any, Any]:
    """The columns of images and labels: those named, else those with a usual name; raises `DataError`."""
    by_name = {str(name).lower(): name for name in found}
    chosen = []
    for option, wanted, usual in (("image", image, IMAGE_COLUMNS), ("label", label, LABEL_COLUMNS)):
        names = [wanted.lower()] if wanted else [name for name in usual if name in by_name]
        if not names or names[0] not in by_name:
            message = f"`{title}` has no column `{wanted}`{closest(wanted, map(str, found))}" if wanted else ""
            message = sentence(message or f"`{title}` has no column of {option}s by a usual name")
            raise DataError(message, remedy=f"Name it, as in `{option}=COLUMN`. There are {listed(map(str, found))}.")
        chosen.append(by_name[names[0]])
    return chosen[0], chosen[1]


def joined(
    images: Sequence[Any], labels: Any, names: Sequence[str], tests: Sequence[Any] = (), folder: Path | None = None
) -> Listing:
    """One listing of training images and, where given, of test images; raises `DataError` for labels that are none."""
    check_some(images, names[0])
    found = arrays.read_labels(labels, names[1], len(images))
    indices, parts, rows = found.indices, [images], {"train": np.arange(len(images))}
    if tests:
        check_some(tests[0], names[2])
        indices = np.concatenate([indices, arrays.encode_labels(tests[1], names[3], len(tests[0]), found.classes)])
        parts.append(tests[0])
        rows["test"] = np.arange(len(images), len(indices))
    told = [name for part in parts for name in _names(part)]
    titles = [name or f"{names[0]}[{number}]" for number, name in enumerate(told)]
    shelves = [part.shelf for part in parts if isinstance(part, Contents)]
    seal = " ".join(shelf.seal for shelf in shelves) if len(shelves) == len(parts) else ""
    return Listing(titles, _reader(parts, folder), indices, found.classes, rows, seal=seal)


def check_some(images: Sequence[Any], name: str) -> None:
    """Raise `DataError` where there are no images."""
    if not len(images):
        raise DataError(f"`{name}` holds no images.", remedy="Check how it was made.")


def _check_no_arrays(images: Sequence[Any], name: str, image: Any, label: Any) -> None:
    """Raise `DataError` for a column of arrays, which need not be decoded."""
    if not isinstance(images, list) or not images or not (hasattr(images[0], "shape") or isinstance(images[0], list)):
        return
    message = f"`{image}` of `{name}` holds arrays, and images of a frame are paths or the bytes of files."
    made = f"x, y = np.stack({name}[{str(image)!r}]), {name}[{str(label)!r}]"
    raise DataError(message, remedy=f"Make one array of them, `{made}`, and write `data {{{{x}}}} {{{{y}}}}`.")


def _numbers(labels: list[str]) -> list[str] | list[int]:
    """The labels of a CSV file as numbers where all are whole, so that 2 comes before 10, as in a frame."""
    return [int(float(label)) for label in labels] if all(map(WHOLE.fullmatch, labels)) else labels


def _listed(column: Any) -> Sequence[Any]:
    """A column of a frame as a list; one that is read when it is asked for stays so."""
    return column.to_list() if hasattr(column, "to_list") else column


def _names(cells: Sequence[Any]) -> list[str]:
    """Paths as they are; empty for images without one."""
    paths: Any = cells.names if isinstance(cells, Contents) else cells
    found = [cell.get("path") if isinstance(cell, dict) else cell for cell in paths]
    return [str(path) if isinstance(path, str | PathLike) else "" for path in found]


def _reader(parts: Sequence[Sequence[Any]], folder: Path | None) -> Callable[[int], bytes]:
    first = len(parts[0])

    def read(number: int) -> bytes:
        cell = parts[0][number] if number < first else parts[1][number - first]
        return content_of(cell, folder)

    return read


def content_of(cell: Any, folder: Path | None = None) -> bytes:
    """The bytes of an image that is given as bytes, as a path, or as {"bytes": …, "path": …}; raises `Unreadable`."""
    if isinstance(cell, dict):
        cell = cell.get(CELL) or cell.get("path")
    if isinstance(cell, bytes | bytearray | memoryview):
        return bytes(cell)
    if not isinstance(cell, str | PathLike):
        raise Unreadable(f"is {type(cell).__name__}, neither a path nor the bytes of a file")
    try:
        path = local(str(cell))
        path = path if folder is None else folder / path
        if not path.is_file():
            raise Unreadable("is not there")
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(f"is larger than {MOST_BYTES // 2**20} MB")
        return path.read_bytes()
    except (OSError, CnnError, ValueError) as error:
        raise Unreadable(f"can't be opened ({getattr(error, 'strerror', None) or error})") from error


def _csv(path: Path) -> dict[str, list[Any]]:
    """The columns of a CSV file with a line of names."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            dialect = csv.Sniffer().sniff(file.readline(), delimiters=",;\t|") if path.stat().st_size else csv.excel
            file.seek(0)
            rows = [row for row in csv.reader(file, dialect) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        remedy = "Write it as UTF-8 with a line of names: `path,label`."
        raise DataError(f"`{path.name}` can't be read as CSV: {error}.", remedy=remedy) from error
    if len(rows) < 2:
        raise DataError(f"`{path.name}` holds no images.", remedy="Give it a line of names, and a line for each image.")
    short = next((number for number, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if short is not None:
        message = f"line {short} of `{path.name}` has {len(rows[short - 1])} values, and its first {len(rows[0])}."
        raise DataError(message, remedy="Put quotes around values that hold the separator.")
    return {name.strip(): [row[n] for row in rows[1:]] for n, name in enumerate(rows[0])}
