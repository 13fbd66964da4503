"""A plan's numbers are Keras's: shapes, weights, arguments and defaults; work and sight are counted anew."""

import inspect
from dataclasses import MISSING, fields
from math import prod

import numpy as np
import pytest

from cnnmagic import build, plan
from cnnmagic.engine.backend import load_keras
from cnnmagic.explain.doctor import numbers_of
from cnnmagic.layers import ACTIVATIONS, LAYERS, MERGES, Layer
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.plans import Plan
from tests.lang.cells import CELLS, PARAMETERS

keras = load_keras()

BRANCHES = """\
input 12x10x4
branches -> {merge}:
    branch left:
        conv 6 3x3 same
    branch:
        maxpool 3 /1 same
        conv 6 1x1 relu
"""
TEXTS = {
    "conv": "conv 8 3x3",
    "conv_same_even": "conv 8 4x4 same",
    "conv_oblong": "conv 8 3x1 relu\nconv 8 1x5 /2x1 same",
    "conv_strided": "conv 8 3x3 /2 same\nconv 8 5x5 /3",
    "conv_dilated": "conv 8 3x3 dilation_rate=2\nconv 4 3x3 same dilation_rate=1x3",
    "conv_groups": "conv 8 3x3 groups=2 same\nconv 12 1x1 groups=4 use_bias=no",
    "conv_bn": "conv 8 3x3 bn relu\nconv 8 3x3 bn use_bias=yes\nconv 8 3x3 same bn=no",
    "conv_arguments": "conv 8 3x3 kernel_initializer=he_normal kernel_regularizer=l2",
    "depthwise": "dwconv 3x3 same\ndwconv 3x3 depth_multiplier=3 bn relu6\ndwconv 3 /2 use_bias=no same",
    "depthwise_dilated": "dwconv 3x3 dilation_rate=2",
    "separable": "sepconv 8 3x3 same\nsepconv 6 3x3 /2 depth_multiplier=2 bn relu\nsepconv 5 2x2 use_bias=no",
    "separable_dilated": "sepconv 8 3x3 dilation_rate=2x2 same",
    "transposed": "deconv 8 3x3\ndeconv 6 2x2 /2\ndeconv 4 3x3 /2 same use_bias=no",
    "transposed_gaps": "deconv 8 2x2 /3\ndeconv 3 5x3 /2x1 relu",
    "transposed_dilated": "deconv 8 3x3 dilation_rate=2",
    "pools": "maxpool 2\navgpool 3 /1 same\nmaxpool 2x1 /1x2",
    "pools_same": "maxpool 3 /2 same\navgpool 3x2 /2 same",
    "pools_overlapping": "maxpool 3 /2\navgpool 2 /3",
    "global": "globalavgpool keepdims=yes\nglobalmaxpool",
    "dense": "globalavgpool\ndense 7 relu\ndense 6 bn tanh\ndense 5 use_bias=no",
    "dense_after_volume": "conv 3 3x3\ndense 7",
    "flatten_reshape": "reshape 6x20x4\nconv 2 3x3\nflatten\nreshape 12x12\ndense 4",
    "drops": "dropout 0.3 seed=1\nspatialdropout 0.2",
    "activations": "relu\nact gelu\nleaky\nnone\ntanh",
    "normalizations": "bn\ngn 2\nln\nbn center=no\ngn 4 scale=no\nln center=no scale=no\nbn momentum=0.9 epsilon=1e-5",
    "image": "upsample\nupsample 3x1 interpolation=bilinear\npad\npad 2\npad 1x2\npad 0x1x2x3\ncrop 1\ncrop 0x1x2x3\n"
    "rescale 1/255\nrescale 2 offset=-1",
    "augmentation": "RandomFlip\nRandomRotation 0.1\nRandomZoom 0.1\nRandomTranslation 0.1 0.2\nRandomBrightness 0.1\n"
    "RandomContrast 0.1 value_range=0x1\nRandAugment 1 0.3 value_range=0x1",
    "squeeze_excite": "conv 8 3x3\nse 2\nse",
    "residual": "residual relu:\n    conv 4 3x3 same bn relu\n    conv 4 3x3 same bn",
    "residual_projected": "residual relu:\n    conv 6 3x3 /2 same bn relu\n    conv 6 3x3 same bn",
    "residual_oblong": "residual:\n    conv 6 3x3 /2x1 same",
    "residual_dense": "flatten\nresidual:\n    dense 480",
    "labels": "stem <- conv 6 3x3 same\nside <- maxpool 3 /1 same\nfrom stem\nconv 6 3x3 same\nadd side\n"
    "concat stem input\nconv 2 1x1",
    "nested": "repeat 2:\n    residual relu:\n        branches -> add:\n            branch:\n"
    "                conv 4 1x1\n            branch",
    **{merge: BRANCHES.format(merge=merge) for merge in ("concat", "add", "average", "max")},
}


def text_of(name: str) -> str:
    text = CELLS.get(name) or TEXTS[name]
    return text if "input" in text.split("\n", 3)[0] or name in CELLS else "input 12x10x4\n" + text


def shapes_differ(planned: Plan, model) -> list[str]:
    """What steps give another shape, or take other weights, than the Keras layer of the same name."""
    return [
        f"{step.name}: {step.output_shape}, {step.parameters} and Keras {layer.output.shape}, {layer.count_params()}"
        for step in planned.steps
        for layer in [model.get_layer(step.name)]
        if (None, *step.output_shape) != layer.output.shape or step.parameters != layer.count_params()
    ]


@pytest.mark.parametrize("name", [*TEXTS, *CELLS])
def test_keras_counts_and_shapes_the_same(name):
    planned = plan(text_of(name))
    model = build(planned)
    assert shapes_differ(planned, model) == []
    assert planned.parameters == model.count_params() == PARAMETERS.get(name, planned.parameters)
    assert planned.trainable_parameters == sum(prod(weight.shape) for weight in model.trainable_weights)
    assert {layer.name for layer in model.layers} == {"input"} | {step.name for step in planned.steps}


def test_every_layer_class_is_built_here():
    built = {type(step.layer) for name in TEXTS for step in plan(text_of(name)).steps}
    assert {kind.__name__ for kind in (*LAYERS, *MERGES)} - {kind.__name__ for kind in built} == set()


@pytest.mark.parametrize("kind", [*LAYERS, *MERGES])
def test_arguments_have_the_names_and_defaults_of_keras(kind: type[Layer]):
    known = inspect.signature(getattr(keras.layers, kind.__name__).__init__).parameters
    options = [option for option in fields(kind) if option.name != "extra"]
    assert {option.name for option in options} | set(kind.keras_only) <= set(known)
    for option in options:
        default = known[option.name].default
        pairs = (default, (default, default), ((default,) * 2,) * 2)
        assert option.default is MISSING or option.default in pairs or option.name in kind.always


def test_bare_words_stand_in_the_order_of_keras():
    for kind in LAYERS:
        known = list(inspect.signature(getattr(keras.layers, kind.__name__).__init__).parameters)
        bare = [known.index(option.name) for option in fields(kind) if option.metadata.get("bare")]
        assert bare == sorted(bare), kind


def test_activations_are_those_of_keras():
    known = {name for name in dir(keras.activations) if callable(getattr(keras.activations, name)) and name[0] != "_"}
    refused = {"threshold", "glu"}  # one needs numbers, the other halves the channels
    assert known - {"serialize", "deserialize", "get"} - refused == set(ACTIVATIONS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=lambda optimizer: optimizer.keras_name)
def test_optimizers_exist(optimizer):
    if numbers_of(keras.__version__) < numbers_of(optimizer.since):
        pytest.skip(f"Keras has it since {optimizer.since}")
    assert issubclass(getattr(keras.optimizers, optimizer.keras_name), keras.optimizers.Optimizer)


def test_one_set_of_weights_takes_images_of_any_size():
    model = build(CELLS["anysize"])
    for height, width in ((32, 32), (57, 91)):
        assert model(np.zeros((2, height, width, 3), "float32")).shape == (2, 5)


def test_a_seed_gives_the_same_weights():
    text = "input 8x8x1\nseed 7\nconv 4 3x3\noutput 3\n"
    first, second = (build(text).get_weights() for _ in range(2))
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("text, loss", [("output 10", "sparse_categorical_crossentropy"), ("output 1", "binary_cross")])
def test_a_model_with_output_is_compiled(text, loss):
    assert str(build("input 8x8x1\n" + text).loss).startswith(loss)


# Work: 2 for every multiply-add, counted from Keras's own weights and the positions at which they are applied.
def counted_work(model) -> int:
    return 2 * sum(multiply_adds(layer) for layer in model.layers)


def multiply_adds(layer) -> int:
    """Each weight of a window is used once at every position: of the output, or of a transposed layer's input."""
    match type(layer).__name__:
        case "Conv2D" | "DepthwiseConv2D" | "SeparableConv2D":
            kernels = [weight for weight in layer.weights if weight.path.endswith("kernel")]
            return prod(layer.output.shape[1:3]) * sum(prod(kernel.shape) for kernel in kernels)
        case "Conv2DTranspose":
            return prod(layer.input.shape[1:3]) * prod(layer.kernel.shape)
        case "Dense":
            return prod(layer.output.shape[1:-1]) * prod(layer.kernel.shape)
    return 0


def slow_convolution(size: int, kernel: int, stride: int, channels: int, filters: int) -> int:
    """Multiply-adds of a `valid` convolution, counted one by one."""
    count = 0
    for _row in range(0, size - kernel + 1, stride):
        for _column in range(0, size - kernel + 1, stride):
            count += sum(1 for _ in np.ndindex(kernel, kernel, channels, filters))
    return count


@pytest.mark.parametrize("name", [*TEXTS, *(cell for cell in CELLS if cell != "anysize")])
def test_work_is_counted_the_same_from_the_weights(name):
    planned = plan(text_of(name))
    assert planned.flops == counted_work(build(planned))


def test_work_is_counted_the_same_one_by_one():
    step = plan("input 9x9x3\nconv 4 3x3 /2").steps[0]
    assert step.flops == 2 * slow_convolution(9, 3, 2, 3, 4)


# Sight: the box of input pixels on which an output pixel depends, found by lighting one input pixel after the other.
SEEN = {
    "conv 1 3x3": (3, 3),
    "conv 1 3x3\nconv 1 3x3": (5, 5),
    "conv 1 5x3 /2 same\nconv 1 3x3 same": (9, 7),
    "conv 1 3x3 dilation_rate=2\nconv 1 2x2": (6, 6),
    "conv 1 3x3 same\navgpool 2\nconv 1 3x3 same\navgpool 2\nconv 1 3x3 same": (18, 18),
    "avgpool 3 /2\ndwconv 3x3 /2\nsepconv 1 3x3": (15, 15),
    "pad 2\ncrop 1\nconv 1 3x3": (3, 3),
    "upsample 2\nconv 1 3x3": (2, 2),
    "conv 1 3x3 /2\nupsample 2\nconv 1 5x5": (7, 7),
    "deconv 1 3x3 /2\nconv 1 3x3": (3, 3),
    "conv 1 3x3 /2\ndeconv 1 4x4 /2\nconv 1 3x3": (7, 7),
    "upsample 2 interpolation=bilinear": (2, 2),
    "residual:\n    conv 1 3x3 same\n    conv 1 5x5 same": (7, 7),
    "branches -> concat:\n    branch:\n        conv 1 1x7 same\n    branch:\n        conv 1 5x1 same": (5, 7),
    "residual:\n    conv 1 3x3 /2 same\n    conv 1 3x3 same": (7, 7),
}


def seen(text: str, size: int = 40) -> tuple[int, int]:
    """The largest box of input pixels that one inner output pixel depends on, all weights being 1."""
    model = build(f"input {size}x{size}x1\n{text}")
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    lights = np.eye(size * size, dtype="float32").reshape(-1, size, size, 1)
    answers = model.predict(lights, batch_size=200, verbose=0).sum(axis=-1)
    dark = model.predict(lights[:1] * 0, verbose=0).sum(axis=-1)
    depends = (answers != dark).reshape(size, size, *answers.shape[1:])
    middle = [side // 2 for side in answers.shape[1:]]
    boxes = [
        np.ptp(np.argwhere(depends[:, :, middle[0] + down, middle[1] + right]), axis=0) + 1
        for down, right in np.ndindex(4, 4)
    ]
    height, width = np.max(boxes, axis=0)
    return int(height), int(width)


@pytest.mark.parametrize("text", SEEN)
def test_a_pixel_sees_what_the_plan_says(text):
    planned = plan("input 40x40x1\n" + text)
    assert planned.steps[-1].receptive_field == SEEN[text] == seen(text)


def test_what_sees_everything_sees_the_whole_image():
    steps = plan("input 20x30x1\nconv 2 3x3\nglobalavgpool\noutput 3").steps
    assert [step.receptive_field for step in steps] == [(3, 3), (20, 30), (20, 30)]
    assert plan("input ?x?x1\nconv 2 3x3\nglobalavgpool\noutput 3").steps[-1].receptive_field is None
