"""Images that a user gives to a trained model, as paths or arrays, in the form that its training images had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from cnnmagic.engine import arrays
from cnnmagic.engine.decode import Form, Unreadable, brought, decode, from_pixels
from cnnmagic.engine.ranges import check_range
from cnnmagic.engine.splits import Dataset
from cnnmagic.engine.tables import content_of
from cnnmagic.errors import DataError
from cnnmagic.plans import Resize


def are_files(images: Any) -> bool:
    """Whether images are given as a path, as the bytes of a file, or as a list of these."""
    if isinstance(images, str | PathLike | bytes):
        return True
    return isinstance(images, list | tuple) and bool(images) and all(map(_is_file, images))


def from_files(images: Any, dataset: Dataset) -> Any:
    """Decoded as the training images were; where those are arrays, brought to their size and range of numbers."""
    files = [images] if _is_file(images) else list(images)
    form = form_of(dataset)
    found = []
    for file in files:
        try:
            found.append(decode(content_of(file), form)[0])
        except Unreadable as error:
            name = "an image" if isinstance(file, bytes) else f"`{file}`"
            raise DataError(f"{name} {error}.", remedy="Give the path of an image that can be read.") from error
    ready = _together(found, form)
    if dataset.album is not None or isinstance(ready, list):
        return ready
    return brought(ready, dataset.black, dataset.white, str(dataset.train.images.dtype))


def from_arrays(images: Any, dataset: Dataset, name: str) -> Any:
    """Arrays of pixels from 0 to 255, one or many, brought to the size and the channels of encoded training images."""
    form = dataset.album.form
    if isinstance(images, list | tuple) and len({np.shape(image) for image in images}) > 1:
        found = [checked(np.asarray(image)[None], dataset, name)[0] for image in images]
        return _together([_formed(image, form) for image in found], form)
    given = arrays.as_array(images, name)
    single = given.ndim == 2 or (given.ndim == 3 and given.shape[-1] in (1, 3, 4))
    ready = checked(given[None] if single else given, dataset, name)
    return _together([_formed(image, form) for image in ready], form)


def checked(given: np.ndarray, dataset: Dataset, name: str) -> np.ndarray:
    """Images of a user as numbers that the network can take, in their own range; raises `DataError`."""
    ready = arrays.read_images(given, name)
    arrays.check_finite(ready, name)
    check_range(ready, dataset, name)
    return ready


def _formed(image: np.ndarray, form: Form) -> np.ndarray:
    pixels = image if image.dtype == np.uint8 else np.clip(np.rint(image), 0, 255).astype("uint8")
    if form.resize is None and pixels.ndim == 3 and pixels.shape[-1] == form.channels:
        return pixels
    return from_pixels(pixels, form)


def _together(found: Sequence[np.ndarray], form: Form) -> Any:
    sizes = {image.shape for image in found}
    for image in found:
        wanted = (form.height, form.width)
        if any(want not in (None, have) for want, have in zip(wanted, image.shape, strict=False)):
            message = f"images of {image.shape[0]}x{image.shape[1]} are not what the network takes."
            remedy = f"Give images of {form.height or '?'}x{form.width or '?'}, as its data were."
            raise DataError(message, remedy=remedy)
    return np.stack(found) if len(sizes) == 1 else [image[None] for image in found]


def label_numbers(labels: Any, name: str, images: int, classes: tuple[str, ...]) -> np.ndarray:
    """Labels of a user as numbers of classes: by the classes' names, or the numbers as given where these are words."""
    found = arrays.read_labels(labels, name, images)
    by_number = not any(known.isdigit() for known in classes) and all(label.isdigit() for label in found.classes)
    numbers = tuple(map(str, range(len(classes))))
    return arrays.encode_labels(labels, name, images, numbers if by_number else classes)


def form_of(dataset: Dataset) -> Form:
    """The form in which a user's files reach the model; raises `DataError` where no file has its channels.

    Where the training images have one size by themselves, files are stretched to it.
    """
    if dataset.album is not None:
        form: Form = dataset.album.form
        if form.resize is None and form.height and form.width:
            return replace(form, resize=Resize(form.height, form.width, "stretch"))
        return form
    height, width, channels = dataset.train.images.shape[1:]
    if channels not in (1, 3, 4):
        message = f"the network takes {channels} channels, and a file has 1, 3 or 4."
        raise DataError(message, remedy="Give an array.")
    how = dataset.resize.how if dataset.resize else "stretch"
    return Form(height, width, channels, Resize(height, width, how))


def _is_file(value: Any) -> bool:
    return isinstance(value, str | PathLike | bytes)
