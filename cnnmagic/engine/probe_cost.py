"""Times each layer of a model by itself on a batch of images, beside its work and its weights."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.probe_backend import Function, compiled, wait_for
from cnnmagic.engine.probe_graph import flow, sources
from cnnmagic.engine.probe_model import at_rest, checked_images, inner_layers, is_in_training
from cnnmagic.errors import RunError
from cnnmagic.layers import Merge, Misfit
from cnnmagic.plans import Plan, Step

REPEATS, SECONDS_A_LAYER = 5, 0.2
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class LayerCost:
    """A layer's way through a batch of `images`: the median of some passes without training, in seconds.

    `call_seconds` of them, measured once for all layers, a layer takes that does nothing, only for being called.
    `flops` are the plan's for one image, worked out for this size where the plan leaves the size free; None where they
    aren't known. `numbers` go out for one image.
    """

    layer: str
    kind: str
    images: int
    seconds: float
    call_seconds: float
    flops: int | None
    parameters: int
    numbers: int


def layer_costs(
    model: Any,
    images: Any,
    plan: Plan | None = None,
    repeats: int = REPEATS,
    progress: Progress | None = None,
) -> tuple[LayerCost, ...]:
    """Time every layer on a batch, in the model's own precision; raises `RunError` for a model in training.

    A layer by itself can't be joined with its neighbours, as a whole network's are, and each has its own call: the sum
    is more than a pass of the network takes. `progress(done, of)` is called on the way.
    """
    if is_in_training(model):
        message = f"{model.name} is in training, and times taken meanwhile would be wrong."
        raise RunError(message, remedy="Ask again at its end, or `stop` it first.")
    probed, ready = at_rest(model), checked_images(model, images)
    layers, names = inner_layers(probed), sources(probed)
    tensors, steps = flow(probed, ready), {step.name: step for step in plan.steps} if plan else {}
    call = _seconds(compiled(load_keras().layers.Identity()), tensors[layers[0].name], repeats)
    told = []
    for number, layer in enumerate(layers):
        source = names[layer.name]
        given = [tensors[name] for name in source] if isinstance(source, list) else tensors[source]
        told.append(_cost(layer, steps.get(layer.name), given, call, repeats))
        if progress is not None:
            progress(number + 1, len(layers))
    return tuple(told)


def _cost(layer: Any, step: Step | None, given: Any, call: float, repeats: int) -> LayerCost:
    function = compiled(layer)
    shape = function(given).shape
    return LayerCost(
        layer=layer.name,
        kind=type(layer).__name__,
        images=int(shape[0]),
        seconds=_seconds(function, given, repeats),
        call_seconds=call,
        flops=_flops(step, given),
        parameters=layer.count_params(),
        numbers=prod(shape[1:]),
    )


def _seconds(function: Function, given: Any, repeats: int) -> float:
    """The median of some passes, as many as a fifth of a second allows; the first ones, which compile, don't count."""
    for _ in range(2):
        wait_for(function(given))
    taken: list[float] = []
    while len(taken) < repeats and (not taken or sum(taken) < SECONDS_A_LAYER):
        before = time.perf_counter()
        wait_for(function(given))
        taken.append(time.perf_counter() - before)
    return statistics.median(taken)


def _flops(step: Step | None, given: Any) -> int | None:
    if step is None or step.flops is not None or isinstance(step.layer, Merge):
        return step.flops if step else None
    try:
        work = step.layer.multiply_adds(tuple(given.shape[1:]))
    except Misfit:
        return None
    return None if work is None else 2 * work
