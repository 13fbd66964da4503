"""Batch normalization in one operation of TensorFlow gives Keras's numbers, and is saved as Keras's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import build, fused
from cnnmagic.engine.backend import load_keras
from cnnmagic.layers import ACTIVATIONS

keras = load_keras()
if keras.backend.backend() != "tensorflow":
    pytest.skip("it is TensorFlow's operation", allow_module_level=True)

SHAPE = (5, 4, 3)
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "unscaled": {"scale": False},
    "uncentred": {"center": False, "momentum": 0.9, "epsilon": 1e-2},
    "frozen": {"trainable": False},
    "tiny epsilon": {"epsilon": 1e-7},
    "other axis": {"axis": 1},
}
TOLERANCE = {"float32": 2e-5, "mixed_bfloat16": 2e-2, "mixed_float16": 3e-3}


def numbers(options: dict[str, Any], policy: str, fuse: bool) -> list[np.ndarray]:
    """Outputs in training and after it, gradients, and the statistics that a step leaves."""
    import tensorflow as tf

    random = np.random.default_rng(0)
    images, weights = random.normal(3, 2, (6, *SHAPE)), random.normal(size=(6, *SHAPE))
    entry = keras.Input(SHAPE)
    model = keras.Model(entry, keras.layers.BatchNormalization(dtype=policy, **options)(entry))
    if fuse:
        fused.fuse_batch_norm(model)
    variable = tf.Variable(images.astype("float32"))
    with tf.GradientTape() as tape:
        outputs = tf.cast(model(variable, training=True), "float32")
        total = tf.reduce_sum(outputs * weights.astype("float32"))
    gradients = tape.gradient(total, [variable, *model.trainable_variables])
    after = tf.cast(model(variable), "float32")
    return [np.asarray(each) for each in (outputs, *gradients, *model.non_trainable_variables, after)]


@pytest.mark.parametrize("policy", TOLERANCE)
@pytest.mark.parametrize("name", OPTIONS)
def test_numbers(name: str, policy: str) -> None:
    pairs = zip(numbers(OPTIONS[name], policy, False), numbers(OPTIONS[name], policy, True), strict=True)
    assert all(np.allclose(one, other, atol=TOLERANCE[policy]) for one, other in pairs)


def test_a_saved_model_is_plain_keras(tmp_path: Path) -> None:
    model = build("input 8x8x1\nconv 4 3x3 bn relu\nflatten\noutput 3")
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert [type(layer) for layer in loaded.layers] == [type(layer) for layer in model.layers]
    assert np.allclose(loaded(images), model(images), atol=1e-6)


def test_a_script_s_copy_is_the_function_without_types() -> None:
    code = fused.source()
    assert "Any" not in code and "->" not in code
    compile(code, "script", "exec")


@pytest.mark.parametrize("activation", [name for name in ACTIVATIONS if name != "log_softmax"])
def test_a_convolution_before_it_and_any_activation_after_it(activation: str) -> None:
    """Compiled, as `predict` does it: TensorFlow makes one operation of the three where it believes to have one."""
    text = f"input 6x6x2\nconv 4 3x3 bn {activation}\nflatten\noutput 3\nseed 1"
    images = np.random.default_rng(0).normal(size=(8, 6, 6, 2)).astype("float32")
    model = build(text)
    assert np.allclose(model.predict(images, verbose=0), model(images, training=False), atol=1e-5)
