"""Weights of keras.applications in a cell's base: the same answers on preprocessed images, frozen or not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import CnnError, build, train
from cnnmagic.engine.backend import load_keras

keras = load_keras()
SIDE = 96


def images(count: int, side: int, seed: int = 0) -> np.ndarray:
    """Coloured images, red-green-blue from 0 to 255, no channel like another."""
    random = np.random.default_rng(seed)
    return random.integers(0, [256, 128, 64], (count, side, side, 3)).astype(np.uint8)


def disturbed(model) -> Any:
    """The model with moving means and variances that are not 0 and 1."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = layer.get_weights()
            shift = 0.1 * random.standard_normal(mean.shape)
            layer.set_weights([gamma, beta + shift, mean + shift, variance * (1 + 0.1 * random.random(mean.shape))])
    return model


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    model = disturbed(keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(SIDE, SIDE, 3)))
    path = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    model.save_weights(path)
    return model, path


def base_answers(text: str, given: np.ndarray) -> np.ndarray:
    """What the last layer of the `use` line gives, which is the one before the cell's own."""
    model = build(text)
    inner = keras.Model(model.inputs, model.get_layer("head").input)
    return np.asarray(inner(given))


def test_mobilenet_answers_as_keras_does(mobilenet: tuple[Any, Path]) -> None:
    reference, path = mobilenet
    given = images(2, SIDE)
    text = f"input {SIDE}x{SIDE}x3\nuse mobilenet_v2 weights='{path}' freeze\nhead <- globalavgpool\noutput 3"
    wanted = np.asarray(reference(keras.applications.mobilenet_v2.preprocess_input(given.astype("float32"))))
    np.testing.assert_allclose(base_answers(text, given), wanted, atol=1e-3)
    assert np.ptp(wanted) > 0.01


@pytest.mark.parametrize(
    "name, kind",
    [
        ("resnet50", "ResNet50"),
        pytest.param("vgg16", "VGG16", marks=pytest.mark.long),
        pytest.param("vgg19", "VGG19", marks=pytest.mark.long),
    ],
)
def test_networks_of_blue_green_red_take_red_green_blue(name: str, kind: str, tmp_path: Path) -> None:
    reference = disturbed(getattr(keras.applications, kind)(weights=None, include_top=False, input_shape=(64, 64, 3)))
    path = tmp_path / "base.weights.h5"
    reference.save_weights(path)
    given = images(2, 64)
    preprocess = getattr(keras.applications, name).preprocess_input
    wanted = np.asarray(reference(preprocess(given.astype("float32"))))
    text = f"input 64x64x3\nuse {name} weights='{path}' freeze\nhead <- globalavgpool\noutput 3"
    np.testing.assert_allclose(base_answers(text, given), wanted, atol=1e-3 * max(1.0, float(np.abs(wanted).max())))
    assert np.ptp(wanted) > 1e-6


@pytest.mark.long
def test_a_file_with_the_head_serves_a_base_and_a_whole_network(tmp_path: Path) -> None:
    reference = disturbed(keras.applications.MobileNetV2(weights=None))
    path = tmp_path / "whole.weights.h5"
    reference.save_weights(path)
    given = images(1, 224)
    wanted = np.asarray(reference(keras.applications.mobilenet_v2.preprocess_input(given.astype("float32"))))
    whole = build(f"use mobilenet_v2 weights='{path}'")
    np.testing.assert_allclose(np.asarray(whole(given)), wanted, atol=1e-5)
    headless = build(f"use mobilenet_v2 weights='{path}' freeze\ngap\noutput 3")
    np.testing.assert_array_equal(headless.layers[2].get_weights()[0], whole.layers[2].get_weights()[0])


def trained(path: Path, words: str) -> Any:
    text = (
        f"seed 1\nuse mobilenet_v2 weights='{path}' {words}\nhead <- gap\noutput\ntrain epochs=1 batch=4 validation=0"
    )
    return train(text, data=(images(8, 32), np.arange(8) % 2, images(4, 32, 2), np.arange(4) % 2))


@pytest.mark.parametrize("words", ["freeze", pytest.param("", marks=pytest.mark.long)])
def test_frozen_weights_stay(words: str, mobilenet: tuple[Any, Path]) -> None:
    reference, path = mobilenet
    run = trained(path, words)
    names = [layer for layer in run.model.layers if layer.name in run.plan.base.steps and layer.weights]
    theirs = [layer for layer in reference.layers if layer.weights]
    assert len(names) == len(theirs)
    same = [
        np.array_equal(mine, other)
        for layer, reference_layer in zip(names, theirs, strict=True)
        for mine, other in zip(layer.get_weights(), reference_layer.get_weights(), strict=True)
    ]
    assert all(same) if words else not any(same)
    fresh = build(run.plan).get_layer("output").get_weights()[0]
    assert not np.array_equal(run.model.get_layer("output").get_weights()[0], fresh)
    trainable = sum(int(np.prod(weight.shape)) for weight in run.model.trainable_weights)
    assert trainable == run.plan.trainable_parameters


@pytest.mark.parametrize("cause", [Exception("URL fetch failure on https://x: None -- [Errno -3] name"), OSError("")])
def test_without_a_network(cause: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    build_network = keras.applications.MobileNetV2

    def offline(weights: Any = None, **options: Any) -> Any:
        if weights == "imagenet":
            raise cause
        return build_network(weights=weights, **options)

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    with pytest.raises(CnnError, match="weights of `mobilenet_v2` can't be loaded: ") as caught:
        build("\nuse mobilenet_v2 imagenet freeze\ngap\noutput 3")
    assert str(caught.value).startswith("line 2: ")
    assert "weights=PATH" in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(CnnError, match=r"there is no file `nowhere\.h5`") as caught:
        build("use mobilenet_v2 weights=nowhere.h5 freeze\ngap\noutput 3")
    assert str(caught.value).startswith("line 1: ")


@pytest.mark.parametrize("kind", ["text", "another network"])
def test_a_file_of_something_else(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "other.weights.h5"
    if kind == "text":
        path.write_text("no weights")
    else:
        build("input 8x8x3\nconv 4 3x3").save_weights(path)
    with pytest.raises(CnnError, match="mobilenet_v2") as caught:
        build(f"use mobilenet_v2 weights='{path}' freeze\ngap\noutput 3")
    assert str(caught.value).startswith("line 1: ")
    assert len(str(caught.value).splitlines()) <= 4
