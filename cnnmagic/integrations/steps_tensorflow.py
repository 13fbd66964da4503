"""Steps of a model that `tf.distribute` keeps as replicas, on devices of one machine or of several."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnmagic.engine.splits import Split
from cnnmagic.integrations.replicas import class_weights, loss_metric
from cnnmagic.integrations.shares import share_of
from cnnmagic.plans import Training


class TensorflowSteps:
    """Steps of a model made within the strategy's scope; `ranks` are the replicas, of all, that are in this process."""

    def __init__(self, strategy: Any, model: Any, training: Training, ranks: tuple[int, ...]):
        self.strategy, self.model, self.ranks, self.leads = strategy, model, ranks, ranks[0] == 0
        self._train, self._judge = train_step(strategy, model, training), judge_step(strategy, model)

    def scope(self) -> Any:
        return self.strategy.scope()

    def train(self, split: Split, rows: np.ndarray, weights: dict[int, float] | None) -> dict[str, Any]:
        told: dict[str, Any] = self._train(self._parts(split, rows, weights))
        return told

    def judge(self, split: Split, rows: np.ndarray) -> dict[str, Any]:
        told: dict[str, Any] = self._judge(self._parts(split, rows))
        return told

    def _parts(self, split: Split, rows: np.ndarray, weights: dict[int, float] | None = None) -> Any:
        """What the replicas here get of a batch: images, labels, the weight of each row, rows, weight of the part."""
        parts = []
        for rank in self.ranks:
            share = share_of(len(rows), rank, self.strategy.num_replicas_in_sync)
            mine = share.take(rows)
            labels = split.labels[mine]
            each = class_weights(labels, weights)
            parts.append(
                (np.asarray(split.images[mine]), labels, each, np.float32(share.rows), np.float32(share.weight))
            )
        return tuple(self._spread([part[n] for part in parts]) for n in range(len(parts[0])))

    def _spread(self, values: list[Any]) -> Any:
        import tensorflow as tf

        tensors = list(map(tf.convert_to_tensor, values))
        if len(tensors) == 1:
            return tensors[0]
        first = self.ranks[0]
        return self.strategy.experimental_distribute_values_from_function(
            lambda context: tensors[context.replica_id_in_sync_group - first]
        )


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

    loss_metric(model).update_state(loss, sample_weight=rows)
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
