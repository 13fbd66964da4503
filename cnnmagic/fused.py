"""Batch normalization by one operation of TensorFlow; exported scripts hold this function too, word for word."""

from __future__ import annotations

import inspect
import re
from typing import Any


def fuse_batch_norm(model: Any) -> None:
    """Let TensorFlow's one fused operation do what Keras's batch normalization does in ten, to the same numbers.

    It makes no difference to what the model is, or is saved as; on a processor it trains nearly twice as fast.
    """
    import tensorflow as tf
    from keras import layers

    def fused(layer: Any) -> Any:
        own, smallest = layer.call, 1.001e-5  # a smaller epsilon TensorFlow would raise to this

        def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
            if mask is not None or len(inputs.shape) != 4 or layer.axis not in (-1, 3) or layer.epsilon < smallest:
                return own(inputs, training=training, mask=mask)
            channels = [inputs.shape[-1]]
            scale = tf.convert_to_tensor(layer.gamma) if layer.scale else tf.ones(channels)
            offset = tf.convert_to_tensor(layer.beta) if layer.center else tf.zeros(channels)
            mean, variance = tf.convert_to_tensor(layer.moving_mean), tf.convert_to_tensor(layer.moving_variance)
            learns = bool(training and layer.trainable)
            given = {} if learns else {"mean": mean, "variance": variance}
            outputs, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, scale, offset, epsilon=layer.epsilon, is_training=learns, **given
            )
            if learns:
                count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), "float32")
                batch_variance *= tf.maximum(count - 1, 1) / tf.maximum(count, 1)  # of a sample, and Keras's of a whole
                layer.moving_mean.assign(mean * layer.momentum + batch_mean * (1 - layer.momentum))
                layer.moving_variance.assign(variance * layer.momentum + batch_variance * (1 - layer.momentum))
            # TensorFlow would make one operation of a convolution, this and tanh, and then have none for a processor.
            return outputs if learns else tf.ensure_shape(outputs, outputs.shape)

        return call

    for layer in model.layers:
        plain = isinstance(layer, layers.BatchNormalization) and layer.compute_dtype != "float64"
        if plain and not layer.synchronized and not getattr(layer, "renorm", False):
            object.__setattr__(layer, "call", fused(layer))


def source() -> str:
    """The code of `fuse_batch_norm` as a script has it, without types."""
    code = inspect.getsource(fuse_batch_norm).strip()
    return re.sub(r"(: Any)? = None", "=None", re.sub(r": Any(?! =)| -> \w+", "", code))
