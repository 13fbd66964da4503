"""Early stopping against Keras's own callback: when it ends, and which weights it goes back to."""

import math

import numpy as np
import pytest

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.patience import Patience
from cnnmagic.engine.snapshot import Position

keras = load_keras()

LOSSES = {
    "better": [0.5, 0.4, 0.3],
    "worse": [0.5, 0.6, 0.7, 0.1],
    "equal": [0.5, 0.5, 0.5],
    "up and down": [0.5, 0.6, 0.4, 0.5, 0.45, 0.1],
    "no number within": [0.5, math.nan, 0.4, math.nan, math.nan, 0.1],
    "no number at first": [math.nan, 0.5, 0.4, 0.3],
    "infinite at first": [math.inf, 0.5, 0.4, 0.6, 0.7],
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("key", ["val_loss", "loss"])
def test_keras_decides_the_same(name: str, epochs: int, key: str) -> None:
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile(loss="mse")
    theirs = keras.callbacks.EarlyStopping(key, patience=epochs, mode="min", restore_best_weights=True)
    theirs.set_model(model)
    theirs.on_train_begin()
    model.stop_training = False
    ours = Patience(epochs, Position(), ())
    for epoch, loss in enumerate(LOSSES[name]):
        model.set_weights([np.full(weight.shape, epoch, "float32") for weight in model.weights])
        logs = {"loss": 1.0, key: loss}
        theirs.on_epoch_end(epoch, logs)
        ours.judge(model, epoch, logs)
        assert ours.ended == model.stop_training
        for weight, other in zip(ours.best, theirs.best_weights, strict=True):
            assert np.array_equal(weight, other)
        if ours.ended:
            break
