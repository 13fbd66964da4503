"""Encoded images as they were found, none of them opened yet: their names, labels and splits."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cnnmagic.engine.decode import Form, Header, Unreadable, decode, read_header

SAMPLE = 100  # headers that a plan looks at
HASHED_FILES, HASHED_BYTES, FEWEST_HASHED = 500, 16_000_000, 16
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Listing:
    """Images by number: `names` tell them, `read(number)` gives the bytes of one and raises `Unreadable`.

    `labels` are numbers of `classes`; `rows` are the numbers of the images of each split that the data came in, of
    `train` alone where they came in none; `aside` are sentences on what was left out. `seal` tells what the images hold
    where the source knows so without reading them.
    """

    names: Sequence[str]
    read: Callable[[int], bytes] = field(repr=False)
    labels: np.ndarray = field(repr=False)
    classes: tuple[str, ...]
    rows: Mapping[str, np.ndarray] = field(repr=False)
    aside: tuple[str, ...] = ()
    seal: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def sample(self) -> list[Header]:
        """The headers of up to 100 images, evenly taken; of those that can be read.

        One of another size than most is decoded: the header of a spoilt image is no reason to ask for a `resize`.
        """
        found = dict.fromkeys(np.linspace(0, len(self) - 1, min(SAMPLE, len(self))).astype(int).tolist())
        headers = {number: header for number in found if (header := self._read(number)) is not None}
        sizes = Counter((header.height, header.width) for header in headers.values())
        usual = sizes.most_common(1)[0][0] if sizes else (0, 0)
        return [
            header
            for number, header in headers.items()
            if (header.height, header.width) == usual or self._read(number, whole=True) is not None
        ]

    def fault(self, number: int) -> str:
        """Why an image can't be read; empty where it can."""
        try:
            decode(self.read(number), Form(None, None, 1))
        except Unreadable as error:
            return str(error)
        return ""

    def _read(self, number: int, whole: bool = False) -> Header | None:
        try:
            content = self.read(number)
            return decode(content, Form(None, None, 1))[1] if whole else read_header(content)
        except Unreadable:
            return None

    def fingerprint(self, is_brief: bool = False) -> str:
        """16 hexadecimal digits of names, labels and splits, and of the bytes of up to 500 images, evenly taken.

        One that `is_brief` takes the seal for those bytes, or 16 images where there is none.
        """
        digest = hashlib.blake2b(digest_size=8)
        digest.update("\n".join((*self.names, *self.classes)).encode("utf-8", "surrogatepass"))
        digest.update(np.ascontiguousarray(self.labels).data)
        for name, rows in self.rows.items():
            digest.update(name.encode() + np.ascontiguousarray(rows).tobytes())
        if is_brief and self.seal:
            digest.update(self.seal.encode())
            return digest.hexdigest()
        left = HASHED_BYTES
        for number in range(0, len(self), max(1, len(self) // (FEWEST_HASHED if is_brief else HASHED_FILES))):
            try:
                content = self.read(number)
            except Unreadable:
                continue
            digest.update(content)
            left -= len(content)
            if left < 0:
                break
        return digest.hexdigest()


def plain(name: str) -> str:
    """A name by which files are sorted the same on every system: macOS writes letters with accents in parts."""
    return unicodedata.normalize("NFC", name.replace("\\", "/"))
