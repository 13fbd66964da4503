"""Models back to text: every layer, every argument that matters, every connection, every weight's place."""

from collections.abc import Callable
from typing import Any

import pytest

from cnnmagic import build, from_keras
from cnnmagic.engine.backend import load_keras
from cnnmagic.pipeline import build_model, make_plan
from cnnmagic.zoo import zoo_names
from tests.engine.round_trip import check, functional, layers_of, same_answers, sequential
from tests.lang.cells import CELLS

keras = load_keras()
layers, initializers, regularizers = keras.layers, keras.initializers, keras.regularizers
constraints = keras.constraints
LARGE = ("alexnet", "googlenet", "resnet18", "resnet34", "resnet50", "vgg11", "vgg16", "vgg19")


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
    "squeeze_excite": "input 8x8x4\nconv 8 3x3\nse 2\nlast <- se\nconv 8 1x1\nadd last",
    "rescaled_by_channel": "input 8x8x3\nrescale scale=(0.5, 1, 1/255) offset=(-103.939, -116.779, 123.68)",
    "words_for_weights": "input 8x8x3\nconv 4 3x3 kernel_regularizer=l2(0.0001) kernel_initializer=he_normal(seed=1)\n"
    "bn gamma_constraint=max_norm(3)\nPReLU alpha_initializer=constant(0.25)\nflatten\n"
    "output 3 kernel_constraint=unit_norm",
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


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name: str) -> None:
    check(build_model(make_plan(TEXTS[name], {})))


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


def names_of_the_plan(entry):
    first = layers.Conv2D(4, 1, name="line9_conv")(entry)
    second = layers.Conv2D(4, 1, name="conv")(layers.ReLU(name="any")(first))
    third = layers.Conv2D(4, 1, name="rescale")(layers.ReLU(name="line2_3")(second))
    fourth = layers.Conv2D(4, 1, name="output")(layers.ReLU(name="residual")(third))
    return layers.Add()([layers.ReLU(name="from")(fourth), third, second, first, fourth])


def excite(x, units: int):
    squeezed = layers.Dense(units, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    return layers.Dense(x.shape[-1], activation="sigmoid")(squeezed)


def excited_by_lists(entry):
    weights = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(entry))
    return layers.Multiply()([entry, layers.Reshape((1, 1, 4))(weights)])


def past_smaller_images(entry):
    """A small U-Net: what goes past the smaller images comes first in one join, and last in the other."""
    large = layers.Conv2D(4, 3, padding="same")(entry)
    middle = layers.Conv2D(8, 3, padding="same")(layers.MaxPooling2D()(large))
    small = layers.Conv2D(16, 3, padding="same")(layers.MaxPooling2D()(middle))
    middle = layers.Concatenate()([layers.Conv2DTranspose(8, 2, 2)(small), middle])
    return layers.Concatenate()([large, layers.Conv2DTranspose(4, 2, 2)(middle)])


def within_one_another(entry):
    """Sums around sums, deeper than blocks are written in one another."""
    starts = [layers.Conv2D(4, 1)(entry)]
    for _ in range(8):
        starts.append(layers.Conv2D(4, 1)(starts[-1]))
    x = starts.pop()
    for start in reversed(starts):
        x = layers.ReLU()(layers.Add()([layers.Conv2D(4, 1)(x), start]))
    return x


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
    "names_of_the_plan": lambda: functional(names_of_the_plan),
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
    "numbers_for_weights": lambda: sequential(
        layers.Conv2D(4, 3, kernel_regularizer=regularizers.L2(1e-4), bias_regularizer=regularizers.L1(1e-4)),
        layers.Conv2D(4, 3, kernel_regularizer=regularizers.L1L2(0.1, 0.02), activity_regularizer=regularizers.L2(1)),
        layers.Conv2D(4, 1, kernel_initializer=initializers.VarianceScaling(2, "fan_out", seed=3)),
        layers.Conv2D(
            4, 1, kernel_initializer=initializers.HeNormal(seed=1), bias_initializer=initializers.Constant(1)
        ),
        layers.Conv2D(4, 1, kernel_initializer=initializers.TruncatedNormal(0.5, 0.01)),
        layers.SeparableConv2D(4, 3, pointwise_constraint=constraints.MaxNorm(3, axis=(0, 1, 2))),
        layers.DepthwiseConv2D(3, depthwise_constraint="non_neg", activity_regularizer="l1"),
        layers.BatchNormalization(
            moving_mean_initializer=initializers.RandomNormal(0, 0.02), beta_constraint="unit_norm"
        ),
        layers.Flatten(),
        layers.Dense(3, kernel_regularizer=regularizers.OrthogonalRegularizer(0.05, mode="columns")),
        layers.Dense(3, kernel_constraint=constraints.MinMaxNorm(0.1, 2)),
    ),
    "rescalings": lambda: sequential(
        layers.Rescaling([0.5, 1, 2, 1 / 255], offset=(-1, -2, 0.5, 0)), layers.Rescaling(2, offset=[1, 2, 3, 4])
    ),
    "normalization": lambda: sequential(layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1.5, 2.0, 3.0, 4.0])),
    "dropout_by_image": lambda: sequential(layers.Dropout(0.2, noise_shape=(None, 1, 1, 1))),
    "augmentations": lambda: sequential(
        layers.RandomFlip("horizontal", seed=3),
        layers.RandomRotation(0.1, fill_mode="constant", fill_value=0.5, interpolation="nearest"),
        layers.RandomZoom(0.1, width_factor=0.2),
    ),
    "two_activations": lambda: sequential(
        layers.Conv2D(3, 1), layers.BatchNormalization(), layers.ReLU(), layers.Softmax()
    ),
    "excited_the_other_way": lambda: functional(lambda x: layers.Multiply()([excite(x, 2), x])),
    "excited_by_lists": lambda: functional(excited_by_lists),
    "summed_the_other_way": lambda: functional(lambda x: layers.Add()([x, layers.Conv2D(4, 3, padding="same")(x)])),
    "past_smaller_images": lambda: functional(past_smaller_images),
    "within_one_another": lambda: functional(within_one_another),
    "sum_of_one_twice": lambda: functional(lambda x: layers.Add()([layers.ReLU()(x)] * 2)),
    "cut_within": lambda: (lambda whole: keras.Model(whole.layers[1].output, whole.outputs))(
        functional(lambda x: layers.Conv2D(5, 3)(layers.ReLU()(layers.Conv2D(4, 3)(x))))
    ),
    "cut_short": lambda: (lambda whole: keras.Model(whole.inputs, whole.layers[1].output))(
        functional(lambda x: layers.Conv2D(5, 3)(layers.Conv2D(4, 3)(x)))
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_by_hand(name: str) -> None:
    model = MODELS[name]()
    same_answers(model, check(model))


def test_a_reshape_with_a_gap() -> None:
    model = sequential(layers.Reshape((-1, 2)), layers.Flatten())
    same_answers(model, build(from_keras(model)))


def test_a_layer_of_another_model_too() -> None:
    """A layer that two models share stands once in each."""
    shared = layers.Conv2D(4, 1)
    functional(shared)
    check(functional(shared))


def inner(*parts, shape: tuple[int | None, ...] = (16, 12, 4)) -> Any:
    return keras.Sequential([keras.Input(shape), *parts])


def two_ends():
    """A model with two inputs and two outputs within another."""
    one, two = keras.Input((16, 12, 4)), keras.Input((16, 12, 4))
    both = keras.Model([one, two], [layers.Add()([one, two]), layers.Conv2D(2, 1)(one)])
    entry = keras.Input((16, 12, 4))
    return keras.Model(entry, layers.Concatenate()(both([layers.ReLU()(entry), entry])))


def base_and_head():
    """As bases are taken over: frozen, and called as in use."""
    base = functional(lambda x: layers.BatchNormalization()(layers.Conv2D(8, 3)(x)), (None, None, 4))
    base.trainable = False
    entry = keras.Input((16, 12, 4))
    x = layers.GlobalAveragePooling2D()(base(layers.Rescaling(1 / 127.5, offset=-1)(entry), training=False))
    return keras.Model(entry, layers.Dense(3, activation="softmax")(x))


NESTED: dict[str, Callable[[], Any]] = {
    "sequential_in_sequential": lambda: sequential(inner(layers.Conv2D(3, 3)), layers.Flatten()),
    "not_built_before": lambda: sequential(keras.Sequential([layers.Conv2D(3, 3), layers.ReLU()]), layers.Flatten()),
    "three_deep": lambda: sequential(inner(inner(layers.Conv2D(3, 3)), layers.ReLU()), layers.Flatten()),
    "functional": lambda: sequential(functional(skips), layers.Dense(2)),
    "of_any_size": lambda: sequential(inner(layers.Conv2D(3, 3), shape=(None, None, 4)), layers.Flatten()),
    "two_ends": two_ends,
    "base_and_head": base_and_head,
}


def leaves(model) -> int:
    """The layers of a model and of those in it, but for inputs."""
    return sum(leaves(layer) if hasattr(layer, "layers") else 1 for layer in layers_of(model))


@pytest.mark.parametrize("name", NESTED)
def test_models_within_models_are_laid_flat(name: str) -> None:
    model = NESTED[name]()
    text = from_keras(model)
    assert len(make_plan(text, {}).steps) == leaves(model)
    again = build(text)
    same_answers(model, again)
    check(again)
