"""The cosine schedule is Keras's CosineDecay."""

import pytest

from cnnmagic.engine.backend import load_keras
from cnnmagic.schedules import factor


def test_cosine_is_keras_s() -> None:
    decay = load_keras().optimizers.schedules.CosineDecay(0.1, decay_steps=50)
    for step in range(51):
        assert 0.1 * factor("cosine", step / 50) == pytest.approx(float(decay(step)), abs=1e-7)
