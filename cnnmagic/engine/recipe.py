"""Training to Keras: the optimizer with its options, and the loss with its label smoothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import CnnError
from cnnmagic.optimizers import OPTIMIZERS, Optimizer
from cnnmagic.plans import Output, Training, has_own_loss


def make_optimizer(training: Training) -> Any:
    """The optimizer of a training; raises `CnnError` where the installed Keras does not have it."""
    optimizers, kind = load_keras().optimizers, OPTIMIZERS[training.optimizer]
    if not hasattr(optimizers, kind.keras_name):
        raise _missing(kind)
    return getattr(optimizers, kind.keras_name)(**training.optimizer_options)


def make_loss(training: Training, output: Output) -> Any:
    """What `compile` takes as loss: a name, or a loss with the options that the training asks for."""
    losses, logits = load_keras().losses, output.gives_logits
    smoothing = training.label_smoothing
    if has_own_loss(training, output):
        return crossentropy_of_rows(output, smoothing)
    if output.loss == "binary_crossentropy" and (smoothing or logits):
        return losses.BinaryCrossentropy(from_logits=logits, label_smoothing=smoothing)
    return losses.SparseCategoricalCrossentropy(from_logits=True) if logits else output.loss


def make_accuracy(training: Training, output: Output) -> Any:
    """What `compile` takes as accuracy: Keras's own, or one that takes mixed labels for the largest of their parts.

    A single logit says yes from 0 on, a probability from 0.5 on.
    """
    keras = load_keras()
    if output.units == 1 and output.gives_logits:
        return keras.metrics.MeanMetricWrapper(keras.metrics.binary_accuracy, name="accuracy", threshold=0.0)
    if not training.mixing or output.units == 1:
        return "accuracy"

    def accuracy(y_true: Any, y_pred: Any) -> Any:
        labels = keras.ops.argmax(y_true, axis=-1) if are_parts(y_true, output.units) else y_true
        return keras.metrics.sparse_categorical_accuracy(labels, y_pred)

    return accuracy


def are_parts(labels: Any, classes: int) -> bool:
    """Whether labels are rows with a part for each class, and not numbers of classes."""
    return len(labels.shape) == 2 and labels.shape[-1] == classes


def crossentropy_of_rows(output: Output, smoothing: float) -> Callable[[Any, Any], Any]:
    """Cross-entropy of labels 0, 1, 2 …, or of rows of parts, with a part of the truth spread over all classes.

    C. Szegedy et al., "Rethinking the Inception architecture" (2016), section 7; Keras has it for rows with a 1 alone.
    Where each class is judged by itself, it is the mean over the classes of the cross-entropy of it against the rest.
    """
    keras, classes = load_keras(), output.units

    def crossentropy(y_true: Any, y_pred: Any) -> Any:
        rows = y_true if are_parts(y_true, classes) else keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), classes)
        if output.judges_each:
            return keras.losses.binary_crossentropy(rows * (1 - smoothing) + smoothing / classes, y_pred)
        return keras.losses.categorical_crossentropy(
            rows, y_pred, from_logits=output.gives_logits, label_smoothing=smoothing
        )

    return crossentropy


def save_plain_loss(model: Any, output: Output) -> None:
    """Have a saved model name Keras's own loss and accuracy in place of ours.

    Keras can't load a function of another package; without smoothing the loaded model can be used and evaluated. One
    that judges each class by itself is evaluated on rows with a 1 then: Keras has nothing for numbers of classes.
    """
    keras, told = load_keras(), model.get_compile_config
    plain = output.loss if output.judges_each else make_loss(Training(), output)
    named = plain if isinstance(plain, str) else keras.losses.serialize(plain)
    object.__setattr__(model, "get_compile_config", lambda: {**told(), "loss": named, "metrics": ["accuracy"]})


def _missing(kind: Optimizer) -> CnnError:
    version = load_keras().__version__
    newer = f'In a cell of its own: `%pip install "keras>={kind.since}"`, then restart the kernel. '
    remedy = (newer if kind.since else "") + "Or take another optimizer, such as `adamw`."
    return CnnError(f"this Keras is {version}, which has no optimizer {kind.keras_name}.", remedy=remedy)
