"""Pictures of an answer: images, filters and maps side by side with their labels, and heat over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnmagic.ui.image_grid import Cell, grid
from cnnmagic.ui.images import heat_on, photo

SIDE = 96  # pixels on the page


def pictures_html(arrays: Sequence[Any], labels: Sequence[str], over: Sequence[Any] | None = None) -> str:
    """Arrays (height, width) or (height, width, channels) as small pictures with their labels below.

    `over` are heat maps (height, width), one for each picture, or None where a picture has none.
    """
    heats = over or [None] * len(arrays)
    drawn = zip(arrays, labels, heats, strict=True)
    return grid([Cell(_pixels(array, heat), label) for array, label, heat in drawn], side=SIDE)


def _pixels(array: Any, heat: Any) -> np.ndarray:
    return photo(array) if heat is None else heat_on(array, heat)
