"""One statement becomes the Keras layers that it means; Keras's own spelling means the same."""

import pytest

from cnnmagic import PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.expand import Expansion, expand, expand_output, layer_class
from cnnmagic.lang.parser import parse
from cnnmagic.layers import BY_WORD, LAYERS, Conv2D, Dense, MaxPooling2D
from cnnmagic.layers.phrase import phrase


def layer(text: str) -> syntax.Layer:
    statement = parse(text).statements[0]
    assert isinstance(statement, syntax.Layer)
    return statement


def expanded(text: str) -> Expansion:
    statement = layer(text)
    kind = layer_class(statement.name)
    assert kind
    return expand(kind, statement)


def phrases(text: str) -> list[str]:
    return [phrase(made) for made, _ in expanded(text).layers]


EXPANDED = {
    "conv 8 3x3": ["conv 8 3x3"],
    "conv 8 3 relu": ["conv 8 3x3 relu"],
    "conv 8 3x3 bn": ["conv 8 3x3 use_bias=no", "bn"],
    "conv 8 3x3 relu bn same": ["conv 8 3x3 same use_bias=no", "bn", "relu"],
    "conv 8 3x3 bn relu use_bias=yes": ["conv 8 3x3", "bn", "relu"],
    "conv 8 3x3 bn=no relu": ["conv 8 3x3 relu"],
    "dwconv 3x3 bn relu6": ["dwconv 3x3 use_bias=no", "bn", "relu6"],
    "dense 8 bn tanh": ["dense 8 use_bias=no", "bn", "tanh"],
    "fc 8": ["dense 8"],
    "InnerProduct num_output=8": ["dense 8"],
    "convolutional filters=8 size=3 stride=2 pad=1 activation=leaky": ["conv 8 3x3 /2 same leaky_relu"],
    "conv 8 5x5 pad=2": ["conv 8 5x5 same"],
    "conv 8 3x3 pad=0": ["conv 8 3x3"],
    "maxpool 3 pad=1 /2": ["maxpool 3 /2 same"],
    "conv 8 3x3 dilation_rate=2 pad=2": ["conv 8 3x3 same dilation_rate=2x2"],
    "deconv 8 4x4 /2 pad=1": ["deconv 8 4x4 /2 same"],
    "deconv 8 3x3 pad=1": ["deconv 8 3x3 same"],
    "conv 8 3x3 pad=same": ["conv 8 3x3 same"],
    "conv 8 3x5 pad=1x2": ["conv 8 3x5 same"],
    "Conv2D(8, 3, padding=(1, 1))": ["conv 8 3x3 same"],
    "maxpool 2 pad=valid": ["maxpool 2"],
    "maxpool": ["maxpool 2"],
    "act relu": ["relu"],
    "Activation('tanh')": ["tanh"],
    "Conv2D(8, (3, 3), strides=(2, 2), padding='same', activation='relu')": ["conv 8 3x3 /2 same relu"],
    "keras.layers.MaxPooling2D((3, 3), strides=2)": ["maxpool 3 /2"],
    "layers.Dense(units=8)": ["dense 8"],
    "ZeroPadding2D(((0, 1), (2, 3)))": ["pad 0x1x2x3"],
}


@pytest.mark.parametrize("text", EXPANDED)
def test_a_statement_means(text):
    assert phrases(text) == EXPANDED[text]


@pytest.mark.parametrize("kind", LAYERS)
def test_every_class_reads_by_its_name_and_its_words(kind):
    assert all(layer_class(name) is kind for name in (kind.__name__, f"keras.layers.{kind.__name__}", *kind.words))
    if kind.example:
        assert isinstance(expanded(kind.example).layers[0][0], kind)


def test_no_two_classes_share_a_word():
    words = [word for kind in LAYERS for word in {*kind.words, kind.__name__.lower()}]
    assert len(words) == len(set(words)) == len(BY_WORD)


@pytest.mark.parametrize("word", ["pool", "lstm", "Conv1D", "", "keras", "conv2"])
def test_other_words_are_no_class(word):
    assert layer_class(word) is None


def test_a_pad_that_means_same_is_told():
    assert expanded("conv 8 3x3 pad=1").binding.notes == ("`pad=1` with a 3x3 kernel is Keras's `padding=same`",)
    with pytest.raises(PlanError, match="`pad=2` does not fit this kernel evenly"):
        expanded("conv 8 3x3 pad=2")


@pytest.mark.parametrize("line", ["conv 8 3x3 dilation_rate=2 pad=1", "deconv 8 3x3 /2 pad=1", "conv 8 3x5 pad=1"])
def test_a_margin_that_is_not_the_same_is_refused(line):
    with pytest.raises(PlanError, match="does not fit this kernel evenly"):
        expanded(line)


@pytest.mark.parametrize(
    "text, classes, units, activation",
    [
        ("output 10", None, 10, "softmax"),
        ("output", 7, 7, "softmax"),
        ("output 1", None, 1, "sigmoid"),
        ("output 3 sigmoid", None, 3, "sigmoid"),
        ("output units=4 activation=linear", None, 4, "linear"),
    ],
)
def test_output_is_a_dense_layer(text, classes, units, activation):
    dense, _ = expand_output(layer(text), classes)
    assert dense == Dense(units=units, activation=activation)


def test_output_needs_a_number_from_somewhere():
    with pytest.raises(PlanError, match="does not say how many classes"):
        expand_output(layer("output"), None)


def test_arguments_of_keras_alone_are_handed_on():
    (made, word), *_ = expanded("conv 8 3x3 kernel_initializer=he_normal").layers
    assert word == "conv" and made == Conv2D(
        filters=8, kernel_size=(3, 3), extra=(("kernel_initializer", "he_normal"),)
    )
    assert made.arguments() == {"filters": 8, "kernel_size": (3, 3), "kernel_initializer": "he_normal"}
    assert MaxPooling2D().arguments() == {"pool_size": (2, 2)}
