"""Outputs, filters and steps of convolutions, against Keras's own sub-models and against loops in plain Python."""

import time
from typing import Any

import numpy as np
import pytest

from cnnmagic import build
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.probe_graph import flow, head_of, numpy_of
from cnnmagic.engine.probe_model import in_float32, inner_layers
from cnnmagic.engine.probe_outputs import filters, outputs
from cnnmagic.engine.probe_sight import grad_cam
from cnnmagic.engine.probe_steps import convolution_step
from cnnmagic.errors import DataError, RunError
from cnnmagic.lifecycle import work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.run import Run
from tests.engine.probe_nets import NETS, SHRUNK, images_for, net, scatter

keras = load_keras()


def by_keras(model: Any, name: str, images: Any) -> Any:
    return keras.Model(model.input, model.get_layer(name).output).predict(images, verbose=0)


@pytest.mark.parametrize("name", [*NETS, *SHRUNK])
def test_outputs_are_those_of_keras(name: str) -> None:
    model = net(name)
    images, layers = images_for(model), [layer.name for layer in inner_layers(model)]
    told = outputs(model, images, layers)
    direct = keras.Model(model.input, [model.get_layer(layer).output for layer in layers]).predict(images, verbose=0)
    for one, expected in zip(told, direct if len(layers) > 1 else [direct], strict=True):
        assert np.allclose(one.values, expected, atol=1e-5), one.layer
    assert [one.layer for one in told] == layers


@pytest.mark.parametrize("name", [*NETS, *SHRUNK])
def test_logits_lead_to_the_answers(name: str) -> None:
    model = net(name)
    images, head = images_for(model), head_of(model)
    logits = numpy_of(head.logits(flow(model, images)))
    activation = {"softmax": keras.ops.softmax, "sigmoid": keras.ops.sigmoid, "linear": lambda x: x}[head.activation]
    assert np.allclose(numpy_of(activation(logits)), model.predict(images, verbose=0), atol=1e-5)
    assert head.activation == {"single": "sigmoid", "sigmoids": "sigmoid", "logits": "linear"}.get(name, "softmax")


def test_a_sure_answer_has_its_logits_still() -> None:
    """Of a probability that is rounded to 1 no logarithm would tell the logits."""
    model = build("input 4x4x1\nflatten\noutput 3\nseed 1")
    images = images_for(model) * 1000
    dense = model.get_layer("output")
    expected = images.reshape(3, -1) @ numpy_of(dense.kernel) + numpy_of(dense.bias)
    assert np.allclose(numpy_of(head_of(model).logits(flow(model, images))), expected, rtol=1e-5)


# Layer, input, and how the filters are to be found in Keras's weights.
CONVOLUTIONS = {
    "plain": "conv 3 3x3",
    "padded": "conv 3 3x3 same relu",
    "even": "conv 2 4x2 same tanh",
    "strided": "conv 3 3x3 /2",
    "strided, padded": "conv 3 3x3 stride=3x2 same elu",
    "strided, padded, even": "conv 2 4x4 /2 same",
    "dilated": "conv 2 3x3 dilation_rate=2",
    "dilated, padded": "conv 2 3x2 same dilation_rate=2x3 relu",
    "groups": "conv 6 3x3 same groups=2",
    "every channel": "conv 8 3x3 groups=4 relu",
    "softmax": "conv 5 3x3 softmax",
    "no bias": "conv 3 3x3 use_bias=no relu",
    "depthwise": "dwconv 3x3 same relu",
    "depthwise, two": "dwconv 3x2 /2 depth_multiplier=2",
    "separable": "sepconv 5 3x3 same relu",
    "separable, two": "sepconv 3 3x3 depth_multiplier=2",
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_step_is_the_layer_s_output(name: str) -> None:
    model = build(f"input 7x9x4\nrescale 1/2\n{CONVOLUTIONS[name]}\nseed 2")
    scatter(model)
    layer, image = model.layers[-1], images_for(model, 1)[0]
    expected = by_keras(model, layer.name, image[None])[0]
    height, width, depth = expected.shape
    places = {(0, 0), (height - 1, width - 1), (0, width - 1), (height // 2, width // 2), (height // 2, 0)}
    for number, (row, column) in enumerate(sorted(places)):
        step = convolution_step(model, layer.name, image, number % depth, row, column)
        assert step.answer == pytest.approx(step.output, abs=1e-5)
        assert step.output == pytest.approx(expected[row, column, number % depth], abs=1e-5)
        assert step.products.sum() + step.bias == pytest.approx(step.total, abs=1e-5)
        assert np.allclose(step.window, window_by_loop(step, image / 2))
        assert step.window.shape == step.kernel.shape == step.products.shape


def window_by_loop(step: Any, given: Any) -> Any:
    """The pixels that a step says it sees, looked up one by one."""
    window = np.zeros(step.window.shape)
    for i, row in enumerate(step.rows):
        for j, column in enumerate(step.columns):
            inside = 0 <= row < given.shape[0] and 0 <= column < given.shape[1]
            assert inside == step.inside[i, j]
            for k, channel in enumerate(step.channels):
                window[i, j, k] = given[row, column, channel] if inside else 0
    return window


@pytest.mark.parametrize("name", ["plain", "groups", "depthwise, two", "separable, two"])
def test_filters_by_loops_make_the_output(name: str) -> None:
    """A convolution of seven loops with the filters told gives what Keras gives."""
    model = build(f"input 6x5x4\n{CONVOLUTIONS[name].replace(' same', '').replace(' /2', '')}\nseed 2")
    scatter(model)
    layer, images = model.layers[-1], images_for(model, 1)
    told = filters(model, layer.name)
    height, width, each, count = told.kernels.shape
    expected = by_keras(model, layer.name, images)[0]
    result = np.zeros(expected.shape)
    for row, column, number in np.ndindex(*expected.shape):
        result[row, column, number] = told.biases[number]
        first = number // (count * each // 4) * each
        for i, j, k in np.ndindex(height, width, each):
            result[row, column, number] += images[0, row + i, column + j, first + k] * told.kernels[i, j, k, number]
    assert np.allclose(result, expected, atol=1e-5)


def test_what_can_t_be_probed_is_told() -> None:
    model = net("plain")
    image, first = images_for(model, 1)[0], next(one.name for one in model.layers if one.name.endswith("conv"))
    with pytest.raises(RunError, match="did you mean `line2_conv`"):
        outputs(model, image[None], ["line2_cnv"])
    with pytest.raises(RunError, match="has no filters"):
        filters(model, "output")
    with pytest.raises(RunError, match="steps can't be shown"):
        convolution_step(model, "output", image, 0, 0, 0)
    with pytest.raises(RunError, match="there is no column 8"):
        convolution_step(model, first, image, 0, 0, 8)
    for wrong in (image, image[None, :, :, [0, 0]], np.array([["a"]]), image[None][:0]):
        with pytest.raises(DataError, match="are not images for"):
            outputs(model, wrong, [first])


def test_a_model_in_less_than_float32_is_probed_in_float32() -> None:
    model = build("data digits\nconv 4 3x3 bn relu\nflatten\noutput\nseed 1\ntrain precision=bfloat16")
    copy = in_float32(model)
    images = np.random.default_rng(0).uniform(0, 16, (4, 8, 8, 1))
    assert all(layer.compute_dtype == "float32" for layer in copy.layers)
    assert model.layers[2].compute_dtype == "bfloat16"
    (told,) = outputs(model, images, ["line2_relu"])
    assert np.allclose(told.values, by_keras(copy, "line2_relu", images), atol=1e-6)
    assert np.allclose(told.values, by_keras(model, "line2_relu", images).astype("float32"), atol=0.05)
    assert in_float32(copy) is copy


def test_layers_that_the_user_has_put_into_another_model_before() -> None:
    layers = [keras.layers.Conv2D(2, 3, name="seen"), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    keras.Sequential([keras.Input((6, 6, 1)), *layers])
    entry = tensor = keras.Input((6, 6, 1))
    for layer in layers:
        tensor = layer(tensor)
    model = keras.Model(entry, tensor)
    images = images_for(model)
    assert layers[-1].output is not model.outputs[0]
    expected = keras.Model(model.inputs, layers[0](model.inputs[0])).predict(images, verbose=0)
    assert np.allclose(outputs(model, images, ["seen"])[0].values, expected, atol=1e-6)
    assert grad_cam(model, images).layer == "seen"


def test_a_layer_used_twice_is_told() -> None:
    entry, layer = keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 3, padding="same")
    twice = keras.Model(entry, layer(layer(entry)), name="twice")
    with pytest.raises(RunError, match="a layer of twice is used more than once"):
        outputs(twice, images_for(twice), [layer.name])


TRAINING = (
    "data digits\naugment flip\nconv 4 3x3 bn relu\ndropout 0.3\nflatten\noutput\nseed 3\ntrain epochs=2 batch=64"
)


def started() -> Run:
    plan = make_plan(TRAINING, {})
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))
    run.start(work_of(run))
    return run


def test_a_model_in_training_is_not_disturbed() -> None:
    alone, probed = started().wait(60), started()
    images = probed.dataset.test.images[:5]
    probed.pause()
    until = time.monotonic() + 60
    while probed.state.phase != "paused" and time.monotonic() < until:
        time.sleep(0.01)
    if keras.backend.backend() == "jax":
        with pytest.raises(RunError, match="in training, and with JAX"):
            outputs(probed.model, images, ["output"])
    else:
        before = outputs(probed.model, images, ["output"])[0].values
        assert np.allclose(before.sum(axis=1), 1, atol=1e-5)
    probed.resume()
    probed.wait(60)
    for name in ("loss", "val_loss"):
        assert probed.history[name] == alone.history[name]


def test_a_snapshot_is_probed_in_place_of_the_model() -> None:
    run = started().wait(60)
    images, weights = run.dataset.test.images[:5], run.snapshot.variables.model
    expected = run.model.predict(images, verbose=0)
    for variable in run.model.trainable_variables:
        variable.assign(np.zeros(variable.shape))
    (told,) = outputs(in_float32(run.model, weights), images, ["output"])
    assert np.allclose(told.values, expected, atol=1e-5)
