"""A training at one moment: the numbers of all its variables, and where in its epochs it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import RunError

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Position:
    """Where a training stands: `batch` batches of `epoch` (from 0) are done.

    `peak` is the rate that a schedule scales, None for the optimizer's own; the schedule runs from batch `begin` of the
    whole training to its last. `best_loss`, `best_epoch` and `waited` are what early stopping goes by.
    """

    epoch: int = 0
    batch: int = 0
    peak: float | None = None
    begin: int = 0
    best_loss: float | None = None
    best_epoch: int = 0
    waited: int = 0


@dataclass(frozen=True)
class Way:
    """How Keras runs the steps of a training: compiled by XLA or not, and how many at once."""

    jit: bool = False
    steps: int = 1

    def difference(self, other: Way) -> str:
        """What this way does that the other doesn't, in words."""
        if self.jit != other.jit:
            return "XLA" if self.jit else "doing without XLA"
        return f"running {self.steps} steps at once"


@dataclass(frozen=True, eq=False)
class Variables:
    """Numbers of the model's variables (random state included), of the optimizer's, and of the metrics' sums."""

    model: Arrays = field(repr=False)
    optimizer: Arrays = field(repr=False)
    metrics: Arrays = field(repr=False)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All that a training needs to go on; `best` are the weights that early stopping would go back to, if any.

    Another `way` would give numbers that differ in their last digits, and a schedule's steps elsewhere.
    """

    position: Position
    variables: Variables
    best: Arrays = field(default=(), repr=False)
    way: Way | None = None


def way_of(model: Any) -> Way:
    """How a model's steps are run now."""
    return Way(bool(model.jit_compile), model.steps_per_execution)


def take(model: Any) -> Variables:
    """Copies of all that changes in a training; in the training's thread, or when none is under way."""
    bring_up_to_date(model)
    return Variables(copied(model.variables), copied(model.optimizer.variables), copied(model.metrics_variables))


def restore(model: Any, variables: Variables) -> None:
    """Bring model and optimizer back to what `take` saw; raises `RunError` where the model is another one.

    The metrics' sums are set apart, by `restore_metrics`: Keras sets them to zero when an epoch begins.
    """
    bring_up_to_date(model)
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    assign(model.variables, variables.model)
    assign(model.optimizer.variables, variables.optimizer)


@contextmanager
def as_it_was(model: Any) -> Iterator[None]:
    """Bring back at the end what training within changes: numbers, random state included, the optimizer, a stop."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    before = take(model)
    try:
        yield
    finally:
        restore(model, before)
        model.reset_metrics()
        model.stop_training = False


def restore_metrics(model: Any, variables: Variables) -> None:
    """Set the sums behind the means of loss and accuracy."""
    assign(model.metrics_variables, variables.metrics)


def assign(variables: Iterable[Any], arrays: Arrays) -> None:
    """Give each variable its numbers; raises `RunError` where they are not of its shape."""
    given = list(variables)
    fits = len(given) == len(arrays) and all(
        tuple(variable.shape) == array.shape for variable, array in zip(given, arrays, strict=True)
    )
    if not fits:
        message = "the checkpoint is of another network than this one."
        raise RunError(message, remedy="Train it anew, or go back to the text that it was made with.")
    for variable, array in zip(given, arrays, strict=True):
        variable.assign(array)


def copied(variables: Iterable[Any]) -> Arrays:
    """Copies of the variables' numbers, which no later step of the training changes."""
    to_numpy = load_keras().ops.convert_to_numpy
    return tuple(np.array(to_numpy(variable), copy=True) for variable in variables)


def are_finite(arrays: Arrays) -> bool:
    """Whether no number is infinite or not a number."""
    return all(np.isfinite(array).all() for array in arrays if array.dtype.kind == "f")


def bring_up_to_date(model: Any) -> None:
    """Let the variables hold the numbers of this moment: while it fits, Keras on JAX keeps them elsewhere."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
