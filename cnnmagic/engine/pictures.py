"""Encoded images as an array that is read when it is asked for: decoded by threads, kept where there is room."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from cnnmagic.engine.cache import Cache
from cnnmagic.engine.decode import Form, Unreadable, decode, read_header
from cnnmagic.engine.listing import Listing
from cnnmagic.engine.together import decode_together
from cnnmagic.errors import DataError

AT_ONCE = 16
WORKERS = max(2, min(16, os.cpu_count() or 2))


class Album:
    """The images of a listing in the form that a network takes; `cache` is where they are kept, if anywhere.

    `is_good` tells of each image whether it was read and the network takes it.
    """

    def __init__(self, listing: Listing, form: Form, cache: Cache | None = None):
        self.listing, self.form, self.cache = listing, form, cache
        self.sizes = np.zeros((len(listing), 2), np.int32)
        self.is_good = np.zeros(len(listing), bool)

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(WORKERS, thread_name_prefix="cnnmagic-images")

    @cached_property
    def identity(self) -> str:
        """Words that tell whether the images, their splits and their form are the same."""
        return self.identity_by(is_brief=False)

    def identity_by(self, is_brief: bool) -> str:
        """The identity by the bytes of many images, or of few or none of them."""
        form = self.form
        how = form.resize.how if form.resize else ""
        return f"{self.listing.fingerprint(is_brief)} {form.height}x{form.width}x{form.channels} {how}"

    def read(self, number: int) -> np.ndarray:
        """The pixels of an image, decoded now and kept; raises `Unreadable`."""
        pixels, header = decode(self.listing.read(number), self.form)
        self._keep(number, pixels, pixels.shape[:2] if self.form.resize is None else (header.height, header.width))
        return pixels

    def read_together(self, numbers: Sequence[int]) -> list[np.ndarray] | None:
        """The pixels of plain small images, decoded now and kept; None where one of them needs `read`."""
        try:
            found = decode_together((self.listing.read(number) for number in numbers), self.form)
        except Unreadable:
            return None
        for number, pixels in zip(numbers, found or (), strict=False):
            self._keep(number, pixels, pixels.shape[:2])
        return found

    def _keep(self, number: int, pixels: np.ndarray, size: tuple[int, ...]) -> None:
        self.sizes[number] = size
        self.is_good[number] = self.fits(pixels)
        if self.is_good[number] and self.cache is not None:
            self.cache.put(number, pixels)

    def fits(self, pixels: np.ndarray) -> bool:
        """Whether the network takes an image of this size."""
        wanted = self.form.height, self.form.width
        return all(want in (None, have) for want, have in zip(wanted, pixels.shape, strict=False))

    def image(self, number: int) -> np.ndarray:
        """The pixels (height, width, channels) of an image; raises `DataError` that names it."""
        kept = self.cache.get(number) if self.cache is not None else None
        if kept is not None:
            return kept
        try:
            pixels = self.read(number)
        except Unreadable as error:
            remedy = "Take it away, or write `bad=skip` in the `data` line."
            raise DataError(f"`{self.listing.names[number]}` {error}.", remedy=remedy) from error
        if not self.fits(pixels):
            size, wanted = f"{pixels.shape[0]}x{pixels.shape[1]}", f"{self.form.height}x{self.form.width}"
            message = f"`{self.listing.names[number]}` has {size} pixels, and the network takes {wanted}."
            raise DataError(message, remedy=f"Add a line `resize {wanted}`.")
        return pixels

    def images(self, numbers: Sequence[int]) -> list[np.ndarray]:
        """The pixels of several images, decoded side by side where they are not kept."""
        found = [None if self.cache is None else self.cache.get(number) for number in numbers]
        missing = [number for number, kept in zip(numbers, found, strict=True) if kept is None]
        if not missing:
            return [image for image in found if image is not None]
        read = iter(list(self.pool.map(self.image, missing)))
        return [next(read) if kept is None else kept for kept in found]

    def counted(self) -> Counter[tuple[int, int]]:
        """How many of the images read so far have which height and width."""
        return Counter(map(tuple, self.sizes[self.sizes.any(axis=1)].tolist()))

    def size(self, number: int) -> tuple[int, int]:
        """Height and width of an image, from its header where it was not read yet; (1, 1) for one that can't be."""
        if not self.sizes[number].any():
            try:
                header = read_header(self.listing.read(number))
                self.sizes[number] = header.height, header.width
            except Unreadable:
                self.sizes[number] = 1, 1
        return int(self.sizes[number][0]), int(self.sizes[number][1])


class Pictures:
    """Images (count, height, width, channels) of 8 bits, indexed as an array is.

    Where the size is free, height and width of `shape` are None, and images taken together have zeros below and to the
    right up to the largest of them.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4

    def __init__(self, album: Album, numbers: np.ndarray):
        self.album, self.numbers = album, np.asarray(numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def shape(self) -> tuple[Any, ...]:
        form = self.album.form
        return len(self), form.height, form.width, form.channels

    @property
    def is_free(self) -> bool:
        """Whether images differ in size."""
        return None in self.shape

    def at(self, rows: Any) -> Pictures:
        """Some of the images, not read yet."""
        return Pictures(self.album, self.numbers[rows])

    @property
    def sizes(self) -> np.ndarray:
        """Heights and widths (count, 2)."""
        return np.array([self.album.size(number) for number in self.numbers.tolist()]).reshape(-1, 2)

    def __getitem__(self, rows: Any) -> np.ndarray:
        if isinstance(rows, int | np.integer):
            return np.array(self.album.image(int(self.numbers[rows])))
        images = self.album.images(self.numbers[rows].tolist())
        return together(images, self.album.form)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)


def together(images: Sequence[np.ndarray], form: Form) -> np.ndarray:
    """Images in one array, zeros below and to the right of those that are smaller than the largest."""
    height = form.height or max((image.shape[0] for image in images), default=1)
    width = form.width or max((image.shape[1] for image in images), default=1)
    whole = np.zeros((len(images), height, width, form.channels), np.uint8)
    for number, image in enumerate(images):
        whole[number, : image.shape[0], : image.shape[1]] = image
    return whole


def chunks(numbers: Sequence[int], size: int = AT_ONCE) -> Iterator[Sequence[int]]:
    """The numbers, so many at a time."""
    return (numbers[start : start + size] for start in range(0, len(numbers), size))
