"""Training to Keras: the optimizer with its options, and the loss with its label smoothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import CnnError
from cnnmagic.optimizers import OPTIMIZERS, Optimizer
from cnnmagic.plans import Output, Training


def make_optimizer(training: Training) -> Any:
    """The optimizer of a training; raises `CnnError` where the installed Keras does not have it."""
    optimizers, kind = load_keras().optimizers, OPTIMIZERS[training.optimizer]
    if not hasattr(optimizers, kind.keras_name):
        raise _missing(kind)
    return getattr(optimizers, kind.keras_name)(**training.optimizer_options)


def make_loss(training: Training, output: Output) -> Any:
    """What `compile` takes as loss: a name, or a loss with the options that the training asks for."""
    losses, logits = load_keras().losses, output.activation not in ("softmax", "sigmoid")
    smoothing = training.label_smoothing
    if output.loss == "sparse_categorical_crossentropy" and smoothing:
        return smoothed_crossentropy(output.units, smoothing, logits)
    if output.loss == "binary_crossentropy" and (smoothing or logits):
        return losses.BinaryCrossentropy(from_logits=logits, label_smoothing=smoothing)
    return losses.SparseCategoricalCrossentropy(from_logits=True) if logits else output.loss


def smoothed_crossentropy(classes: int, smoothing: float, logits: bool) -> Callable[[Any, Any], Any]:
    """Cross-entropy of labels 0, 1, 2 … with a part of the truth spread over all classes.

    C. Szegedy et al., "Rethinking the Inception architecture" (2016), section 7; Keras has it for rows with a 1 alone.
    """
    keras = load_keras()

    def smoothed(y_true: Any, y_pred: Any) -> Any:
        rows = keras.ops.one_hot(keras.ops.reshape(y_true, (-1,)), classes)
        return keras.losses.categorical_crossentropy(rows, y_pred, from_logits=logits, label_smoothing=smoothing)

    return smoothed


def save_plain_loss(model: Any, output: Output) -> None:
    """Have a saved model name Keras's own loss in place of `smoothed_crossentropy`.

    Keras can't load a function of another package; without smoothing the loaded model can be used and evaluated.
    """
    keras, told = load_keras(), model.get_compile_config
    plain = make_loss(Training(), output)
    named = plain if isinstance(plain, str) else keras.losses.serialize(plain)
    object.__setattr__(model, "get_compile_config", lambda: {**told(), "loss": named})


def _missing(kind: Optimizer) -> CnnError:
    version = load_keras().__version__
    newer = f'In a cell of its own: `%pip install "keras>={kind.since}"`, then restart the kernel. '
    remedy = (newer if kind.since else "") + "Or take another optimizer, such as `adamw`."
    return CnnError(f"this Keras is {version}, which has no optimizer {kind.keras_name}.", remedy=remedy)
