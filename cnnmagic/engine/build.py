"""Plan to Keras: a flat Functional model whose layers bear the names of the plan's steps, and how it learns."""

from __future__ import annotations

import math
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import CnnError, Place, PlanError
from cnnmagic.layers import KerasLayer, Merge, Misfit, Shape
from cnnmagic.layers.phrase import phrase
from cnnmagic.layers.weight_rules import made_of
from cnnmagic.plans import OPTIMIZERS, Output, Plan, Step, Training

POLICIES = {"auto": "float32", "float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


def build(plan: Plan, name: str = "net") -> Any:
    """The `keras.Model` of a plan, seeded where the plan has a seed, not compiled."""
    keras = load_keras()
    if plan.seed is not None:
        keras.utils.set_random_seed(plan.seed)
    policy = POLICIES[plan.training.precision if plan.training else "auto"]
    entry = keras.Input(plan.input_shape, name="input")
    tensors = {"input": entry}
    for step in plan.steps:
        layer = _layer(keras, step, policy if step is not plan.steps[-1] else "float32", plan.place_of(step.line))
        inputs = [tensors[source] for source in step.inputs]
        tensors[step.name] = layer(inputs if isinstance(step.layer, Merge) else inputs[0])
    model = keras.Model(entry, tensors[plan.steps[-1].name] if plan.steps else entry, name=name)
    if plan.base is not None:
        from cnnmagic.engine.pretrained import load_pretrained

        line = plan.step(plan.base.steps[0]).line
        try:
            load_pretrained(model, plan.base)
        except CnnError as error:
            place = plan.place_of(line)
            raise (error.at(place) if place else error) from error.__cause__
    return model


def compile_model(model: Any, training: Training, output: Output) -> None:
    """Give the model its optimizer, its loss and the accuracy as metric."""
    keras = load_keras()
    loss: Any = output.loss
    if output.activation not in ("softmax", "sigmoid"):
        losses = keras.losses
        kind = losses.BinaryCrossentropy if output.units == 1 else losses.SparseCategoricalCrossentropy
        loss = kind(from_logits=True)
    model.compile(optimizer=_optimizer(keras, training), loss=loss, metrics=["accuracy"])


def measure(layer: KerasLayer, shape: Shape) -> tuple[Shape, int, int]:
    """Output shape, weights and untrained weights of a layer that only Keras knows; `Misfit` where it refuses."""
    keras = load_keras()
    try:
        built = getattr(keras.layers, layer.class_name)(*layer.positional, **made_of(keras, layer.arguments()))
        output = built(keras.Input(shape))
    except (TypeError, ValueError) as error:
        raise Misfit(f"is refused by Keras: {str(error).strip().splitlines()[0]}") from error
    frozen = sum(math.prod(weight.shape) for weight in built.non_trainable_weights)
    return tuple(output.shape[1:]), built.count_params(), frozen


def _layer(keras: Any, step: Step, policy: str, place: Place | None) -> Any:
    """The Keras layer of a step: the class of the same name, with the same arguments."""
    kind, positional = step.layer.kind, getattr(step.layer, "positional", ())
    try:
        arguments = made_of(keras, step.layer.arguments())
        layer = getattr(keras.layers, kind)(*positional, **arguments, name=step.name, dtype=policy)
    except (TypeError, ValueError) as error:
        message = f"Keras refuses `{phrase(step.layer)}`: {str(error).strip().splitlines()[0]}"
        raise PlanError(message, place=place) from error
    layer.trainable = step.trainable
    return layer


def _optimizer(keras: Any, training: Training) -> Any:
    names = ("learning_rate", "momentum", "weight_decay")
    options = {name: getattr(training, name) for name in names if getattr(training, name) is not None}
    return getattr(keras.optimizers, OPTIMIZERS[training.optimizer])(**options)
