"""Plan to Keras: a flat Functional model whose layers bear the names of the plan's steps, and how it learns."""

from __future__ import annotations

from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.layers import Merge
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
        layer = _layer(keras, step, policy if step is not plan.steps[-1] else "float32")
        inputs = [tensors[source] for source in step.inputs]
        tensors[step.name] = layer(inputs if isinstance(step.layer, Merge) else inputs[0])
    return keras.Model(entry, tensors[plan.steps[-1].name] if plan.steps else entry, name=name)


def compile_model(model: Any, training: Training, output: Output) -> None:
    """Give the model its optimizer, its loss and the accuracy as metric."""
    keras = load_keras()
    loss: Any = output.loss
    if output.activation not in ("softmax", "sigmoid"):
        losses = keras.losses
        kind = losses.BinaryCrossentropy if output.units == 1 else losses.SparseCategoricalCrossentropy
        loss = kind(from_logits=True)
    model.compile(optimizer=_optimizer(keras, training), loss=loss, metrics=["accuracy"])


def _layer(keras: Any, step: Step, policy: str) -> Any:
    """The Keras layer of a step: the class of the same name, with the same arguments."""
    return getattr(keras.layers, step.layer.kind)(**step.layer.arguments(), name=step.name, dtype=policy)


def _optimizer(keras: Any, training: Training) -> Any:
    names = ("learning_rate", "momentum", "weight_decay")
    options = {name: getattr(training, name) for name in names if getattr(training, name) is not None}
    return getattr(keras.optimizers, OPTIMIZERS[training.optimizer])(**options)
