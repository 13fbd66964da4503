"""Judges a model on images whose classes are known: probabilities, confusions, scores, mistakes, calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine.probe_graph import flow, head_of, numpy_of
from cnnmagic.engine.probe_model import at_rest, checked_images, chunks
from cnnmagic.errors import DataError, RunError

BINS = 15
Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model says of images: `logits` (count, units), from which `probabilities` (count, classes) come."""

    activation: str
    logits: np.ndarray = field(repr=False)
    probabilities: np.ndarray = field(repr=False)

    @property
    def predicted(self) -> np.ndarray:
        """The number of the class that each image is taken for, (count); of equals the first."""
        return self.probabilities.argmax(axis=-1)


@dataclass(frozen=True, eq=False)
class ClassScores:
    """For each class, arrays (classes): images of it (`counts`), images taken for it, and what of both is right.

    precision = right / taken for it; recall = right / images of it; F1 = 2 right / (images of it + taken for it).
    NaN where that is a division by 0.
    """

    counts: np.ndarray
    predicted: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray


@dataclass(frozen=True)
class Mistake:
    """An image by its index, its true class, the one it is taken for, and the probabilities given to both."""

    index: int
    actual: int
    predicted: int
    probability: float
    probability_of_actual: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images in bins by the probability of the class predicted: edges (bins + 1); counts, accuracy, confidence (bins).

    `error` is the expected calibration error: the distance of accuracy and confidence, averaged over the images.
    """

    edges: np.ndarray
    counts: np.ndarray
    accuracy: np.ndarray
    confidence: np.ndarray
    error: float


@dataclass(frozen=True, eq=False)
class Judgement:
    """How good the answers are: `confusion` (classes, classes) counts images by true (row) and predicted class."""

    labels: np.ndarray = field(repr=False)
    answers: Answers
    confusion: np.ndarray = field(repr=False)
    scores: ClassScores
    calibration: Calibration

    @property
    def accuracy(self) -> float:
        """Share of the images that are taken for what they are."""
        return float(np.trace(self.confusion) / len(self.labels))

    def worst_mistakes(self, most: int = 20) -> tuple[Mistake, ...]:
        """Images taken for another class, those first of which the model is surest."""
        return worst_mistakes(self.labels, self.answers.probabilities, most)


def answer(model: Any, images: Any, progress: Progress | None = None) -> Answers:
    """Logits and probabilities for images as the data have them; `progress(done, of)` is called on the way."""
    probed, ready = at_rest(model), checked_images(model, images)
    head, parts, done = head_of(probed), [], 0
    for chunk in chunks(probed, ready):
        parts.append(numpy_of(head.logits(flow(probed, chunk))))
        done += len(chunk)
        if progress is not None:
            progress(done, len(ready))
    logits = np.concatenate(parts)
    if logits.ndim != 2:
        raise RunError(f"{model.name} does not answer with classes.", remedy="Give it an `output` as its last layer.")
    return Answers(head.activation, logits, probabilities(logits, head.activation))


def judge(model: Any, images: Any, labels: Any, progress: Progress | None = None) -> Judgement:
    """Judge the model on images with their class numbers; raises `CnnError`."""
    answers = answer(model, images, progress)
    classes, actual = answers.probabilities.shape[1], np.asarray(labels).reshape(-1).astype(int)
    if len(actual) != len(answers.logits) or actual.min() < 0 or actual.max() >= classes:
        message = f"{len(actual)} labels for {len(answers.logits)} images of {classes} classes don't fit."
        raise DataError(message, remedy=f"Give each image a class number from 0 to {classes - 1}.")
    confusion = confusion_matrix(actual, answers.predicted, classes)
    return Judgement(actual, answers, confusion, class_scores(confusion), calibrate(actual, answers.probabilities))


def probabilities(logits: np.ndarray, activation: str, temperature: float = 1.0) -> np.ndarray:
    """Probabilities (count, classes) of logits (count, units) divided by the temperature, above 0; raises `RunError`.

    softmax(z)[c] = exp(z[c]) / sum over k of exp(z[k]). A single unit gives class 1 by the sigmoid, 1 / (1 + exp(-z)),
    and class 0 the rest. Sigmoids of several units are each class's own, and don't add up to 1.
    """
    if not 0 < temperature < float("inf"):
        raise RunError(f"a temperature is a number above 0, not {temperature!r}.", remedy="1 changes nothing.")
    scaled = logits.astype("float64") / temperature
    if scaled.shape[-1] == 1:
        return _softmax(np.concatenate([np.zeros_like(scaled), scaled], axis=-1))
    return np.exp(-np.logaddexp(0, -scaled)) if activation == "sigmoid" else _softmax(scaled)


def confusion_matrix(actual: Any, predicted: Any, classes: int) -> np.ndarray:
    """How many images of each class (row) are taken for each (column)."""
    return np.bincount(actual * classes + predicted, minlength=classes**2).reshape(classes, classes)


def class_scores(confusion: np.ndarray) -> ClassScores:
    """Precision, recall and F1 of each class of a confusion matrix."""
    right, counts, taken = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return ClassScores(counts, taken, right / taken, right / counts, 2 * right / (counts + taken))


def worst_mistakes(actual: np.ndarray, given: np.ndarray, most: int = 20) -> tuple[Mistake, ...]:
    """Of images with their probabilities (count, classes) those that are wrong, the surest first."""
    predicted, rows = given.argmax(axis=-1), np.arange(len(given))
    sure = given[rows, predicted]
    wrong = [number for number in np.argsort(-sure, kind="stable") if predicted[number] != actual[number]]
    return tuple(
        Mistake(int(n), int(actual[n]), int(predicted[n]), float(sure[n]), float(given[n, actual[n]]))
        for n in wrong[:most]
    )


def calibrate(actual: np.ndarray, given: np.ndarray, bins: int = BINS) -> Calibration:
    """How far probabilities (count, classes) of predicted classes are shares of right answers.

    error = sum over the bins b of n[b] / n × |accuracy[b] - confidence[b]|, for bins of equal width whose right edge
    belongs to them: C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks" (2017),
    equations 2 and 3. Accuracy and confidence of an empty bin are NaN.
    """
    sure, right = given.max(axis=-1), given.argmax(axis=-1) == actual
    edges = np.linspace(0, 1, bins + 1)
    number = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    counts, hits, sums = (np.bincount(number, weights, bins) for weights in (None, right, sure))
    with np.errstate(divide="ignore", invalid="ignore"):
        accuracy, confidence = hits / counts, sums / counts
    error = float(np.abs(hits - sums).sum() / len(sure))
    return Calibration(edges, counts.astype(int), accuracy, confidence, error)


def _softmax(numbers: Any) -> np.ndarray:
    raised = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))
