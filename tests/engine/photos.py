"""Image files for tests: folders of small ones, and those that people's folders hold by mischance."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnmagic.engine.pictures import Album

RANDOM = np.random.default_rng(0)
SHADES = {"dark": 40, "light": 200}


def encoded(height: int = 12, width: int = 12, shade: int = 128, mode: str = "RGB", kind: str = "PNG") -> bytes:
    """An image of noise around a shade of grey."""
    pixels = np.clip(RANDOM.normal(shade, 20, (height, width, 3)), 0, 255).astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def folder(path: Path, count: int = 12, sizes: tuple[tuple[int, int], ...] = ((12, 12),), splits: bool = False) -> Path:
    """A folder with two classes that differ in brightness; sizes take turns."""
    for split in ("train", "test") if splits else ("",):
        for label, shade in SHADES.items():
            (path / split / label).mkdir(parents=True)
            for number in range(count):
                content = encoded(*sizes[number % len(sizes)], shade)
                (path / split / label / f"{number}.png").write_bytes(content)
    return path


def png_header(height: int, width: int) -> bytes:
    """A PNG that says its size and holds no pixels worth the name."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def animated() -> bytes:
    """A GIF of three frames, red, green and blue."""
    frames = [Image.new("RGB", (12, 12), colour) for colour in ("red", "green", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def deep() -> bytes:
    """A PNG of 16 bits: half of white."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((12, 12), 32_896, np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


GOOD: dict[str, bytes] = {
    "animated.gif": animated(),
    "cmyk.jpg": encoded(mode="CMYK", kind="JPEG"),
    "deep.png": deep(),
    "고양이 사진.png": encoded(),
    "with blanks.webp": encoded(kind="WEBP"),
    "palette.png": encoded(mode="P"),
    "transparent.png": encoded(mode="RGBA"),
    "grey.tiff": encoded(mode="L", kind="TIFF"),
    "bits.bmp": encoded(mode="1", kind="BMP"),
    "PNG by content.jpg": encoded(),
}
BAD: dict[str, bytes] = {
    "truncated.jpg": encoded(64, 64, kind="JPEG")[:-400],
    "text.png": b"not an image at all, but words\n" * 5,
    "empty.jpg": b"",
    "nothing.png": png_header(0, 0),
    "bomb.png": png_header(60_000, 60_000),
}


def mischief(path: Path) -> Path:
    """A folder with everything that goes wrong in people's folders, beside what only looks so."""
    folder(path)
    for name, content in (GOOD | BAD).items():
        (path / "dark" / name).write_bytes(content)
    (path / "dark" / "loop").symlink_to(path, target_is_directory=True)
    (path / "light" / "nowhere.png").symlink_to(path / "light" / "nowhere.png")
    (path / "light" / "notes.txt").write_text("seen on Monday")
    (path / ".hidden").mkdir()
    return path


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of all images that are read from here on."""
    numbers: list[int] = []
    read = Album.read

    def counted(album: Album, number: int) -> Any:
        numbers.append(number)
        return read(album, number)

    monkeypatch.setattr(Album, "read", counted)
    return numbers
