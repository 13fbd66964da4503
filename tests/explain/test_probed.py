"""Numbers of trained networks, worked out again from Keras's own answers, and from the history."""

import functools

import numpy as np
import pytest

import cnnmagic
from cnnmagic.errors import CnnError
from cnnmagic.explain.language import set_language
from cnnmagic.run import Run
from tests.explain.reading import numbers, value

TEXT = """
data digits
conv 8 3x3 same bn relu
maxpool 2
conv 16 3x3 same relu
flatten
dense 16 relu
output 10
train epochs=2 batch=64 lr=0.01 precision=float32
seed 1
"""


@pytest.fixture(scope="module")
def run() -> Run:
    """A small network on the digits, trained for two epochs."""
    return cnnmagic.train(TEXT, name="asked")


@functools.cache
def passed(run: Run, layer: str) -> np.ndarray:
    """What Keras itself gives for all validation images up to a layer."""
    import keras

    inner = keras.Model(run.model.inputs, run.model.get_layer(layer).output)
    return np.asarray(inner.predict(run.dataset.validation.images, verbose=0))


def logits(run: Run) -> np.ndarray:
    weights, biases = run.model.get_layer("output").get_weights()
    return passed(run, "line7_dense") @ weights + biases


def test_softmax(run: Run) -> None:
    found, z = run.ask("why softmax"), logits(run)[0].astype(float)
    top = int(z.argmax())
    assert found.id == "softmax" and f"answers {run.dataset.classes[top]}" in found.text
    assert value(found, "logit") == pytest.approx(z[top], abs=1e-4)
    shares = [np.exp(z / t)[top] / np.exp(z / t).sum() for t in (0.5, 1, 2)]
    assert [n.value for n in numbers(found, "share")] == pytest.approx([100 * share for share in shares], abs=1e-3)
    assert value(found, "sum") == pytest.approx(1)
    assert value(found, "sigmoids") == pytest.approx((1 / (1 + np.exp(-z))).sum(), abs=1e-4)
    assert "validation split" in numbers(found, "logit")[0].source


def test_another_image_is_another_answer(run: Run) -> None:
    one, other = run.ask("softmax"), run.ask("softmax", image=3)
    z = logits(run)[3]
    assert one.numbers != other.numbers and value(other, "logit") == pytest.approx(z.max(), abs=1e-4)


def test_convolution_is_worked_out_as_keras_does(run: Run) -> None:
    found = run.ask("convolution")
    expected = passed(run, "line3_conv")[0, 4, 4, 0]
    assert value(found, "pixel") == pytest.approx(expected, abs=1e-4)
    assert value(found, "sum") + value(found, "bias") == pytest.approx(value(found, "pixel"))
    window = run.dataset.validation.images[0].astype(float)[3:6, 3:6, 0] / 16
    kernel = run.model.get_layer("line3_conv").get_weights()[0][:, :, 0, 0]
    assert value(found, "sum") == pytest.approx((window * kernel).sum(), abs=1e-4)
    assert f"{window[0, 0]:7.3f}" in found.text


def test_confusion(run: Run) -> None:
    found = run.ask("which classes are confused")
    split = run.dataset.validation
    answered, actual = logits(run).argmax(axis=1), split.labels.ravel()
    assert value(found, "right") == pytest.approx(100 * (answered == actual).mean())
    assert value(found, "wrong") == (answered != actual).sum()
    wrong = [pair for pair in zip(actual.tolist(), answered.tolist(), strict=True) if pair[0] != pair[1]]
    most = sorted((wrong.count(pair) for pair in set(wrong)), reverse=True)[:3]
    assert [n.value for n in numbers(found, "pair")] == most
    z = logits(run).astype(float)
    shares = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).max(axis=1)[answered != actual]
    assert numbers(found, "image")[0].value == pytest.approx(100 * shares.max(), abs=1e-3)
    assert "<svg" in str(found.figure) and "data:image/png" in str(found.figure)


def test_features(run: Run) -> None:
    found, maps = run.ask("features"), passed(run, "line5_conv")[0]
    assert value(found, "strongest") == pytest.approx(maps.max(), abs=1e-4)
    assert value(found, "silent") == (maps.max(axis=(0, 1)) <= 0).sum()
    assert str(found.figure).count("<img") == 1 + 8 + 8 + 16


def test_gradcam(run: Run) -> None:
    """Grad-CAM of the last convolution, by hand from the dense layers' weights: no gradient tape is used."""
    found = run.ask("gradcam")
    maps, z = passed(run, "line5_conv")[0].astype(float), logits(run)[0]
    hidden, biases = run.model.get_layer("line7_dense").get_weights()
    last, _ = run.model.get_layer("output").get_weights()
    alive = (maps.reshape(-1) @ hidden + biases) > 0
    slope = (hidden @ (alive * last[:, int(z.argmax())])).reshape(maps.shape)
    heat = np.maximum((maps * slope.mean(axis=(0, 1))).sum(axis=-1), 0)
    assert heat.max() > 0
    assert (value(found, "row"), value(found, "column")) == np.unravel_index(heat.argmax(), heat.shape)
    assert value(found, "hot") == pytest.approx(100 * (heat >= heat.max() / 2).mean())


def test_overfitting(run: Run) -> None:
    found, history = run.ask("overfitting"), run.history
    assert value(found, "loss") == history["loss"][-1] and value(found, "val_loss") == history["val_loss"][-1]
    assert value(found, "lowest") == min(history["val_loss"])
    assert value(found, "accuracy") == 100 * history["accuracy"][-1]
    gap = 100 * (history["accuracy"][-1] - history["val_accuracy"][-1])
    assert value(found, "gap") == pytest.approx(gap)
    assert value(found, "per") == run.model.count_params() / len(run.dataset.train)
    assert "<svg" in str(found.figure)


def test_learning_rate(run: Run) -> None:
    found, history = run.ask("is my learning rate right"), run.history
    assert value(found, "rate") == pytest.approx(0.01, rel=1e-6)  # a float32 of the optimizer
    assert [value(found, "first"), value(found, "last")] == [history["loss"][0], history["loss"][-1]]
    shares = np.bincount(run.dataset.train.labels.ravel()) / len(run.dataset.train)
    assert value(found, "chance") == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-3)
    assert "Too early to tell" in found.text  # 42 batches


def test_layers(run: Run) -> None:
    found = run.ask("layers")
    images = run.dataset.validation.images
    channels = [passed(run, name) for name in ("line3_relu", "line5_conv", "line7_dense")]
    dead = sum(int((maps.reshape(-1, maps.shape[-1]).max(axis=0) == 0).sum()) for maps in channels)
    assert value(found, "dead") == dead
    assert f"{len(images)} images" in numbers(found, "dead")[0].source


def test_architecture_tells_the_best_and_pooling_the_gap(run: Run) -> None:
    history = run.history
    assert value(run.ask("architecture"), "best") == 100 * max(history["val_accuracy"])
    gap = 100 * (history["accuracy"][-1] - history["val_accuracy"][-1])
    assert value(run.ask("pooling"), "gap") == pytest.approx(gap)


def test_sizes_are_counted(run: Run) -> None:
    found = run.ask("sizes")
    assert value(found, "images") == sum(len(getattr(run.dataset, s)) for s in ("train", "validation", "test")) == 1797
    assert value(found, "kinds") == 1 and "8x8" in str(found.figure)


def test_in_korean_with_the_same_numbers(run: Run) -> None:
    english = run.ask("softmax")
    set_language("ko")
    korean = run.ask("왜 소프트맥스를 쓰나요?")
    assert [n.value for n in korean.numbers] == [n.value for n in english.numbers]
    assert "검증 데이터의 0번 이미지" in korean.text


def test_a_loaded_run_answers_too(run: Run) -> None:
    again = cnnmagic.load("asked")
    assert [n.value for n in again.ask("softmax").numbers] == pytest.approx(
        [n.value for n in run.ask("softmax").numbers], abs=1e-4
    )


def test_nonsense_raises(run: Run) -> None:
    with pytest.raises(CnnError, match="no question fits"):
        run.ask("two large pizzas with mushrooms please")
