"""Models back to text: every layer, every argument that matters, every weight's place; and what no text can say."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnmagic import CnnError, build, from_keras
from cnnmagic.engine.backend import load_keras
from cnnmagic.session import build_model, make_plan
from cnnmagic.zoo import zoo_names
from tests.lang.cells import CELLS

keras = load_keras()
layers = keras.layers
LARGE = ("alexnet", "googlenet", "resnet18", "resnet34", "resnet50", "vgg11", "vgg16", "vgg19")


def described(model) -> list[tuple[str, dict[str, Any], tuple[int | None, ...]]]:
    """Class, configuration without names, and shape of every layer but the input."""
    return [
        (
            type(layer).__name__,
            {name: value for name, value in layer.get_config().items() if name not in ("name", "dtype", "batch_shape")},
            layer.output.shape,
        )
        for layer in model.layers
        if type(layer).__name__ != "InputLayer"
    ]


def check(model) -> str:
    """Text → model gives the same layers, weights of the same shapes in the same order, and the same text again."""
    text = from_keras(model)
    again = build(text)
    assert described(again) == described(model)
    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert again.count_params() == model.count_params()
    assert from_keras(again) == text
    return text


def same_answers(model, text: str, tolerance: float = 1e-4) -> None:
    """A model of the text answers the same once it has the same weights."""
    again = build(text)
    again.set_weights(model.get_weights())
    shape = [1, *(size or 20 for size in model.input_shape[1:])]
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    np.testing.assert_allclose(
        np.asarray(again(image, training=False)),
        np.asarray(model(image, training=False)),
        rtol=tolerance,
        atol=tolerance,
    )


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_the_contract(name: str) -> None:
    text = CELLS[name].split("\n", 1)[1].replace("data images:photos\n", "")
    model = build_model(make_plan(text, {}), name)
    same_answers(model, check(model))


@pytest.mark.parametrize(
    "name", [name if name not in LARGE else pytest.param(name, marks=pytest.mark.long) for name in zoo_names()]
)
def test_the_zoo(name: str) -> None:
    check(build(f"use {name}"))


TEXTS = {
    "squeeze_excite": "input 8x8x4\nconv 8 3x3\nse 2",
    "augmentation": "data digits\naugment flip, rotate 15, crop=2, brightness, contrast, zoom, shift\ngap\noutput",
    "image": "input 8x8x2\nupsample\nupsample 3x1 interpolation=bilinear\npad\npad 2\npad 1x2\npad 0x1x2x3\ncrop 1\n"
    "crop 0x1x2x3\nrescale 1/255\nrescale 2 offset=-1",
    "convolutions": "input 12x10x4\nconv 8 3x1 relu\nconv 8 1x5 /2x1 same\nconv 8 3x3 dilation_rate=2\n"
    "conv 8 3x3 same groups=4 use_bias=no\ndwconv 3 depth_multiplier=2 same\nsepconv 6 3x3 same use_bias=no\n"
    "deconv 4 2x2 /2 same\nmaxpool 2x1 /1x2\navgpool 3 /1 same",
    "normalizations": "input 8x8x4\nbn momentum=0.9 epsilon=1.001e-5\ngn 2\nln center=no\nbn scale=no",
    "lists": "input 8x8x4\nflatten\nresidual:\n    dense 256 gelu\nreshape 8x8x4\nspatialdropout 0.2\ngap\noutput 1",
    "open_end": "input 8x8x4\nconv 4 3x3 leaky_relu",
    "only_output": "input 8x8x4\noutput 3 sigmoid",
    "softmax_within": "input 8x8x4\nflatten\ndense 5 softmax\ndense 3",
    "regularized": "input 8x8x4\nconv 4 3x3 kernel_regularizer=l2",
}


def with_gaps(names, gaps: dict[str, str]) -> list[Any]:
    """The names as parameters; those of known gaps are expected to fail, with the reason."""
    marks = {name: [pytest.mark.xfail(reason=reason, strict=True)] for name, reason in gaps.items()}
    return [pytest.param(name, marks=marks.get(name, [])) for name in names]


@pytest.mark.parametrize(
    "name", with_gaps(TEXTS, {"squeeze_excite": "dense layers on a 1x1 volume are not read as `se`"})
)
def test_texts(name: str) -> None:
    check(build_model(make_plan(TEXTS[name], {})))


def sequential(*parts) -> Any:
    return keras.Sequential([keras.Input((16, 12, 4)), *parts])


def functional(make: Callable[[Any], Any], shape: tuple[int | None, ...] = (16, 12, 4)) -> Any:
    entry = keras.Input(shape)
    return keras.Model(entry, make(entry))


def skips(entry):
    stem = layers.Conv2D(8, 3, padding="same", name="stem")(entry)
    side = layers.Conv2D(8, 1, name="side")(entry)
    both = layers.Concatenate()([layers.Add()([stem, side]), stem, entry])
    return layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(layers.ReLU(max_value=6.0)(both)))


def merges(entry):
    conv = layers.Conv2D(4, 1)(entry)
    product = layers.Multiply()([conv, entry])
    return layers.Maximum()([layers.Average()([product, conv]), entry])


def difficult_names(entry):
    first = layers.Conv2D(4, 1, name="my-conv.1")(entry)
    second = layers.Conv2D(4, 1, name="add")(first)
    third = layers.Conv2D(4, 1, name="my_conv_1")(second)
    fourth = layers.Conv2D(4, 1, name="input")(third)
    fifth = layers.Conv2D(4, 1, name="for")(fourth)
    return layers.Add()([layers.Add()([first, first]), second, third, fourth, fifth])


def swapped(entry):
    one, two = layers.Conv2D(3, 1)(entry), layers.Conv2D(5, 1)(entry)
    return layers.Concatenate()([entry, two, one])


MODELS: dict[str, Callable[[], Any]] = {
    "sequential": lambda: sequential(
        layers.Conv2D(8, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.ZeroPadding2D(((1, 0), (2, 1))),
        layers.AveragePooling2D(3, strides=1),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ),
    "skips": lambda: functional(skips),
    "merges": lambda: functional(merges),
    "difficult_names": lambda: functional(difficult_names),
    "swapped": lambda: functional(swapped),
    "free_size": lambda: functional(lambda x: layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(x)), (None, None, 3)),
    "leaky": lambda: sequential(layers.Conv2D(4, 3), layers.LeakyReLU(negative_slope=0.2), layers.LeakyReLU()),
    "prelu": lambda: sequential(layers.Conv2D(4, 3), layers.PReLU()),
    "prelu_shared": lambda: sequential(layers.Conv2D(4, 3), layers.PReLU(shared_axes=[1, 2])),
    "further_layers": lambda: sequential(layers.ELU(alpha=0.5), layers.Softmax(), layers.Identity()),
    "noise": lambda: sequential(layers.GaussianNoise(0.1), layers.GaussianDropout(0.2), layers.AlphaDropout(0.3)),
    "resizing": lambda: sequential(layers.Resizing(8, 9), layers.CenterCrop(4, 5), layers.Permute((2, 1, 3))),
    "repeat_vector": lambda: sequential(layers.Flatten(), layers.RepeatVector(3)),
    "activation_layers": lambda: sequential(
        layers.Activation("swish"), layers.Activation("linear"), layers.Conv2D(3, 1)
    ),
    "initializers": lambda: sequential(
        layers.Conv2D(4, 3, kernel_initializer="he_normal", bias_initializer="ones"),
        layers.Conv2D(4, 3, kernel_initializer="random_normal"),
        layers.Flatten(),
        layers.Dense(3, kernel_initializer="lecun_uniform"),
    ),
    "initializers_of_depthwise": lambda: sequential(
        layers.DepthwiseConv2D(3, depthwise_initializer="he_uniform"),
        layers.SeparableConv2D(4, 3, pointwise_initializer="he_uniform"),
    ),
    "initializers_of_bn": lambda: sequential(layers.BatchNormalization(gamma_initializer="zeros")),
    "regularizer": lambda: sequential(layers.Conv2D(4, 3, kernel_regularizer="l2")),
    "output_without_bias": lambda: sequential(layers.Flatten(), layers.Dense(4, activation="softmax", use_bias=False)),
    "output_initialized": lambda: sequential(
        layers.Flatten(), layers.Dense(4, activation="softmax", kernel_initializer="zeros")
    ),
    "dropout_seeded": lambda: sequential(layers.Dropout(0.5, seed=3)),
    "cut_short": lambda: (lambda whole: keras.Model(whole.inputs, whole.layers[1].output))(
        functional(lambda x: layers.Conv2D(5, 3)(layers.Conv2D(4, 3)(x)))
    ),
}


@pytest.mark.parametrize("name", with_gaps(MODELS, {"difficult_names": "a layer may not be named `input`"}))
def test_models_by_hand(name: str) -> None:
    model = MODELS[name]()
    same_answers(model, check(model))


def test_a_reshape_with_a_gap() -> None:
    model = sequential(layers.Reshape((-1, 2)), layers.Flatten())
    same_answers(model, from_keras(model))


def test_a_layer_of_another_model_too() -> None:
    """A layer that two models share stands once in each."""
    shared = layers.Conv2D(4, 1)
    functional(shared)
    check(functional(shared))


def test_a_text_reads_well() -> None:
    assert from_keras(functional(skips)) == (
        "input 16x12x4\n"
        "stem <- conv 8 3x3 same\n"
        "from input\n"
        "side <- conv 8 1x1\n"
        "from stem\n"
        "add side\n"
        "concat stem input\n"
        "ReLU max_value=6\n"
        "globalavgpool\n"
        "output 1\n"
    )


@pytest.mark.xfail(reason="layers come in Keras's order, by depth, so that weights keep theirs", strict=True)
def test_branches_are_labels_only_where_needed() -> None:
    """The layers of a branch stay together: a label for each branch's end, none within."""
    text = from_keras(build(CELLS["inception3a"].split("\n", 1)[1]))
    assert text.count("<-") <= 4


@pytest.mark.parametrize("name, least", [("MobileNetV2", 3_538_984), ("ResNet50", 25_636_712)])
def test_keras_applications(name: str, least: int) -> None:
    model = getattr(keras.applications, name)(weights=None)
    assert model.count_params() == least
    text = from_keras(model)
    same_answers(model, text)
    assert make_plan(text, {}).parameters == least


def nested():
    inner = sequential(layers.Conv2D(3, 3))
    return sequential(inner, layers.Flatten())


def two_inputs():
    one, two = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    return keras.Model([one, two], layers.Add()([one, two]))


def two_outputs():
    entry = keras.Input((8, 8, 3))
    return keras.Model(entry, [layers.Flatten()(entry), layers.ReLU()(entry)])


def shared():
    entry, conv = keras.Input((8, 8, 3)), layers.Conv2D(3, 1)
    return keras.Model(entry, conv(conv(entry)))


class Own(keras.Model):  # type: ignore[name-defined]  # Keras is known at run time only
    def call(self, x):
        return x


ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "nested": (nested, "is a model inside the model"),
    "two_inputs": (two_inputs, "2 inputs and 1 output"),
    "two_outputs": (two_outputs, "1 input and 2 outputs"),
    "shared": (shared, "is called 2 times"),
    "lambda": (lambda: sequential(layers.Lambda(lambda x: x * 2)), "`Lambda`"),
    "subtract": (
        lambda: functional(lambda x: layers.Subtract()([x, layers.Conv2D(4, 1)(x)])),
        "`Subtract`",
    ),
    "dense_on_a_volume": (lambda: sequential(layers.Dense(4)), "a dense layer on a volume"),
    "operations": (lambda: functional(lambda x: keras.ops.relu(x) * 2 + x), "relu|operation"),
    "own_activation": (lambda: sequential(layers.Conv2D(3, 1, activation=keras.ops.square)), "activation of its own"),
    "channels_first": (
        lambda: functional(layers.Conv2D(4, 3, data_format="channels_first"), (3, 8, 8)),
        "channels_first",
    ),
    "axis_of_concat": (lambda: functional(lambda x: layers.Concatenate(axis=1)([x, layers.ReLU()(x)])), "axis"),
    "axis_of_bn": (lambda: sequential(layers.BatchNormalization(axis=1)), "axis"),
    "input_of_a_list": (lambda: functional(layers.Dense(3), (20,)), "input|image|20"),
    "input_of_a_row": (lambda: functional(layers.Conv1D(3, 3), (20, 3)), "input|image|20x3"),
    "not_built": (lambda: keras.Sequential([layers.Conv2D(4, 3)]), "not built|no input|input"),
    "own_class": (Own, "Functional|Sequential|inputs"),
    "no_model": (lambda: "net", "model"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_no_text_can_say(name: str) -> None:
    make, told = ERRORS[name]
    with pytest.raises(CnnError, match=told) as caught:
        from_keras(make())
    assert len(str(caught.value)) < 300
