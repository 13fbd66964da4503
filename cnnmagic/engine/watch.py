"""Looks at a model between epochs, at what it takes each class for and at its layers, within a budget of time."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.forward import answering
from cnnmagic.engine.gradients import gradients_of
from cnnmagic.engine.probe_model import is_relu
from cnnmagic.engine.snapshot import bring_up_to_date
from cnnmagic.engine.splits import Dataset, Split
from cnnmagic.events import ClassesSeen, LayerNumbers, LayersSeen

MOST_IMAGES, CHUNK = 2_000, 256
LAYER_IMAGES, LAYER_NUMBERS = 256, 16_000_000  # images seen by layers; numbers held of them at a time
SHORT_LOOK_IMAGES = 128  # of layers that nobody asked for, before the end
SHARE, ALLOWANCE, AT_THE_END = 0.004, 0.1, 0.1  # of the training's seconds, and seconds in any case
SHARE_ASKED_FOR = 0.1  # where the user asks for the layers' norms, or looks at what is seen


class Budget:
    """Seconds that may be spent: a share of the training's, or an allowance where that is more."""

    def __init__(self) -> None:
        self.earned, self.spent, self.share = 0.0, 0.0, SHARE

    @property
    def left(self) -> float:
        return max(ALLOWANCE, self.earned) - self.spent

    def earn(self, seconds: float) -> None:
        """Add the share of so many seconds of training."""
        self.earned += self.share * seconds


class Watcher:
    """What an epoch's end looks at; `what` is one of `events.WATCHES`.

    The same images are seen after every epoch, in an order of chance, as many as the budget allows.
    """

    def __init__(self, model: Any, dataset: Dataset, batch_size: int, what: str = "classes"):
        self.model, self.what = model, what
        self.chunk = min(CHUNK, 4 * batch_size)
        self.validation, self.training = _sample(dataset.validation, MOST_IMAGES), _sample(dataset.train, LAYER_IMAGES)
        self.whole = len(dataset.validation)
        self.budget = Budget()
        self.is_attended = False
        self.room = 0.0
        self._answer, self._gradients = answering(model), gradients_of(model)
        self._inner: Any = None

    def turn_to(self, what: str) -> None:
        """Look at something else from now on."""
        self.what = what
        self._set_share(what in ("layers", "all"))

    def attend(self, is_seen: bool) -> None:
        """Take more of the time while someone has what is seen in view."""
        self.is_attended = is_seen
        self._set_share(is_seen)

    def _set_share(self, is_fresh: bool) -> None:
        asked = self.is_attended or self.what in ("layers", "all")
        self.budget.spent = 0.0 if is_fresh else self.budget.spent
        self.budget.share = SHARE_ASKED_FOR if asked else SHARE

    def look(self, epoch: int, is_last: bool = False) -> list[ClassesSeen | LayersSeen]:
        """What there is to see after an epoch, counted from 1, as far as the budget goes; the last is always seen."""
        self.room = max(self.budget.left, AT_THE_END) if is_last else self.budget.left
        if self.what == "no" or self.room <= 0:
            return []
        bring_up_to_date(self.model)
        started = time.monotonic()
        seen: list[ClassesSeen | LayersSeen | None] = [self._classes(epoch, started)]
        if is_last or self.what != "classes" or epoch & (epoch - 1) == 0:  # dead ReLUs seldom come to life again
            seen.append(self._layers(epoch, started, is_last))
        self.budget.spent += time.monotonic() - started
        return [event for event in seen if event is not None]

    def _classes(self, epoch: int, started: float) -> ClassesSeen | None:
        """True and answered classes of validation images."""
        if self.what == "layers" or not len(self.validation):
            return None
        answers: list[Any] = []
        for rows in _chunks(len(self.validation), self.chunk):
            before = time.monotonic()
            answers.append(self._answered(self.validation.images[rows]))
            if 2 * time.monotonic() - before - started > self.room:
                break  # another chunk of the same duration would be too much
        answered = np.concatenate(answers)
        actual = self.validation.labels[: len(answered)].ravel().astype(int)
        pairs, counts = np.unique(np.stack([actual, answered]), axis=1, return_counts=True)
        cells = tuple(zip(*pairs.tolist(), counts.tolist(), strict=True))
        return ClassesSeen(epoch, len(answered), self.whole, cells)

    def _answered(self, images: Any) -> Any:
        """The number of the class that the model takes each image for."""
        answers = load_keras().ops.convert_to_numpy(self._answer(images))
        if answers.shape[-1] > 1:
            return answers.argmax(axis=-1)
        return (answers[..., 0] > (0.0 if getattr(self.model.loss, "from_logits", False) else 0.5)).astype(int)

    def _layers(self, epoch: int, started: float, is_last: bool = False) -> LayersSeen | None:
        """Numbers of every layer; norms of weights and gradients only where they are asked for."""
        if time.monotonic() - started > self.room:
            return None
        shown = self.validation if len(self.validation) else self.training
        is_short = self.what == "classes" and not is_last
        images = shown.images[: SHORT_LOOK_IMAGES if is_short else LAYER_IMAGES]
        layers = [layer for layer in self.model.layers if not isinstance(layer, load_keras().layers.InputLayer)]
        squares, peaks, count = self._outputs(layers, images, started)
        norms = self._norms(layers) if self.what in ("layers", "all") else {}
        told = []
        for layer, square, peak in zip(layers, squares, peaks, strict=True):
            channels = len(peak) if is_relu(layer) else 0
            dead = int((peak == 0).sum()) if channels else 0
            told.append(LayerNumbers(layer.name, math.sqrt(square), dead, channels, *norms.get(layer.name, ())))
        return LayersSeen(epoch, count, tuple(told))

    def _outputs(self, layers: list[Any], images: Any, started: float) -> tuple[Any, Any, int]:
        """Of each layer's outputs the mean square, and the largest of each channel, and of how many images."""
        if self._inner is None:
            inner = load_keras().Model(self.model.inputs, [layer.output for layer in layers])
            self._inner = answering(inner, _squares_and_peaks)
        each = sum(math.prod(size or 1 for size in layer.output.shape[1:]) for layer in layers)
        sums, peaks, count = np.zeros(len(layers)), [np.array(-np.inf)] * len(layers), 0
        for rows in _chunks(len(images), max(1, min(self.chunk, LAYER_NUMBERS // max(1, each)))):
            before, part = time.monotonic(), images[rows]
            for number, (square, peak) in enumerate(self._inner([part])):
                sums[number] += float(square) * len(part)
                peaks[number] = np.maximum(peaks[number], load_keras().ops.convert_to_numpy(peak))
            count += len(part)
            if 2 * time.monotonic() - before - started > self.room:
                break
        return sums / count, peaks, count

    def _norms(self, layers: list[Any]) -> dict[str, tuple[float, float]]:
        """Euclidean norms of each layer's trained weights, and of the loss's gradient by them on training images."""
        batch = self.training.images[: self.chunk], self.training.labels[: self.chunk]
        slopes = dict(zip(map(id, self.model.trainable_variables), self._gradients(*batch), strict=True))
        numpy = load_keras().ops.convert_to_numpy
        return {
            layer.name: (
                _norm([numpy(variable) for variable in layer.trainable_variables]),
                _norm([slopes[id(variable)] for variable in layer.trainable_variables]),
            )
            for layer in layers
            if layer.trainable_variables
        }


def _sample(split: Split, most: int) -> Split:
    rows = np.random.default_rng(0).permutation(len(split))[:most]
    return split.take(rows)


def _chunks(count: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, count, size)]


def _squares_and_peaks(outputs: Any) -> list[tuple[Any, Any]]:
    """Of each output the mean square, and the largest value of each channel."""
    ops, told = load_keras().ops, []
    for tensor in outputs if isinstance(outputs, list | tuple) else [outputs]:
        values = ops.cast(tensor, "float32")
        told.append((ops.mean(ops.square(values)), ops.max(values, axis=tuple(range(len(values.shape) - 1)))))
    return told


def _norm(arrays: list[Any]) -> float:
    return math.sqrt(sum(float(np.square(np.asarray(array, "float64")).sum()) for array in arrays))
