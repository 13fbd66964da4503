"""Many small JPEG or PNG files decoded at once by TensorFlow, where it is loaded: Python is what takes long with each.

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
PNG, DATA = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", b"IDAT"
GREY, COLOURED = b"\x08\x00\x00\x00\x00", b"\x08\x02\x00\x00\x00"  # 8 bits, line after line
PLAIN_PNG = {1: (GREY,), 3: (GREY, COLOURED)}  # by channels
NOT_PLAIN = (b"tRNS", b"acTL")  # with transparency, with several pictures


def serves(form: Form, count: int) -> bool:
    """Whether so many images in this form may be decoded here."""
    return "tensorflow" in sys.modules and form.channels in PLAIN_PNG and count >= FEWEST


def decode_together(contents: Iterable[bytes], form: Form) -> list[np.ndarray] | None:
    """Pixels (height, width, channels) of `AT_ONCE` encoded images of one kind.

    None where one of them is not plain, or can't be read; after the first that is not plain none is asked for.
    """
    plain: list[bytes] = []
    sizes: set[tuple[int, int] | None] = set()
    for content in contents:
        size = plain_size(content, form.channels)
        if not _is_as_wanted(size, form) or content[:2] != (plain or [content])[0][:2]:
            return None
        plain.append(content)
        sizes.add(size)
    if len(plain) != AT_ONCE:
        return None
    import tensorflow as tf

    is_png, is_alike = plain[0].startswith(PNG), len(sizes) == 1
    try:
        found = _decoder(is_png, form.channels, stacked=is_alike)(tf.constant(plain))
        return list(found.numpy()) if is_alike else [pixels.numpy() for pixels in found]
    except tf.errors.InvalidArgumentError:
        return None


def plain_size(content: bytes, channels: int = 3) -> tuple[int, int] | None:
    """Height and width of a JPEG of three colours that nothing turns, or of a plain PNG; None for anything else.

    A PNG is plain that has 8 bits of grey, or of three colours where there are three `channels`, and no more than that.
    """
    if content.startswith(PNG):
        return _size_of_png(content, channels)
    if channels != 3:
        return None
    starts = [start for frame in FRAMES if (start := content.find(frame, 0, FARTHEST)) > 0]
    if not content.startswith(b"\xff\xd8") or len(starts) != 1 or b"Exif" in content[: starts[0]]:
        return None
    start = starts[0] + len(FRAMES[0])
    return int.from_bytes(content[start : start + 2], "big"), int.from_bytes(content[start + 2 : start + 4], "big")


def _size_of_png(content: bytes, channels: int) -> tuple[int, int] | None:
    start = len(PNG)
    about = content[start + 8 : start + 13]
    before = content[: max(0, content.find(DATA, 0, FARTHEST))]
    if about not in PLAIN_PNG[channels] or not before or any(word in before for word in NOT_PLAIN):
        return None
    return int.from_bytes(content[start + 4 : start + 8], "big"), int.from_bytes(content[start : start + 4], "big")


def _is_as_wanted(size: tuple[int, int] | None, form: Form) -> bool:
    """Whether an image is plain, small, and of the size that it is to have."""
    if size is None:
        return False
    wanted = (form.resize.height, form.resize.width) if form.resize else size
    return size == wanted and 0 < size[0] * size[1] <= MOST_PIXELS


@cache
def _decoder(is_png: bool, channels: int, stacked: bool) -> Any:
    """Decodes `AT_ONCE` images; those of one size are handed over as one array, which is quicker."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec((AT_ONCE,), tf.string)])
    def decoded(contents: Any) -> Any:
        # As exact as Pillow's, where TensorFlow's default for JPEG is a faster one.
        exact = {} if is_png else {"dct_method": "INTEGER_ACCURATE"}
        decode = tf.io.decode_png if is_png else tf.io.decode_jpeg
        images = [decode(content, channels=channels, **exact) for content in tf.unstack(contents)]
        return tf.stack(images) if stacked else images

    return decoded
