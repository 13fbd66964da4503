"""A zip or tar of a folder of images, read in place: its members as a tree."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from cnnmagic.engine.decode import MOST_BYTES, Unreadable
from cnnmagic.engine.folders import Tree, listed, local, unmounted
from cnnmagic.engine.listing import Listing, plain
from cnnmagic.errors import DataError, MissingData

UTF8 = 0x800


def list_archive(path: str) -> Listing:
    """The images of an archive; raises `MissingData` where it isn't there, `DataError` where it can't be read."""
    found = local(path)
    if not found.is_file():
        remedy = unmounted(found) or f"The notebook's folder is `{Path.cwd()}`."
        raise MissingData(f"there is no file `{path}`.", remedy=remedy)
    try:
        tree = _zip(found, path) if zipfile.is_zipfile(found) else _tar(found, path)
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
        message = f"`{path}` can't be read as an archive: {error}."
        raise DataError(message, remedy="Pack the folder again, or unpack it and give the folder.") from error
    return listed(tree)


def _zip(path: Path, title: str) -> Tree:
    with zipfile.ZipFile(path) as archive:
        members = {_name(info).removeprefix("./"): info for info in archive.infolist() if not info.is_dir()}
    handles = threading.local()

    def read(name: str, most: int = MOST_BYTES + 1) -> bytes:
        if not hasattr(handles, "archive"):
            handles.archive = zipfile.ZipFile(path)
        try:
            with handles.archive.open(members[name]) as member:
                return _whole(member.read(most), most)
        except Unreadable:
            raise
        except Exception as error:  # a password, a method that is not known, a spoilt stream
            raise Unreadable(f"can't be unpacked ({error})") from error

    return _tree(title, list(members), read)


def _name(info: zipfile.ZipInfo) -> str:
    """The name of a member; one in another code than UTF-8 is Korean where it reads as Korean."""
    if info.flag_bits & UTF8 or info.filename.isascii():
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for code in ("utf-8", "cp949"):
        try:
            return raw.decode(code)
        except UnicodeDecodeError:
            continue
    return info.filename


def _tar(path: Path, title: str) -> Tree:
    """The members of a tar by their places in it; a compressed one has no places, and is unpacked to a file first."""
    plain_tar = path if _is_plain(path) else Path(_unpacked(path, path.stat().st_mtime_ns).name)
    with tarfile.open(plain_tar, "r:") as archive:
        members = {member.name.removeprefix("./"): member for member in archive if member.isfile()}

    def read(name: str, most: int = MOST_BYTES + 1) -> bytes:
        try:
            with plain_tar.open("rb") as file:
                file.seek(members[name].offset_data)
                return _whole(file.read(min(most, members[name].size)), most)
        except OSError as error:
            raise Unreadable(f"can't be unpacked ({error})") from error

    return _tree(title, list(members), read)


def _is_plain(path: Path) -> bool:
    try:
        with tarfile.open(path, "r:"):
            return True
    except tarfile.ReadError:
        return False


@lru_cache(2)
def _unpacked(path: Path, moment: int) -> Any:
    """The tar in a compressed file, as a file that is gone when nobody holds it; `moment` is when it was changed."""
    target = tempfile.NamedTemporaryFile(prefix="cnnmagic-", suffix=".tar")  # noqa: SIM115  (open as long as it is held)
    with path.open("rb") as file:
        start = file.read(6)
    opened = gzip.open if start[:2] == b"\x1f\x8b" else bz2.open if start[:3] == b"BZh" else lzma.open
    with opened(path, "rb") as source:
        shutil.copyfileobj(source, target)
    target.flush()
    return target


def _tree(title: str, names: list[str], read: Callable[..., bytes]) -> Tree:
    paths = sorted(names, key=lambda name: (plain(name), name))
    return Tree(title=title, paths=paths, read=read, start=lambda name: read(name, 12))


def _whole(content: bytes, most: int) -> bytes:
    if most > MOST_BYTES and len(content) > MOST_BYTES:
        raise Unreadable(f"is larger than {MOST_BYTES // 2**20} MB")
    return content
