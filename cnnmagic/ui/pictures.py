"""Pictures of arrays for a page: images, filters and maps side by side with their labels, and heat over them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from cnnmagic.markup import xml_text

SIDE = 96  # pixels on the page
COLORS, HEAT = "gray", "inferno"  # of even lightness, so that they read without colour too
SHARE = 0.55  # of the heat, where it lies over an image


def pictures_html(arrays: Sequence[Any], labels: Sequence[str], over: Sequence[Any] | None = None) -> str:
    """Arrays (height, width) or (height, width, channels) as small pictures with their labels below."""
    heats = over or [None] * len(arrays)
    drawn = (_figure(array, label, heat) for array, label, heat in zip(arrays, labels, heats, strict=True))
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px;margin:.4em 0">{"".join(drawn)}</div>'


def _figure(array: Any, label: str, heat: Any) -> str:
    data = base64.b64encode(_png(_colored(array, heat))).decode()
    told = xml_text(label)
    return (
        f'<figure style="margin:0;width:{SIDE}px"><img alt="{told}" width="{SIDE}" '
        f'style="image-rendering:pixelated" src="data:image/png;base64,{data}"/>'
        f'<figcaption style="font-size:11px;line-height:1.2">{told}</figcaption></figure>'
    )


def _colored(array: Any, heat: Any) -> Any:
    """Red, green and blue, 0 … 1: an image as it is, one channel in grey, heat over it in colours."""
    from matplotlib import colormaps

    values = np.asarray(array, float)
    if values.ndim == 3 and values.shape[-1] in (3, 4):
        color = _stretched(values[..., :3])
    else:
        flat = values[..., 0] if values.ndim == 3 else values
        color = colormaps[COLORS](_stretched(flat))[..., :3]
    if heat is None:
        return color
    warm = colormaps[HEAT](_stretched(_enlarged(np.asarray(heat, float), color.shape[:2])))[..., :3]
    return (1 - SHARE) * color + SHARE * warm


def _stretched(values: Any) -> Any:
    """The values from 0 to 1; of an image that is so already, as it is."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1 and high > 0.5:
        return values
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _enlarged(heat: Any, size: tuple[int, int]) -> Any:
    """The heat brought to the size of the image, with values between those of its places."""
    from PIL import Image

    return np.asarray(Image.fromarray(heat.astype(np.float32)).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _png(color: Any) -> bytes:
    from PIL import Image

    file = BytesIO()
    Image.fromarray((np.clip(color, 0, 1) * 255).round().astype(np.uint8)).save(file, "png")
    return file.getvalue()
