"""A folder of images to a listing: a folder for each class, within folders for the splits where there are any."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cnnmagic.engine.decode import EXTENSIONS, MOST_BYTES, Unreadable
from cnnmagic.engine.listing import Listing, plain
from cnnmagic.errors import DataError, MissingData

IMAGES = frozenset(ending for endings in EXTENSIONS.values() for ending in endings)
BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF", b"II*\x00", b"MM\x00*")
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
SPLIT_OF = {name: split for split, names in SPLIT_NAMES.items() for name in names}
SHOWN = 5
DEEPEST = 40
DBFS = Path("/dbfs")


@dataclass(frozen=True, eq=False)
class Tree:
    """What lies in a folder or an archive: relative paths with `/`, sorted, and how the bytes of one are read.

    `title` names it, `odd` are sentences on what was not followed, `start(path)` gives the first bytes of a file.
    """

    title: str
    paths: Sequence[str]
    read: Callable[[str], bytes] = field(repr=False)
    start: Callable[[str], bytes] = field(repr=False)
    odd: tuple[str, ...] = ()


def local(path: str) -> Path:
    """A path as this machine has it: `dbfs:/…` is `/dbfs/…` where Databricks mounts it; raises `MissingData`."""
    if path.lower().startswith("dbfs:/"):
        path = "/dbfs/" + path[len("dbfs:/") :].lstrip("/")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # no such user's `~`
        raise MissingData(f"`{path}` can't be reached: {error}.") from error


def list_folder(path: str) -> Listing:
    """The images of a folder; raises `MissingData` where it isn't there, `DataError` where it holds no classes."""
    found = local(path)
    try:
        is_there = found.is_dir()
    except OSError as error:
        raise MissingData(f"`{path}` can't be reached: {error.strerror or error}.") from error
    if not is_there:
        raise MissingData(f"there is no folder `{path}`.", remedy=_near(found))
    return listed(_walked(found, path))


def listed(tree: Tree) -> Listing:
    """The listing of a tree: classes by name, splits where folders bear their names, the rest put aside."""
    top = _top(tree.paths)
    names: list[str] = []
    others: list[str] = []
    for path in tree.paths:
        inner = path[len(top) :]
        if inner.startswith(".") or "/." in inner or "__MACOSX" in inner.split("/"):
            continue
        (names if os.path.splitext(inner)[1].lower() in IMAGES or _is_image(tree, path) else others).append(path)
    spread = _spread(names, top)
    if not spread.names:
        raise _no_classes(tree, names)
    aside = (*tree.odd, *_left_out("no images by name or content", others), *spread.aside)
    numbers = {name: number for number, name in enumerate(spread.classes)}
    rows = {split: np.array([n for n, s in enumerate(spread.splits) if s == split]) for split in set(spread.splits)}
    return Listing(
        names=[name[len(top) :] for name in spread.names],
        read=lambda number: tree.read(spread.names[number]),
        labels=np.array([numbers[name] for name in spread.labels], np.int64),
        classes=spread.classes,
        rows={split: rows[split] for split in ("train", "validation", "test") if split in rows},
        aside=aside,
    )


@dataclass(frozen=True)
class _Spread:
    """Images with the class and the split of each."""

    names: list[str]
    labels: list[str]
    splits: list[str]
    classes: tuple[str, ...]
    aside: tuple[str, ...]


def _spread(names: list[str], top: str) -> _Spread:
    firsts = {path[len(top) :].split("/")[0] for path in names if "/" in path[len(top) :]}
    has_splits = _are_splits(firsts, names, top)
    kept: list[tuple[str, str, str]] = []
    loose, strange = [], []
    for path in names:
        parts = path[len(top) :].split("/")
        split = SPLIT_OF.get(parts[0].lower(), "") if has_splits else "train"
        parts = parts[1:] if has_splits else parts
        if not split:
            strange.append(path)
        elif len(parts) < 2:
            loose.append(path)
        else:
            kept.append((path, plain(parts[0]), split))
    aside = (*_left_out("in no class's folder", loose), *_left_out("beside the folders of the splits", strange))
    classes = tuple(sorted({label for _, label, _ in kept}))
    columns = [list(column) for column in zip(*kept, strict=True)] or [[], [], []]
    return _Spread(columns[0], columns[1], columns[2], classes, aside)


def _are_splits(firsts: set[str], names: list[str], top: str) -> bool:
    """Whether the folders are those of splits; `train` beside `bus` and `car` is one only if it holds folders."""
    trains = {first for first in firsts if SPLIT_OF.get(first.lower()) == "train"}
    if trains and all(first.lower() in SPLIT_OF for first in firsts):
        return True
    inner = [path[len(top) :].split("/") for path in names]
    return any(len(parts) > 2 and parts[0] in trains for parts in inner)


def _walked(root: Path, title: str) -> Tree:
    """All files below a folder; links are followed, but not back to a folder above."""
    odd: list[str] = []
    base = str(root)
    paths = sorted(_below(root, "", (_identity(root),), odd), key=lambda path: (plain(path), path))
    return Tree(
        title=title,
        paths=paths,
        read=lambda path: _content(f"{base}/{path}"),
        start=lambda path: _start(root / path),
        odd=tuple(odd),
    )


def _below(folder: Path, inner: str, above: tuple[tuple[int, int], ...], odd: list[str]) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        odd.append(f"`{inner or folder}` can't be listed: {error.strerror or error}")
        return
    for entry in entries:
        path = f"{inner}{entry.name}"
        try:
            is_folder, is_file = entry.is_dir(), entry.is_file()
        except OSError:
            is_folder = is_file = False
        if is_folder:
            identity = _identity(Path(entry.path))
            if identity in above or len(above) > DEEPEST:
                odd.append(f"`{path}` is a link back to a folder above it and is not followed")
            elif not entry.name.startswith("."):
                yield from _below(Path(entry.path), f"{path}/", (*above, identity), odd)
        elif is_file:
            yield path
        elif not entry.name.startswith("."):
            odd.append(f"`{path}` is {'a link that leads nowhere' if entry.is_symlink() else 'no plain file'}")


def _identity(folder: Path) -> tuple[int, int]:
    try:
        about = folder.stat()
    except OSError:
        return (0, 0)
    return about.st_dev, about.st_ino


def _content(path: str) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # of 100,000 small files pathlib takes a third
            content = file.read(MOST_BYTES + 1) if os.fstat(file.fileno()).st_size > MOST_BYTES else file.readall()
    except OSError as error:
        raise Unreadable(f"can't be opened ({error.strerror or error})") from error
    if len(content) > MOST_BYTES:
        raise Unreadable(f"is larger than {MOST_BYTES // 2**20} MB")
    return content


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(12)
    except OSError:
        return b""


def _is_image(tree: Tree, path: str) -> bool:
    """Whether a file whose name tells nothing is an image by its first bytes."""
    start = tree.start(path)
    return start.startswith(BEGINNINGS) and (start[:4] != b"RIFF" or start[8:] == b"WEBP")


def _top(paths: Sequence[str]) -> str:
    """The one folder in which all lies, if there is one: `photos/` of photos.zip, and so on downwards."""
    top = ""
    seen = [path for path in paths if not path.startswith((".", "__MACOSX"))]
    while True:
        inner = [path[len(top) :].split("/") for path in seen]
        firsts = Counter(parts[0] for parts in inner)
        if len(firsts) != 1 or any(len(parts) < 3 for parts in inner):
            return top
        if next(iter(firsts)).lower() in SPLIT_OF:
            return top
        top += f"{next(iter(firsts))}/"


def _left_out(why: str, paths: Sequence[str]) -> tuple[str, ...]:
    if not paths:
        return ()
    shown = ", ".join(f"`{path}`" for path in paths[:SHOWN])
    more = f" and {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
    return (f"left out, since {why}: {shown}{more}",)


def _no_classes(tree: Tree, names: Sequence[str]) -> DataError:
    remedy = "Put the images of each class into a folder of its own: `photos/cat/1.jpg`, `photos/dog/2.jpg`."
    found = f"{len(names):,} images, but no folder for each class" if names else "no images"
    return DataError(f"`{tree.title}` holds {found}.", remedy=remedy)


def unmounted(path: Path) -> str:
    """What to do where a path is one of `dbfs:/` and Databricks does not mount it; empty elsewhere."""
    if not path.is_relative_to(DBFS) or DBFS.is_dir():
        return ""
    return f"`{DBFS}` is not mounted here: put the data on a volume, `/Volumes/CATALOG/SCHEMA/VOLUME/…`."


def _near(path: Path) -> str:
    if told := unmounted(path):
        return told
    try:
        beside = sorted(entry.name for entry in path.parent.iterdir() if entry.is_dir() and entry.name[0] != ".")[:3]
    except OSError:
        beside = []
    there = ", ".join(f"`{name}`" for name in beside)
    return f"In `{path.parent}` there are {there}." if there else f"The notebook's folder is `{Path.cwd()}`."
