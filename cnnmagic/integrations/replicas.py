"""Trains one model as replicas on several devices or machines by `tf.distribute`, to the numbers of a single one.

Keras's own `fit` fails under `MultiWorkerMirroredStrategy` (keras#20585), and takes the mean over replicas whose parts
of a batch differ in size for the mean over the batch. So the step is made here, of Keras's and TensorFlow's public API.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnmagic.engine.data import Split
from cnnmagic.engine.loop import Loop
from cnnmagic.engine.snapshot import assign, copied
from cnnmagic.errors import RunError
from cnnmagic.integrations.accord import Accord
from cnnmagic.integrations.shares import share_of
from cnnmagic.plans import Training


class Replicas:
    """Trains `model`, made within a strategy's scope; `seen` is a plain twin of it that may be looked at.

    `ranks` are the numbers, of all replicas, of those in this process.
    """

    def __init__(self, strategy: Any, model: Any, seen: Any, training: Training, ranks: tuple[int, ...]):
        self.strategy, self.model, self.seen, self.training, self.ranks = strategy, model, seen, training, ranks
        self.count: int = strategy.num_replicas_in_sync
        self.device = ""
        self.validation: Split | None = None
        self.accord: Accord | None = None
        self._train, self._judge = train_step(strategy, model, training), judge_step(strategy, model)

    def use(self, validation: Split, accord: Accord | None = None) -> None:
        """Take the images to judge by, and how several processes agree."""
        self.validation, self.accord = validation if len(validation) else None, accord

    def join(self, loop: Loop) -> None:
        """Have every batch's loss looked at by all, so that no replica goes on alone where numbers overflow."""
        loop.looks_often, loop.refresh = True, self.refresh
        if self.accord is not None:
            loop.agree = self.accord.agree
            if self.ranks[0]:
                loop.watcher = None  # rank 0 looks for all
        self.make_metrics(loop)

    def refresh(self) -> None:
        assign(self.seen.variables, copied(self.model.variables))

    def fit(self, loop: Loop, batch: int, first: int, last: int) -> None:
        """Call the loop as Keras's `fit` does."""
        self.model.stop_training = False
        loop.on_train_begin()
        for epoch in range(first, last):
            self.model.reset_metrics()
            loop.on_epoch_begin(epoch)
            for number in range(batch, loop.feed.batches):
                logs = self._train(self._parts(self._trained(loop), loop.feed.rows(number), loop.class_weight))
                loop.on_train_batch_end(number - batch, logs)
                if self.model.stop_training:
                    break
            batch = 0
            numbers = {name: float(value) for name, value in logs.items()}
            numbers |= self.judge(loop)
            loop.on_epoch_end(epoch, self.accord.same(numbers) if self.accord is not None else numbers)
            if self.model.stop_training:
                break
        if self.training.ema is not None:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
        loop.on_train_end()

    def judge(self, loop: Loop) -> dict[str, float]:
        if self.validation is None:
            return {}
        loop.on_test_begin()
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        for number, start in enumerate(range(0, len(self.validation), self.training.batch_size)):
            if loop.over:
                break
            rows = np.arange(start, min(start + self.training.batch_size, len(self.validation)))
            logs = self._judge(self._parts(self.validation, rows))
            loop.on_test_batch_end(number, logs)
        loop.on_test_end()
        return {f"val_{name}": float(value) for name, value in logs.items()}

    def make_metrics(self, loop: Loop) -> None:
        self._judge(self._parts(self._trained(loop), loop.feed.rows(0)))
        self.model.reset_metrics()

    def refusal(self, loop: Loop) -> RunError:
        """Find the overflow on the plain twin, alone."""
        from cnnmagic.engine.divergence import refusal

        loop.set_model(self.seen)
        return refusal(self.seen, loop)

    @staticmethod
    def _trained(loop: Loop) -> Split:
        return Split(loop.feed.images, loop.feed.labels)

    def _parts(self, split: Split, rows: np.ndarray, weights: dict[int, float] | None = None) -> Any:
        """What the replicas here get of a batch: images, labels, the weight of each row, rows, weight of the part."""
        parts = []
        for rank in self.ranks:
            share = share_of(len(rows), rank, self.count)
            mine = share.take(rows)
            images, labels = np.asarray(split.images[mine]), split.labels[mine]
            each = class_weights(labels, weights)
            parts.append((images, labels, each, np.float32(share.rows), np.float32(share.weight)))
        return tuple(self._spread([part[n] for part in parts]) for n in range(len(parts[0])))

    def _spread(self, values: list[Any]) -> Any:
        import tensorflow as tf

        if len(values) == 1:
            return tf.convert_to_tensor(values[0])
        tensors = list(map(tf.convert_to_tensor, values))
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tensors[context.replica_id_in_sync_group]
        )


def class_weights(labels: np.ndarray, weights: dict[int, float] | None) -> np.ndarray:
    """The weight of each row in the loss."""
    if weights is None:
        return np.ones(len(labels), np.float32)
    table = np.array([weights[number] for number in sorted(weights)], np.float32)
    return table[labels.ravel().astype(int)]


def train_step(strategy: Any, model: Any, training: Training) -> Any:
    """A function that trains one batch, given as parts for the replicas, and tells the means since the epoch began."""
    import tensorflow as tf

    def step(images: Any, labels: Any, weights: Any, rows: Any, share: Any) -> None:
        with tf.GradientTape() as tape:
            answers = model(images, training=True)
            loss = _mean_loss(strategy, model, (images, labels, answers, weights), training=True)
            part = loss * share  # the parts of all replicas add up to the mean over the batch
        gradients = tape.gradient(part, model.trainable_weights)
        gradients = _clipped(strategy, gradients, training)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        _update_metrics(model, images, labels, answers, loss, rows)

    return _function(strategy, model, step)


def judge_step(strategy: Any, model: Any) -> Any:
    """A function that judges one batch, given as parts for the replicas, and tells the means since the last reset."""

    def step(images: Any, labels: Any, weights: Any, rows: Any, share: Any) -> None:
        answers = model(images, training=False)
        loss = _mean_loss(strategy, model, (images, labels, answers, weights), training=False)
        _update_metrics(model, images, labels, answers, loss, rows)

    return _function(strategy, model, step)


def _function(strategy: Any, model: Any, step: Any) -> Any:
    import tensorflow as tf

    @tf.function(reduce_retracing=True)
    def run(parts: Any) -> Any:
        strategy.run(step, args=parts)
        return model.get_metrics_result()

    return run


def _mean_loss(strategy: Any, model: Any, batch: tuple[Any, Any, Any, Any], training: bool) -> Any:
    """The mean over the replica's own rows; Keras from 3.10 on divides it by the number of replicas."""
    images, labels, answers, weights = batch
    loss = model.compute_loss(images, labels, answers, sample_weight=weights, training=training)
    return loss * strategy.num_replicas_in_sync


def _update_metrics(model: Any, images: Any, labels: Any, answers: Any, loss: Any, rows: Any) -> None:
    """Count the rows that are the replica's own: none where it got one only so that it has something to do."""
    import tensorflow as tf

    told = next(metric for metric in model.metrics if metric.name == "loss")
    told.update_state(loss, sample_weight=rows)
    own = tf.cast(rows, tf.int32)
    model.compute_metrics(images[:own], labels[:own], answers[:own])


def _clipped(strategy: Any, gradients: list[Any], training: Training) -> list[Any]:
    """Gradients whose sum over replicas is clipped: the optimizer would clip each replica's own before it sums them."""
    if training.clipnorm is None and training.clipvalue is None and training.global_clipnorm is None:
        return gradients
    import tensorflow as tf

    whole = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    if training.clipvalue is not None:
        whole = [tf.clip_by_value(part, -training.clipvalue, training.clipvalue) for part in whole]
    elif training.clipnorm is not None:
        whole = [tf.clip_by_norm(part, training.clipnorm) for part in whole]
    else:
        whole = tf.clip_by_global_norm(whole, training.global_clipnorm)[0]
    return [part / strategy.num_replicas_in_sync for part in whole]
