"""Images kept for the epochs to come: in memory where they are few, else in a file, else not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnmagic.storage import runs_folder

HELD_BYTES = 64_000_000  # of a data set, in memory
SHARE_OF_DISK = 0.5  # of what is free


class Memory:
    """Images in memory, decoded or encoded."""

    def __init__(self) -> None:
        self.images: dict[int, np.ndarray] = {}
        self.contents: dict[int, bytes] = {}

    def put(self, number: int, pixels: np.ndarray) -> None:
        """Keep an image (height, width, channels) under its number."""
        self.images[number] = pixels

    def get(self, number: int) -> np.ndarray | None:
        """The image of that number; None where it is not kept."""
        return self.images.get(number)

    def put_encoded(self, first: int, contents: Sequence[bytes]) -> None:
        """Keep encoded images under the numbers from the first on."""
        self.contents.update(enumerate(contents, first))

    def get_encoded(self, number: int) -> bytes | None:
        """The encoded image of that number; None where it is not kept."""
        return self.contents.get(number)


class Disk:
    """Images in a file without a name, which is gone with its holder; a full disk ends the keeping, not the reading.

    The pages of the file are the system's, who takes them back where memory is short.
    """

    def __init__(self, folder: Path, count: int):
        # Without a buffer a full disk is told by the write that finds it so.
        self.file = tempfile.TemporaryFile(buffering=0, dir=folder, prefix="cnnmagic-")  # noqa: SIM115  (held open)
        self.starts = np.full(count, -1, np.int64)
        self.shapes = np.zeros((count, 3), np.int32)
        self.end, self.is_full, self.lock = 0, False, threading.Lock()

    def put(self, number: int, pixels: np.ndarray) -> None:
        """Keep an image (height, width, channels) under its number."""
        start = self._appended(np.ascontiguousarray(pixels).data)
        if start >= 0:
            self.shapes[number] = pixels.shape
            self.starts[number] = start

    def get(self, number: int) -> np.ndarray | None:
        """The image of that number; None where it is not kept."""
        start, shape = int(self.starts[number]), tuple(self.shapes[number].tolist())
        if start < 0:
            return None
        return np.frombuffer(self._read(shape[0] * shape[1] * shape[2], start), np.uint8).reshape(shape)

    def put_encoded(self, first: int, contents: Sequence[bytes]) -> None:
        """Keep encoded images under the numbers from the first on."""
        start = self._appended(memoryview(b"".join(contents)))
        if start >= 0:
            rows, sizes = slice(first, first + len(contents)), np.array(list(map(len, contents)), np.int64)
            self.shapes[rows, 0], self.shapes[rows, 1:] = sizes, 1
            self.starts[rows] = start + np.cumsum(sizes) - sizes

    def get_encoded(self, number: int) -> bytes | None:
        """The encoded image of that number; None where it is not kept."""
        start = int(self.starts[number])
        return None if start < 0 else self._read(int(self.shapes[number, 0]), start)

    def _appended(self, content: memoryview) -> int:
        """Where the bytes begin that were put at the end of the file; -1 where the disk is full."""
        if self.is_full:
            return -1
        with self.lock:
            start, self.end = self.end, self.end + content.nbytes
        try:
            self._write(content, start)
        except OSError:
            self.is_full = True
            return -1
        return start

    def _write(self, content: memoryview, start: int) -> None:
        """Write the bytes; raises `OSError` where the disk takes a part of them too, which the system calls none."""
        if hasattr(os, "pwrite"):
            written = os.pwrite(self.file.fileno(), content, start)
        else:
            with self.lock:  # Windows has one place in a file for all threads
                self.file.seek(start)
                written = self.file.write(content)
        if written < content.nbytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _read(self, size: int, start: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self.file.fileno(), size, start)
        with self.lock:
            self.file.seek(start)
            return self.file.read(size)


Cache = Memory | Disk


def cache_for(count: int, size: int) -> Cache | None:
    """Where `count` images of `size` bytes in the mean are kept; None where nothing has room for them."""
    if count * size <= HELD_BYTES:
        return Memory()
    for folder in (Path(tempfile.gettempdir()), runs_folder().parent / "cache"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if count * size <= SHARE_OF_DISK * shutil.disk_usage(folder).free:
                return Disk(folder, count)
        except OSError:
            continue
    return None
