"""Where a model's random numbers begin, which its file leaves out: as plain values and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras


def draws_of(model: Any) -> list[list[int]]:
    """The state of each random generator of a model, in the order of its variables."""
    to_numpy = load_keras().ops.convert_to_numpy
    return [[int(number) for number in np.asarray(to_numpy(state)).ravel()] for state in _states(model)]


def put_draws(model: Any, draws: Sequence[Sequence[int]]) -> None:
    """Have a model of the same layers draw the numbers that `draws_of` was told of."""
    for state, numbers in zip(_states(model), draws, strict=True):
        state.assign(np.array(numbers, state.dtype))


def _states(model: Any) -> list[Any]:
    """The variables of Keras's `SeedGenerator`s."""
    return [variable for variable in model.non_trainable_variables if "seed_generator" in variable.path]
