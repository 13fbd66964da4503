"""Many small JPEG files decoded at once by TensorFlow, where it is loaded: Python is what takes long with each.

The pixels are those that Pillow gives. What is not plain, or spoilt, is left to `decode`, which can tell why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from cnnmagic.engine.decode import Form

AT_ONCE = 64
FEWEST = 1_000  # images for which TensorFlow's preparation is worth while
MOST_PIXELS = 128 * 128  # of an image; with larger ones the decoding is what takes long
FRAMES = (b"\xff\xc0\x00\x11\x08", b"\xff\xc2\x00\x11\x08")  # begin the size of an image of three colours of 8 bits
FARTHEST = 4_096  # bytes before it


def serves(form: Form, count: int) -> bool:
    """Whether so many images in this form may be decoded here."""
    return "tensorflow" in sys.modules and form.channels == 3 and count >= FEWEST


def decode_together(contents: Iterable[bytes], form: Form) -> list[np.ndarray] | None:
    """Pixels (height, width, 3) of `AT_ONCE` encoded images; None where one of them is not plain, or can't be read.

    After the first that is not plain none is asked for.
    """
    plain: list[bytes] = []
    sizes: set[tuple[int, int] | None] = set()
    for content in contents:
        size = plain_size(content)
        if not _is_as_wanted(size, form):
            return None
        plain.append(content)
        sizes.add(size)
    if len(plain) != AT_ONCE:
        return None
    import tensorflow as tf

    try:
        if len(sizes) == 1:
            return list(_decoder(stacked=True)(tf.constant(plain)).numpy())
        return [pixels.numpy() for pixels in _decoder(stacked=False)(tf.constant(plain))]
    except tf.errors.InvalidArgumentError:
        return None


def plain_size(content: bytes) -> tuple[int, int] | None:
    """Height and width of a JPEG of three colours that nothing turns; None for anything else."""
    starts = [start for frame in FRAMES if (start := content.find(frame, 0, FARTHEST)) > 0]
    if not content.startswith(b"\xff\xd8") or len(starts) != 1 or b"Exif" in content[: starts[0]]:
        return None
    start = starts[0] + len(FRAMES[0])
    return int.from_bytes(content[start : start + 2], "big"), int.from_bytes(content[start + 2 : start + 4], "big")


def _is_as_wanted(size: tuple[int, int] | None, form: Form) -> bool:
    """Whether an image is plain, small, and of the size that it is to have."""
    if size is None:
        return False
    wanted = (form.resize.height, form.resize.width) if form.resize else size
    return size == wanted and 0 < size[0] * size[1] <= MOST_PIXELS


@cache
def _decoder(stacked: bool) -> Any:
    """Decodes `AT_ONCE` images; those of one size are handed over as one array, which is quicker."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((AT_ONCE,), tf.string)])
    def decoded(contents: Any) -> Any:
        # As exact as Pillow's, where TensorFlow's default is a faster one.
        exact = {"channels": 3, "dct_method": "INTEGER_ACCURATE"}
        images = [tf.io.decode_jpeg(content, **exact) for content in tf.unstack(contents)]
        return tf.stack(images) if stacked else images

    return decoded
