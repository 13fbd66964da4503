"""Brings an image of the user's own, a file, its bytes or an array, into the form that a model takes."""

from __future__ import annotations

from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cnnmagic.engine.data import Dataset
from cnnmagic.errors import DataError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def own_image(source: Any, dataset: Dataset, scale: float | None) -> np.ndarray:
    """(1, height, width, channels) in the units of the data, whose `scale` brings them to 0 … 1; raises `DataError`.

    A file is brought to the size and the channels of the data's images; an array must have them.
    """
    if not isinstance(source, str | PathLike | bytes):
        return dataset.prepare(source)[:1]
    height, width, channels = dataset.train.images.shape[1:]
    told = "the image" if isinstance(source, bytes) else f"`{source}`"
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else Path(source)) as found:
            ready = found.convert(MODES.get(channels, "RGB")).resize((width, height), Image.Resampling.BILINEAR)
    except FileNotFoundError:
        raise DataError(f"there is no file {told}.", remedy="Give the path of an image.") from None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{told} can't be read as an image ({error}).", remedy="JPEG, PNG and the like can.") from None
    pixels = np.asarray(ready).reshape(1, height, width, -1)
    if dataset.train.images.dtype == np.uint8 and scale and abs(scale - 1 / 255) < 1e-9:
        return pixels
    return (pixels / 255 / (scale or 1.0)).astype("float32")
