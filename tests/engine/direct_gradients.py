"""Slopes of class scores worked out directly by each backend, another way than the probes do it."""

from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras

keras = load_keras()


def chosen_scores(features: Any, dense: Any, classes: Any) -> Any:
    """The sum of the logits of the images' classes, by the last layer's own kernel."""
    logits = keras.ops.matmul(features, dense.kernel) + dense.bias
    if dense.units == 1:
        return keras.ops.sum(keras.ops.multiply(logits[:, 0], np.where(classes == 1, 1, -1).astype("float32")))
    return keras.ops.sum(keras.ops.multiply(logits, np.eye(dense.units, dtype="float32")[classes]))


def maps_and_slopes(model: Any, layer: str, images: Any, classes: Any) -> tuple[Any, Any]:
    """A layer's maps, and the slopes of the scores by them, of a tensor that one pass goes through."""
    dense = model.layers[-1]
    inner = keras.Model(model.input, [model.get_layer(layer).output, dense.input])
    given = keras.ops.convert_to_tensor(images)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            maps, features = inner(given, training=False)
            score = chosen_scores(features, dense, classes)
        return maps.numpy(), tape.gradient(score, maps).numpy()
    if keras.backend.backend() == "torch":
        import torch

        maps, features = inner(given, training=False)
        (found,) = torch.autograd.grad(chosen_scores(features, dense, classes), maps)
        return maps.detach().numpy(), found.numpy()
    return _by_jax(model, layer, given, classes)


def _by_jax(model: Any, layer: str, given: Any, classes: Any) -> tuple[Any, Any]:
    """By a copy of the model cut in two; the layer must be one that everything goes through."""
    import jax

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    maps = keras.Model(copy.input, copy.get_layer(layer).output)(given, training=False)
    rest = keras.Model(copy.get_layer(layer).output, copy.layers[-1].input)
    trained = [variable.value for variable in rest.trainable_variables]
    fixed = [variable.value for variable in rest.non_trainable_variables]

    def score(shown: Any) -> Any:
        features, _ = rest.stateless_call(trained, fixed, shown, training=False)
        return chosen_scores(features, model.layers[-1], classes)

    return np.asarray(maps), np.asarray(jax.grad(score)(maps))


def pixel_slopes(model: Any, images: Any, classes: Any) -> Any:
    """The slopes of the scores by pixel."""
    dense = model.layers[-1]
    inner = keras.Model(model.input, dense.input)
    given = keras.ops.convert_to_tensor(images)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(given)
            score = chosen_scores(inner(given, training=False), dense, classes)
        return tape.gradient(score, given).numpy()
    if keras.backend.backend() == "torch":
        given.requires_grad_()
        chosen_scores(inner(given, training=False), dense, classes).backward()
        return given.grad.numpy()
    import jax

    trained = [variable.value for variable in inner.trainable_variables]
    fixed = [variable.value for variable in inner.non_trainable_variables]

    def score_of(shown: Any) -> Any:
        return chosen_scores(inner.stateless_call(trained, fixed, shown, training=False)[0], dense, classes)

    return np.asarray(jax.grad(score_of)(given))
