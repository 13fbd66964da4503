"""Answers for a table of encoded images: MLflow loads this file with the model, and needs Keras, but no cnnmagic.

`decode.py`, which lies beside the model, is cnnmagic's own, so that pixels reach the network as they did in training.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

MODEL, ABOUT, DECODER = "model.keras", "about.json", "decode.py"
COLUMN = "image"


def _load_pyfunc(path: str) -> Scorer:
    """What MLflow calls with the folder of the model."""
    return Scorer(Path(path))


class Scorer:
    """A network with what its images need: decoded, turned upright, brought to its size and its range of numbers."""

    def __init__(self, folder: Path):
        self.about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        self.decoder = _module(folder / DECODER)
        resize = self.about["resize"]
        sizes = (self.about[name] for name in ("height", "width", "channels"))
        self.form = self.decoder.Form(*sizes, SimpleNamespace(**resize) if resize else None)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if "keras" not in sys.modules:
            os.environ.setdefault("KERAS_BACKEND", self.about["backend"])
        import keras

        self.model = keras.saving.load_model(folder / MODEL, compile=False)

    def predict(self, images: Any, params: dict[str, Any] | None = None) -> Any:
        """A frame of class, its probability, and the probabilities of all classes, a row for each image.

        `images` are a frame with a column `image` (or with one column) of encoded images. A row whose image is missing
        or can't be decoded has an empty class and no probabilities.
        """
        import pandas as pd

        contents = _contents(images)
        answers: list[np.ndarray | None] = [None] * len(contents)
        for rows, pixels in self._batches(contents):
            for row, answer in zip(rows, self._probabilities(self.model.predict(pixels, verbose=0)), strict=True):
                answers[row] = answer
        named = [self._named(answer) for answer in answers]
        return pd.DataFrame(named, columns=["class", "probability", "probabilities"])

    def _batches(self, contents: list[Any]) -> Iterator[tuple[list[int], np.ndarray]]:
        """Numbers of rows with their pixels, images of one size together."""
        sizes: dict[tuple[int, ...], dict[int, np.ndarray]] = {}
        for row, content in enumerate(contents):
            if (image := self._pixels(content)) is not None:
                sizes.setdefault(image.shape, {})[row] = image
        return ((list(found), np.stack(list(found.values()))) for found in sizes.values())

    def _probabilities(self, answers: np.ndarray) -> np.ndarray:
        """What a network answers as probabilities: logits by softmax, that of a single unit by the sigmoid."""
        if not self.about.get("logits"):
            return answers
        if answers.shape[-1] == 1:
            with np.errstate(over="ignore"):
                one: np.ndarray = 1 / (1 + np.exp(-answers))
            return one
        powers = np.exp(answers - answers.max(axis=-1, keepdims=True))
        shares: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
        return shares

    def _pixels(self, content: Any) -> np.ndarray | None:
        if content is None or (isinstance(content, float) and np.isnan(content)):
            return None
        if isinstance(content, str):  # as a request in JSON has it
            content = base64.b64decode(content)
        try:
            pixels: np.ndarray = self.decoder.decode(bytes(content), self.form)[0]
        except self.decoder.Unreadable:
            return None
        if self.about["kind"]:
            pixels = self.decoder.brought(pixels, *(self.about[name] for name in ("black", "white", "kind")))
        return pixels

    def _named(self, answer: np.ndarray | None) -> tuple[str, float | None, list[float] | None]:
        """The likeliest class; of a network with one output it is the second one from a probability of a half on."""
        if answer is None:
            return "", None, None  # of None MLflow would make the word "None"
        classes, numbers = self.about["classes"], [float(number) for number in answer]
        if len(numbers) == 1:
            is_last = numbers[0] >= 0.5
            return classes[-1 if is_last else 0], numbers[0] if is_last else 1 - numbers[0], numbers
        best = int(np.argmax(answer))
        return classes[best] if best < len(classes) else str(best), numbers[best], numbers


def _contents(images: Any) -> list[Any]:
    if hasattr(images, "columns"):
        images = images[COLUMN] if COLUMN in images.columns else images.iloc[:, 0]
    return list(images)


def _module(path: Path) -> ModuleType:
    name = f"cnnmagic_decode_{abs(hash(path))}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a path that ends in .py has both
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
