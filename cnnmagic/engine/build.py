"""Plan to Keras: a flat Functional model whose layers bear the names of the plan's steps, and how it learns."""

from __future__ import annotations

import random
from typing import Any

from cnnmagic.engine.arguments import apply_layer, make_layer
from cnnmagic.engine.backend import load_keras, on_processor
from cnnmagic.engine.graphs import free_with
from cnnmagic.engine.recipe import make_accuracy, make_loss, make_optimizer, save_plain_loss
from cnnmagic.engine.seeds import set_seed
from cnnmagic.errors import CnnError, PlanError
from cnnmagic.fused import fuse_batch_norm
from cnnmagic.hardware import precision_of
from cnnmagic.layers import Layer, Merge, Misfit
from cnnmagic.layers.phrase import phrase
from cnnmagic.names import scope_name
from cnnmagic.plans import Output, Plan, Step, Training, has_own_loss

DROPPING = ("Dropout", "SpatialDropout2D", "GRU", "LSTM", "SimpleRNN")
LARGEST_SEED = 10**9  # the largest that Keras draws itself


def build(plan: Plan, name: str = "net") -> Any:
    """The `keras.Model` of a plan, seeded where the plan has a seed, not compiled."""
    keras = load_keras()
    if plan.seed is not None:
        set_seed(plan.seed)
    entry = keras.Input(plan.input_shape, name="input")
    tensors = {"input": entry}
    for step in plan.steps:
        inputs = [tensors[source] for source in step.inputs]
        tensors[step.name] = _applied(step, inputs if isinstance(step.layer, Merge) else inputs[0], plan)
    model = keras.Model(entry, tensors[plan.steps[-1].name] if plan.steps else entry, name=scope_name(name))
    if on_processor():
        fuse_batch_norm(model)
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
    optimizer, loss = make_optimizer(training), make_loss(training, output)
    if precision_of(training.precision)[0] == "float16":
        optimizer = load_keras().optimizers.LossScaleOptimizer(optimizer)
    # XLA's convolutions take a processor twice as long as TensorFlow's own.
    jit = False if on_processor() else "auto"
    model.compile(optimizer=optimizer, loss=loss, metrics=[make_accuracy(training, output)], jit_compile=jit)
    if load_keras().backend.backend() == "tensorflow":
        free_with(model)
    if has_own_loss(training, output):
        save_plain_loss(model, output)


def _applied(step: Step, inputs: Any, plan: Plan) -> Any:
    """What comes out of a step's layer of Keras; raises `PlanError` at its line where Keras refuses it."""
    try:
        keras = load_keras()
        ours = _own_chance(step.layer) if keras.backend.backend() == "torch" else {}
        layer = make_layer(keras, step.layer, name=step.name, dtype=plan.policy_of(step), **ours)
        layer.trainable = step.trainable
        return apply_layer(layer, inputs, step.layer)
    except Misfit as misfit:
        place = plan.place_of(step.line)
        message = f"`{phrase(step.layer)}` {misfit}"
        raise PlanError(message, place=place and place.of(misfit.word), remedy=misfit.remedy) from misfit.__cause__


def _own_chance(layer: Layer) -> dict[str, int]:
    """A seed for a layer that would draw from PyTorch's one generator, which no checkpoint of a network holds.

    With a seed Keras draws from a state among the model's variables, as it does on the other backends.
    """
    if layer.kind not in DROPPING or "seed" in layer.arguments():
        return {}
    return {"seed": random.randint(1, LARGEST_SEED)}
