"""Arrays as pictures: pixels to PNG in a data URI, heat on images in colours that every eye tells apart."""

from __future__ import annotations

import base64
import io
from functools import cache
from typing import Any

import numpy as np

from cnnmagic.errors import DataError
from cnnmagic.layers import show

HEAT = "viridis"  # changes in lightness all along, which every eye sees
HEAT_OPACITY = 0.55
MOST_OF_SMALL_BYTES = 16


def data_uri(pixels: np.ndarray) -> str:
    """Pixels (height, width) or (height, width, 3), numbers of 8 bits, as the address of a PNG that is the PNG."""
    return f"data:image/png;base64,{base64.b64encode(png(pixels)).decode()}"


def png(pixels: np.ndarray) -> bytes:
    """A PNG file of grey or coloured pixels of 8 bits."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def photo(image: Any, low: float | None = None, high: float | None = None) -> np.ndarray:
    """An image (height, width, channels) as the data have it, as pixels to show; raises `DataError`.

    `low` and `high` are black and white, those of `black_and_white` if they aren't given. One channel is grey, of four
    and more the first three are shown, and of two their mean.
    """
    given = np.asarray(image)
    if given.ndim == 2:
        given = given[..., None]
    if given.ndim != 3 or 0 in given.shape:
        message = f"{show(np.shape(image)) or 'a number'} is no image."
        raise DataError(message, remedy="An image is height x width x channels.")
    ends = black_and_white(given)
    pixels = _bytes(_share(given, ends[0] if low is None else low, ends[1] if high is None else high))
    if given.shape[-1] == 2:
        return pixels.mean(axis=-1).astype("uint8")
    return pixels[..., 0] if given.shape[-1] == 1 else pixels[..., :3]


def black_and_white(images: Any) -> tuple[float, float]:
    """The numbers that are black and white in images: 0 and 255 of bytes, and else their least and their largest.

    Bytes that are all small, such as scikit-learn's digits from 0 to 16, have their largest for white.
    """
    given = np.asarray(images)
    if given.dtype != np.uint8 or not given.size:
        return _ends(given)
    return 0.0, 255.0 if given.max() > MOST_OF_SMALL_BYTES else float(given.max())


def heat_on(image: Any, heat: Any) -> np.ndarray:
    """A heat map (height, width) of 0 and more over an image, in pixels (height, width, 3) of the image's size.

    The map is enlarged evenly between its pixels' centres; where it is 0 the image is grey and dark.
    """
    seen = photo(image)
    grey = seen.astype("float64") if seen.ndim == 2 else seen @ np.array([0.299, 0.587, 0.114])
    given = np.maximum(_plane(heat), 0)
    large = enlarged(given / (given.max() or 1), seen.shape[:2])
    warm = _heat_colours()[_bytes(large)]
    return np.rint((1 - HEAT_OPACITY) * grey[..., None] + HEAT_OPACITY * warm).astype("uint8")


def enlarged(numbers: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Numbers (height, width) at another size, bilinear between the centres of pixels."""
    from PIL import Image

    height, width = size
    picture = Image.fromarray(numbers.astype("float32"))
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def _plane(numbers: Any) -> np.ndarray:
    given = np.asarray(numbers, "float64")
    if given.ndim != 2 or 0 in given.shape:
        message = f"{show(np.shape(numbers)) or 'a number'} can't be shown as one picture."
        raise DataError(message, remedy="Choose one image and one channel: height x width.")
    return given


def _ends(given: np.ndarray) -> tuple[float, float]:
    finite = given[np.isfinite(given)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _share(given: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 at `low` and 1 at `high`; a half where there is nothing between them, 0 where there is no number."""
    if high <= low:
        return np.full(given.shape, 0.5)
    return np.nan_to_num(np.clip((given.astype("float64") - low) / (high - low), 0, 1))


def _bytes(shares: np.ndarray) -> np.ndarray:
    return np.rint(shares * 255).astype("uint8")


@cache
def _heat_colours() -> np.ndarray:
    """The 256 colours of matplotlib's map, (256, 3)."""
    from matplotlib import colormaps

    return _bytes(colormaps[HEAT](np.arange(256))[:, :3])
