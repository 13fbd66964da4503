"""The mean of the weights that an optimizer keeps (`ema`): in their place while they are judged, and at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cnnmagic.engine.snapshot import Arrays, assign, copied


def put_mean(model: Any) -> Arrays:
    """Put the mean in the weights' place, as Keras does at the end of a fit; returns the weights that were there."""
    weights = copied(model.trainable_variables)
    finalize = type(model.optimizer).finalize_variable_values  # `fit` may hide the optimizer's own
    finalize(model.optimizer, model.trainable_variables)
    # On JAX both would hold the same buffer now, and a step gives away the buffers that it starts from.
    assign(model.trainable_variables, copied(model.trainable_variables))
    return weights


def restart_mean(model: Any) -> None:
    """Have the mean, where the optimizer keeps one, begin anew from the weights as they are."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    means = getattr(optimizer, "_model_variables_moving_average", ())  # Keras has no other way to them
    if means:
        assign(means, copied(model.trainable_variables))


@contextmanager
def mean_in_place(model: Any, momentum: float | None) -> Iterator[None]:
    """Have the mean in the weights' place for a while, where one is kept: `momentum` is not None then."""
    weights = () if momentum is None else put_mean(model)
    try:
        yield
    finally:
        if momentum is not None:
            assign(model.trainable_variables, weights)
