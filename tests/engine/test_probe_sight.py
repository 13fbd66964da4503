"""Grad-CAM and saliency against each backend's own gradients, and against formulas where the slope is known."""

from typing import Any

import numpy as np
import pytest

from cnnmagic import build
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.probe_model import in_float32, inner_layers, is_volume
from cnnmagic.engine.probe_sight import GradCam, grad_cam, last_volume, saliency
from cnnmagic.errors import RunError
from tests.engine.direct_gradients import maps_and_slopes, pixel_slopes
from tests.engine.probe_nets import NETS, SHRUNK, images_for, net, scatter

keras = load_keras()
WITH_DENSE = [name for name in (*NETS, *SHRUNK) if name != "apart"]


def asked(model: Any, count: int) -> Any:
    classes = max(2, model.output.shape[-1])
    return np.arange(count) % classes


def assert_close(found: Any, expected: Any) -> None:
    """Equal to a ten-thousandth of the largest number."""
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def by_formula(maps: Any, slopes: Any) -> Any:
    """Equations 1 and 2 of the paper, by loops over images and channels."""
    result = np.zeros(maps.shape[:3])
    for n, k in np.ndindex(maps.shape[0], maps.shape[3]):
        result[n] += slopes[n, :, :, k].sum() / slopes[n, :, :, k].size * maps[n, :, :, k]
    return np.where(result > 0, result, 0)


@pytest.mark.parametrize("name", WITH_DENSE)
def test_grad_cam_of_the_last_maps(name: str) -> None:
    model = net(name)
    images = images_for(model, 4)
    layer, classes = last_volume(model), asked(model, 4)
    maps, slopes = maps_and_slopes(model, layer, images, classes)
    told = grad_cam(model, images, classes=classes)
    assert told.layer == layer
    assert_close(told.weights, slopes.mean(axis=(1, 2)))
    assert_close(told.maps, by_formula(maps, slopes))
    assert (told.classes == classes).all()


@pytest.mark.parametrize("name", ["plain", "norms", "residual", "branches", "free", "single", "grown"])
def test_grad_cam_of_every_layer(name: str) -> None:
    model = net(name)
    images, classes = images_for(model, 2), asked(model, 2)
    for layer in inner_layers(model):
        within = name in ("residual", "branches", "free") and keras.backend.backend() == "jax"
        if not is_volume(layer) or (within and layer.name != last_volume(model)):
            continue
        maps, slopes = maps_and_slopes(model, layer.name, images, classes)
        told = grad_cam(model, images, layer.name, classes)
        assert_close(told.weights, slopes.mean(axis=(1, 2)))
        assert np.allclose(told.maps, by_formula(maps, slopes), atol=1e-4 * max(1, np.abs(maps).max()))


@pytest.mark.parametrize("name", WITH_DENSE)
def test_saliency(name: str) -> None:
    model = net(name)
    images, classes = images_for(model, 3), asked(model, 3)
    expected = np.abs(pixel_slopes(model, images, classes)).max(axis=-1)
    assert_close(saliency(model, images, classes).maps, expected)


def test_grad_cam_is_the_class_activation_map_behind_a_global_mean() -> None:
    """There the weights are the dense layer's, over the pixels (the paper's section 3.1), on any backend."""
    model = net("norms")
    images, dense = images_for(model, 3), model.get_layer("output")
    kernel = np.asarray(keras.ops.convert_to_numpy(dense.kernel))
    told = grad_cam(model, images, classes=2)
    pixels = np.prod(told.maps.shape[1:])
    assert np.allclose(told.weights, np.broadcast_to(kernel[:, 2] / pixels, told.weights.shape), atol=1e-6)


def test_slopes_of_a_softmax_regression_are_its_kernel() -> None:
    """Scaled as the model scales pixels, and without the softmax, which would make them smaller."""
    model = build("input 5x4x2\nrescale 1/4\nflatten\noutput 3\nseed 1")
    images, dense = images_for(model, 3) * 100, model.get_layer("output")
    kernel = np.asarray(keras.ops.convert_to_numpy(dense.kernel)).reshape(5, 4, 2, 3)
    told = saliency(model, images, [2, 0, 1])
    assert np.allclose(told.maps, np.abs(kernel / 4).max(axis=2).transpose(2, 0, 1)[[2, 0, 1]], atol=1e-6)


@pytest.mark.parametrize("name", ["plain", "single", "apart", "logits", "sigmoids"])
def test_without_classes_those_answered_are_taken(name: str) -> None:
    model = net(name)
    images = images_for(model, 20)
    answers = model.predict(images, verbose=0)
    expected = answers[:, 0] > 0.5 if name == "single" else answers.argmax(axis=1)
    for told in (grad_cam(model, images), saliency(model, images)):
        assert (told.classes == expected).all()
        assert told.scores.shape == (20,)
        if name in ("single", "logits"):
            assert (told.scores > 0).all() or name == "logits"


def test_softmax_as_a_layer_of_its_own_is_left_away() -> None:
    model = net("apart")
    images = images_for(model, 3)
    kernel = keras.ops.convert_to_numpy(model.layers[-3].kernel)[0, 0]
    told = grad_cam(model, images, model.layers[1].name, 4)
    pixels = np.prod(told.maps.shape[1:])
    assert np.allclose(told.weights, np.broadcast_to(kernel[:, 4] / pixels, told.weights.shape), atol=1e-6)
    logits = keras.Model(model.input, model.layers[-2].output).predict(images, verbose=0)
    assert np.allclose(told.scores, logits[:, 4], atol=1e-5)


def test_two_classes_of_one_output_are_each_other_s_opposite() -> None:
    model = net("single")
    images = images_for(model, 2)
    zero, one = grad_cam(model, images, classes=0), grad_cam(model, images, classes=1)
    assert np.allclose(zero.weights, -one.weights)
    assert np.allclose(zero.scores, -one.scores)
    assert np.allclose(saliency(model, images, 0).maps, saliency(model, images, 1).maps)


def test_many_images_in_parts_are_as_those_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    model = net("branches")
    images, classes = images_for(model, 7), asked(model, 7)
    cam, slopes = grad_cam(model, images, classes=classes), saliency(model, images, classes)
    monkeypatch.setattr("cnnmagic.engine.probe_model.MOST_AT_ONCE", 3)
    assert np.allclose(grad_cam(model, images, classes=classes).maps, cam.maps, atol=1e-6)
    assert np.allclose(saliency(model, images, classes).maps, slopes.maps, atol=1e-6)
    assert (grad_cam(model, images, classes=classes).classes == cam.classes).all()


def test_a_model_in_bfloat16_has_slopes_of_float32() -> None:
    model = build("data digits\nconv 4 3x3 relu\nflatten\noutput\nseed 1\ntrain precision=bfloat16")
    scatter(model)
    images = np.random.default_rng(0).uniform(0, 16, (3, 8, 8, 1)).astype("float32")
    copy = in_float32(model)
    expected = np.abs(pixel_slopes(copy, images, np.array([1, 2, 3]))).max(axis=-1)
    assert_close(saliency(model, images, [1, 2, 3]).maps, expected)


def test_probing_changes_nothing() -> None:
    model = net("norms")
    before = [np.array(weight) for weight in model.get_weights()]
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    grad_cam(model, images_for(model))
    saliency(model, images_for(model))
    assert all((one == other).all() for one, other in zip(before, model.get_weights(), strict=True))
    assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
    assert model.losses == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"classes": 5}, "no class 5"),
        ({"classes": -1}, "no class -1"),
        ({"classes": [0, 1]}, "one for each"),
        ({"classes": 0.5}, "whole numbers"),
        ({"layer": "output"}, "needs maps"),
        ({"layer": "line2_con"}, "did you mean `line2_conv`"),
    ],
)
def test_what_can_t_be_asked(wanted: Any, said: str) -> None:
    model = net("plain")
    with pytest.raises(RunError, match=said):
        grad_cam(model, images_for(model), **wanted)


def test_a_network_without_maps() -> None:
    model = build("input 4x4x1\nflatten\noutput 3")
    with pytest.raises(RunError, match="no layer with maps"):
        grad_cam(model, images_for(model))
    assert isinstance(grad_cam(net("plain"), images_for(net("plain"), 1)), GradCam)
