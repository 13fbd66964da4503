"""Readings of a plan that several answers share: its convolutions, how lines are called, what changed layers cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cnnmagic.layers import (
    Conv2D,
    Conv2DTranspose,
    DepthwiseConv2D,
    KerasLayer,
    Layer,
    Merge,
    Misfit,
    SeparableConv2D,
    Shape,
)
from cnnmagic.layers.arithmetic import elements
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

CONVOLUTIONS = (Conv2D, SeparableConv2D, DepthwiseConv2D, Conv2DTranspose)


def convolutions(plan: Plan) -> tuple[Step, ...]:
    """The steps that slide a window of weights."""
    return tuple(step for step in plan.steps if isinstance(step.layer, CONVOLUTIONS))


def plain_convolutions(plan: Plan, least: int = 2) -> tuple[Step, ...]:
    """Convolutions of Keras's plain kind whose window has `least` pixels a side at least."""
    return tuple(s for s in plan.steps if isinstance(s.layer, Conv2D) and min(s.layer.kernel_size) >= least)


def volumes(plan: Plan) -> tuple[Step, ...]:
    """The steps that give height x width x channels."""
    return tuple(step for step in plan.steps if len(step.output_shape) == 3)


def class_names(plan: Plan, classes: int) -> tuple[str, ...]:
    """The names of the classes where the data tell them, else their numbers."""
    known = plan.facts.classes if plan.facts else ()
    return tuple(map(str, known)) if len(known) == classes else tuple(map(str, range(classes)))


def window_of(step: Step) -> Conv2D:
    """The layer of one of the `plain_convolutions`, as what it is."""
    assert isinstance(step.layer, Conv2D)
    return step.layer


def named(step: Step) -> str:
    """A step as a reader finds it: its words, and the name of its Keras layer, which leads to its line."""
    return f"`{phrase(step.layer)}` ({step.name})"


def is_trained(state: RunState | None) -> bool:
    """Whether an epoch at least is done."""
    return state is not None and bool(state.history)


def training_images(plan: Plan, state: RunState | None) -> int | None:
    """Images that train the network: as the training counted them, else as the plan comes to."""
    return state.images if state is not None and state.images else plan.training_images


def validation_images(plan: Plan, state: RunState | None) -> int | None:
    """Images that the training is validated on: as the training counted them, else as the plan comes to."""
    return state.seen[-1].whole if state is not None and state.seen else plan.validation_images


def recounted(plan: Plan, changed: Mapping[str, Layer | None], input_shape: Shape | None = None) -> Plan | None:
    """The plan with other layers in place of those named, or none, all shapes and costs counted again.

    None where the rest does not fit what is changed.
    """
    shapes: dict[str, Shape] = {"input": input_shape or plan.input_shape}
    steps = []
    for step in plan.steps:
        layer = changed.get(step.name, step.layer)
        given = tuple(shapes[name] for name in step.inputs)
        if layer is None:
            shapes[step.name] = given[0]
            continue
        try:
            counted = _counted(step, layer, given)
        except Misfit:
            return None
        shapes[step.name] = counted.output_shape
        steps.append(counted)
    return replace(plan, steps=tuple(steps), input_shape=shapes["input"])


def _counted(step: Step, layer: Layer, given: tuple[Shape, ...]) -> Step:
    """The step with this layer on these inputs; raises `Misfit`."""
    if isinstance(layer, KerasLayer):
        raise Misfit("can't be counted without Keras.")
    shape = given[0]
    out = layer.merged_shape(given) if isinstance(layer, Merge) else layer.output_shape(shape)
    work, parameters = layer.multiply_adds(shape), layer.parameters(shape)
    return replace(
        step,
        layer=layer,
        input_shape=shape,
        output_shape=out,
        parameters=parameters,
        frozen_parameters=layer.frozen_parameters(shape) if step.trainable else parameters,
        flops=None if work is None else 2 * work,
    )


def fully_connected(plan: Plan) -> Plan | None:
    """The plan with every convolution made dense: the same volumes, each number reading every number before it.

    None where a size is free: a dense layer has as many weights as its input has numbers.
    """
    steps = []
    for step in plan.steps:
        inputs, outputs = elements(step.input_shape), elements(step.output_shape)
        if inputs is None or outputs is None:
            return None
        if isinstance(step.layer, CONVOLUTIONS):
            parameters = inputs * outputs + outputs * step.layer.use_bias
            frozen = 0 if step.trainable else parameters
            step = replace(step, parameters=parameters, frozen_parameters=frozen, flops=2 * inputs * outputs)
        steps.append(step)
    return replace(plan, steps=tuple(steps))
