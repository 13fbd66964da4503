"""Steps of a model that JAX keeps on several devices, of one machine or of several: one program, its batch divided.

What is computed is what one device would compute, random numbers included; XLA divides it and adds up.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.splits import Split
from cnnmagic.integrations.replicas import class_weights, loss_metric


class JaxSteps:
    """Steps of a compiled, built model on all of `devices`, of which this process may hold a part."""

    def __init__(self, model: Any, devices: list[Any]):
        import jax
        from jax.sharding import Mesh, NamedSharding, PartitionSpec

        mesh = Mesh(np.array(devices), ("batch",))
        self.model, self.count = model, len(devices)
        self.divided, self.whole = NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec())
        self.own = [number for number, device in enumerate(devices) if device.process_index == jax.process_index()]
        self.leads = self.own[0] == 0
        options: Any = {"static_argnames": "rows", "out_shardings": self.whole}
        self._train = jax.jit(partial(train_step, model), donate_argnums=0, **options)
        self._judge = jax.jit(partial(judge_step, model), **options)

    def scope(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def train(self, split: Split, rows: np.ndarray, weights: dict[int, float] | None) -> dict[str, Any]:
        batch = self._batch(split, rows, weights)
        state, logs = self._train(self._values(state_of(self.model)), *batch, rows=len(rows))
        put(state_of(self.model), state)
        return dict(logs)

    def judge(self, split: Split, rows: np.ndarray) -> dict[str, Any]:
        self._make_metrics()
        metrics = self.model.metrics_variables
        state, logs = self._judge(
            self._values([self.model.variables, metrics]), *self._batch(split, rows, None), rows=len(rows)
        )
        put([metrics], [state])
        return dict(logs)

    def _batch(self, split: Split, rows: np.ndarray, weights: dict[int, float] | None) -> tuple[Any, Any, Any]:
        """Images, labels and weights of a batch, divided; filled up to equal parts, which the step leaves out again."""
        import jax

        each = -(-len(rows) // self.count)
        filled = np.concatenate([rows, np.repeat(rows[:1], each * self.count - len(rows))])
        mine = filled[self.own[0] * each : (self.own[-1] + 1) * each]
        labels = split.labels[mine]
        parts = (np.asarray(split.images[mine]), labels, class_weights(labels, weights))
        images, labels, weight = (jax.make_array_from_process_local_data(self.divided, part) for part in parts)
        return images, labels, weight if weights is not None else None

    def _values(self, groups: list[list[Any]]) -> list[list[Any]]:
        """The variables' numbers, for all devices: what was assigned from outside is on one alone."""
        return [[self._value(variable) for variable in group] for group in groups]

    def _value(self, variable: Any) -> Any:
        import jax

        value = variable.value
        if getattr(value, "sharding", None) == self.whole:
            return value
        return jax.make_array_from_process_local_data(self.whole, np.asarray(value))

    def _make_metrics(self) -> None:
        """Have Keras make the metrics' variables, which it does at their first use, and not within a step."""
        if all(metric.variables for metric in self.model.metrics):
            return
        images, answers = (
            np.zeros((1, *tensor.shape[1:]), np.float32) for tensor in (self.model.input, self.model.output)
        )
        self.model.compute_metrics(images, np.zeros(1, np.int64), answers)
        self.model.reset_metrics()


def state_of(model: Any) -> list[list[Any]]:
    """All variables that a step changes, those with gradients first."""
    return [
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    ]


def put(groups: list[list[Any]], values: Any) -> None:
    """Give the variables their numbers."""
    for group, numbers in zip(groups, values, strict=True):
        for variable, number in zip(group, numbers, strict=True):
            variable.assign(number)


def train_step(model: Any, state: Any, images: Any, labels: Any, weights: Any, rows: int) -> Any:
    """The state after a batch and the means since the epoch began."""
    import jax

    keras = load_keras()
    groups = state_of(model)
    images, labels, weights = images[:rows], labels[:rows], weights if weights is None else weights[:rows]

    def loss_of(trainable: Any) -> Any:
        given = [*zip(groups[0], trainable, strict=True), *zip(groups[1], state[1], strict=True)]
        with keras.StatelessScope(state_mapping=given) as scope:
            answers = model(images, training=True)
            loss = model.compute_loss(images, labels, answers, sample_weight=weights, training=True)
        return loss, (answers, [_current(scope, variable) for variable in groups[1]])

    (loss, (answers, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)(state[0])
    trainable, optimizer = model.optimizer.stateless_apply(state[2], gradients, state[0])
    metrics, logs = _measured(model, state[3], (images, labels, answers, loss), rows)
    return [trainable, others, optimizer, metrics], logs


def judge_step(model: Any, state: Any, images: Any, labels: Any, weights: Any, rows: int) -> Any:
    """The metrics' sums after a batch, and the means since the last reset."""
    keras = load_keras()
    images, labels = images[:rows], labels[:rows]
    with keras.StatelessScope(state_mapping=list(zip(model.variables, state[0], strict=True))):
        answers = model(images, training=False)
        loss = model.compute_loss(images, labels, answers, training=False)
    return _measured(model, state[1], (images, labels, answers, loss), rows)


def _measured(model: Any, values: Any, batch: tuple[Any, Any, Any, Any], rows: int) -> Any:
    images, labels, answers, loss = batch
    variables = model.metrics_variables
    with load_keras().StatelessScope(state_mapping=list(zip(variables, values, strict=True))) as scope:
        loss_metric(model).update_state(loss, sample_weight=rows)
        logs = model.compute_metrics(images, labels, answers)
    return [_current(scope, variable) for variable in variables], logs


def _current(scope: Any, variable: Any) -> Any:
    value = scope.get_current_value(variable)
    return variable.value if value is None else value
