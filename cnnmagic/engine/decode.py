"""One encoded image to pixels: JPEG, PNG, GIF's first frame, BMP, WebP, TIFF; a file that is none tells why.

It imports NumPy and Pillow alone: a model in MLflow takes this file with it, and is used without cnnmagic.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from cnnmagic.plans import Resize

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
GREY = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
TURNED = (5, 6, 7, 8)  # values of EXIF's orientation that lie an image on its side
ORIENTATION = 0x0112
WITH_ORIENTATION = ("JPEG", "MPO", "TIFF", "WEBP")
KINDS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF")  # a phone's MPO is opened as JPEG
EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".mpo"),
    "PNG": (".png",),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "DIB": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}
MOST_BYTES = 256 * 2**20
NO_WHITE = (
    "and nothing tells which of them is white: convert it to 8 or 16 bits, or give the pixels of all as an array "
    "(`np.stack`)"
)
WIDTH_TAG = 256  # of a TIFF


class Unreadable(Exception):
    """An image can't be read; the text says why, and not which."""


@dataclass(frozen=True)
class Header:
    """What an encoded image says of itself: `kind` is Pillow's name of its format, `channels` are 1 or 3."""

    height: int
    width: int
    channels: int
    kind: str


@dataclass(frozen=True)
class Form:
    """How pixels reach the network: `height` and `width` are None where any will do, `channels` are 1, 3 or 4."""

    height: int | None
    width: int | None
    channels: int
    resize: Resize | None = None


def read_header(content: bytes) -> Header:
    """Size and kind of an encoded image, its pixels left alone; raises `Unreadable`."""
    with _opened(content) as image:
        return _header(image)


def decode(content: bytes, form: Form) -> tuple[np.ndarray, Header]:
    """Pixels (height, width, channels) of 8 bits, upright and in the form's size; raises `Unreadable`.

    16 bits are brought to 8 by one rule, whatever the image holds; transparency is left away unless there are 4
    channels.
    """
    with _opened(content) as image:
        header = _header(image)
        if form.resize is not None and image.format == "JPEG":
            image.draft(None, (2 * form.resize.width, 2 * form.resize.height))
        try:
            pixels = _pixels(image, form)
        except MemoryError:
            raise
        except Exception as error:  # each decoder of Pillow has errors of its own
            raise Unreadable(_spoilt(error)) from error
    return pixels, header


def from_pixels(pixels: np.ndarray, form: Form) -> np.ndarray:
    """An array (height, width, channels) of 8 bits in the form's size and channels, as `decode` brings it there."""
    from PIL import Image

    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    return _pixels(Image.fromarray(flat), form)


def brought(pixels: np.ndarray, black: float, white: float, kind: str) -> np.ndarray:
    """Pixels of 8 bits in the range of numbers, and of the type, that training images had."""
    dtype = np.dtype(kind)
    numbers = black + pixels * ((white - black) / 255)
    if dtype.kind == "b":
        return numbers >= 0.5
    return (np.rint(numbers) if dtype.kind in "ui" else numbers).astype(dtype)


def _opened(content: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise Unreadable("is empty")
    _load_decoders()
    try:
        return Image.open(io.BytesIO(content), formats=KINDS)
    except Image.DecompressionBombError:
        raise Unreadable(_too_large()) from None
    except UnidentifiedImageError:
        raise Unreadable(_unknown(content)) from None
    except Exception as error:
        raise Unreadable(_spoilt(error)) from error


@cache
def _load_decoders() -> None:
    """Pillow knows a format once its module is imported; the formats that it knows besides are left alone."""
    for module in ("Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"):
        import_module(f"PIL.{module}ImagePlugin")


def _header(image: Any) -> Header:
    from PIL import Image

    width, height = image.size
    if not width or not height:
        raise Unreadable(f"says that it has {height}x{width} pixels")
    if width * height > (Image.MAX_IMAGE_PIXELS or float("inf")):
        raise Unreadable(f"{_too_large()}: it says {height:,}x{width:,}")
    if _has_32_bits(image):
        raise Unreadable(f"holds {'fractions' if image.mode == 'F' else 'numbers'} of 32 bits, {NO_WHITE}")
    if _orientation(image) in TURNED and not _is_upright_already(image):
        width, height = height, width
    return Header(height, width, 1 if image.mode in GREY else 3, image.format or "")


def _has_32_bits(image: Any) -> bool:
    """Whether the pixels are fractions, or whole numbers beyond 16 bits; older versions of Pillow open PNGs as such."""
    return image.mode == "F" or (image.mode == "I" and image.format != "PNG")


def _is_upright_already(image: Any) -> bool:
    """Whether the size is that of the upright image, as newer versions of Pillow tell it of a TIFF."""
    return image.format == "TIFF" and image.size[0] != image.tag_v2.get(WIDTH_TAG)


def _too_large() -> str:
    from PIL import Image

    return f"has more than the {Image.MAX_IMAGE_PIXELS or 0:,} pixels that Pillow allows (a decompression bomb?)"


def _orientation(image: Any) -> int:
    if image.format not in WITH_ORIENTATION or (image.format != "TIFF" and "exif" not in image.info):
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # spoilt EXIF spoils no pixels
        return 1


def _pixels(image: Any, form: Form) -> np.ndarray:
    """The loaded image in its form."""
    image.load()  # newer versions of Pillow turn a TIFF here, and no longer tell that it lies on its side
    turned = _orientation(image)
    if image.mode in DEEP:
        image = _of_8_bits(image)
    elif image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    mode = MODES[form.channels]
    image = image if image.mode == mode else image.convert(mode)
    if turned != 1:
        image = _upright(image, turned)
    if form.resize is not None:
        image = _resized(image, form.resize)
    pixels = np.array(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def _of_8_bits(image: Any) -> Any:
    """Grey of 16 bits as bytes."""
    from PIL import Image

    numbers = np.clip(np.asarray(image).astype("float64"), 0, 65_535)
    return Image.fromarray(np.rint(numbers / 257).astype("uint8"))


def _upright(image: Any, turned: int) -> Any:
    from PIL import Image

    ways = Image.Transpose
    way = {
        2: ways.FLIP_LEFT_RIGHT,
        3: ways.ROTATE_180,
        4: ways.FLIP_TOP_BOTTOM,
        5: ways.TRANSPOSE,
        6: ways.ROTATE_270,
        7: ways.TRANSVERSE,
        8: ways.ROTATE_90,
    }.get(turned)
    return image if way is None else image.transpose(way)


def _resized(image: Any, resize: Resize) -> Any:
    """Bilinear, with neighbours averaged where the image shrinks."""
    from PIL import Image, ImageOps

    size, way = (resize.width, resize.height), Image.Resampling.BILINEAR
    if image.size == size:
        return image
    if resize.how == "crop":
        return ImageOps.fit(image, size, way)
    return ImageOps.pad(image, size, way) if resize.how == "pad" else image.resize(size, way)


def _unknown(content: bytes) -> str:
    start = content[:200]
    if b"\x00" not in start:
        try:
            words = start.decode("utf-8", errors="strict" if len(content) <= 200 else "ignore").split()
            return f"is text and no image: it begins with `{' '.join(words)[:30]}`"
        except UnicodeDecodeError:
            pass
    return "is no image that can be read: its first bytes are those of none of JPEG, PNG, GIF, BMP, WebP, TIFF"


def _spoilt(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    told = lines[0] if lines else type(error).__name__
    return f"is cut short ({told})" if "truncated" in told.lower() else f"is spoilt ({told})"
