"""Finds where a training's numbers first overflow: replays its batches from the last snapshot on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.snapshot import Arrays, are_finite, assign, copied, restore
from cnnmagic.errors import RunError

if TYPE_CHECKING:
    from cnnmagic.engine.loop import Loop

MOST_SECONDS = 20.0
LARGE_PIXELS = 20.0
SANE_RATE = 0.1  # of a much larger one a tenth would be no help
FLOAT16 = "mixed_float16"


@dataclass(frozen=True)
class Overflow:
    """The batch, from 1, whose training gave numbers that are not finite, and the layer where they came up.

    `bad` of the layer's `count` outputs (or weights, as `part` says) are not finite; `inputs`, `weights` and `pixels`
    are the largest magnitudes that go into it, that it held before, and that go into the first layer with weights.
    `batch` is the last one looked at where `exact` is false.
    """

    epoch: int
    batch: int
    loss: float
    rate: float
    exact: bool = True
    layer: str = ""
    part: str = "outputs"
    bad: int = 0
    count: int = 0
    inputs: float = math.nan
    weights: float = math.nan
    pixels: float = math.nan


def refusal(model: Any, loop: Loop) -> RunError:
    """The error that ends a diverged training; the model is left with the last weights that give finite numbers."""
    found = find_overflow(model, loop)
    half = any(layer.dtype_policy.name == FLOAT16 for layer in model.layers)
    return RunError(
        _message(found, loop), reason=_reason(found), remedy=_remedy(found, loop.peak, half, loop.keeper.moment().name)
    )


def find_overflow(model: Any, loop: Loop) -> Overflow:
    """Train again from the last snapshot until numbers overflow; leaves the last weights whose loss was finite."""
    snapshot = loop.keeper.last
    assert snapshot is not None  # `fit` keeps the beginning
    restore(model, snapshot.variables)
    position, last = snapshot.position, max(loop.clock.batch, snapshot.position.batch + 1)
    _one_step_at_a_time(model)
    loop.feed.begin(position.epoch)
    loop.clock.begin_epoch(position.epoch, position.batch)
    end, loss, number = time.monotonic() + MOST_SECONDS, math.nan, position.batch
    good = snapshot.variables.model
    while number < min(last, loop.clock.batches):
        loop.clock.batch = number
        loop.follow_schedule()
        before, batch, number = copied(model.variables), loop.feed.batch(number), number + 1
        loss = float(model.train_on_batch(*batch, class_weight=loop.class_weight, return_dict=True)["loss"])
        if not (math.isfinite(loss) and are_finite(copied(model.trainable_variables))):
            found = _located(model, batch, before, Overflow(position.epoch + 1, number, loss, loop.rate()))
            assign(model.variables, before if math.isfinite(loss) else good)
            return found
        good = before
        if time.monotonic() > end:
            break
    assign(model.variables, good)
    return Overflow(position.epoch + 1, number, loss, loop.rate(), exact=False)


def _one_step_at_a_time(model: Any) -> None:
    """Have the model train one batch at each call, as `train_on_batch` needs it."""
    if model.steps_per_execution != 1:
        model.steps_per_execution = 1
        model.make_train_function(force=True)


def _located(model: Any, batch: tuple[Any, Any], before: Arrays, found: Overflow) -> Overflow:
    """Name the layer in which the numbers overflow."""
    after = {layer.name: copied(layer.trainable_variables) for layer in model.layers}
    assign(model.variables, before)
    try:
        found = _in_outputs(model, batch[0], found)
    except Exception:  # whatever the backend says of so many outputs at once: the batch is worth telling without them
        found = replace(found, layer="")
    assign(model.variables, before)
    return found if found.layer else _in_weights(model, after, found)


def _in_outputs(model: Any, images: Any, found: Overflow) -> Overflow:
    """The first layer whose outputs for the batch are not all finite."""
    keras = load_keras()
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    outputs = keras.Model(model.inputs, [layer.output for layer in layers])([images], training=True)
    largest = _largest(images)
    for layer, tensor in zip(layers, outputs if isinstance(outputs, Sequence) else [outputs], strict=True):
        weights = _largest_weight(layer)
        if math.isnan(found.pixels) and not math.isnan(weights):
            found = replace(found, pixels=largest)
        array = keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))
        if bad := int(array.size - np.isfinite(array).sum()):
            return replace(found, layer=layer.name, bad=bad, count=array.size, inputs=largest, weights=weights)
        largest = _largest(array)
    return found


def _in_weights(model: Any, after: dict[str, Arrays], found: Overflow) -> Overflow:
    """The layer nearest to the output whose weights are not finite after the batch: gradients run from there."""
    for layer in reversed(model.layers):
        arrays = after[layer.name]
        if not are_finite(arrays):
            bad = sum(int(array.size - np.isfinite(array).sum()) for array in arrays)
            count = sum(array.size for array in arrays)
            reached = _largest_weight(layer)
            return replace(found, layer=layer.name, part="weights", bad=bad, count=count, weights=reached)
    return found


def _largest_weight(layer: Any) -> float:
    return max(map(_largest, copied(layer.trainable_variables)), default=math.nan)


def _largest(array: Any) -> float:
    """The largest magnitude among the finite numbers."""
    numbers = np.abs(np.asarray(array, "float64"))
    return float(np.max(numbers, where=np.isfinite(numbers), initial=0.0))


def _message(found: Overflow, loop: Loop) -> str:
    where = f"epoch {found.epoch}, batch {found.batch} of {loop.clock.batches}"
    if not found.exact:
        return f"the loss has grown beyond all numbers at some time after {where} (it was {found.loss:.4g} there)."
    if math.isfinite(found.loss):
        return f"the weights are no numbers any more after {where}, whose loss was {found.loss:.4g}."
    return f"the loss is {'NaN' if math.isnan(found.loss) else 'infinite'} at {where}."


def _reason(found: Overflow) -> str:
    if not found.layer:
        return ""
    told = f"It begins in `{found.layer}`: {found.bad:,} of its {found.count:,} {found.part} are not finite"
    if not math.isnan(found.inputs):
        told += f", while what goes into it reaches {found.inputs:.3g}"
    if not math.isnan(found.weights):
        told += f", and its weights {'reached' if found.part == 'weights' else 'reach'} {found.weights:.3g}"
    return f"{told}. The learning rate was {found.rate:.3g}."


def _remedy(found: Overflow, peak: float, half: bool, name: str) -> str:
    told = [f"Train with a lower rate: `%cnn train {name} lr={min(peak / 10, SANE_RATE):.3g}`."]
    if half:
        told.insert(0, "float16 ends at 65,504: `precision=bfloat16` or `precision=float32` holds larger numbers.")
    if found.pixels > LARGE_PIXELS:
        told.insert(0, f"Images reach the first layer with values up to {found.pixels:.4g}: scale them to 0 … 1.")
    return " ".join([*told, f"{name} keeps the last weights whose loss was finite."])
