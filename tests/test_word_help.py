"""Help for every word, held in golden files; its formulas computed and held against the layers and against Keras."""

import math
from dataclasses import MISSING, fields
from typing import Any

import pytest

from cnnmagic import plan
from cnnmagic.datasets import NAMED
from cnnmagic.errors import CnnError
from cnnmagic.formulas import FORMULAS, RULES, WHOLE
from cnnmagic.lang.directives import AUGMENTATIONS, FLIPS
from cnnmagic.lang.parser import KEYWORDS
from cnnmagic.lang.values import WORDS
from cnnmagic.layers import (
    ACTIVATIONS,
    KERAS_LAYERS,
    LAYERS,
    MERGES,
    SYNONYMS,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    GroupNormalization,
    LayerNormalization,
    MaxPooling2D,
    Reshape,
    SeparableConv2D,
    UpSampling2D,
    ZeroPadding2D,
)
from cnnmagic.topics import AUGMENTATIONS_HELP, FLAGS_HELP, OTHER_VALUES, TOPICS
from cnnmagic.vocabulary import HEADS, takes, values_of
from cnnmagic.word_help import explain_word
from cnnmagic.zoo import zoo_names

SHAPE = (14, 17, 16)
MATH = {name: getattr(math, name) for name in ("ceil", "exp", "erf", "log", "sqrt", "tanh")}
EXAMPLES = [
    Conv2D(filters=12, kernel_size=(3, 5), strides=(2, 2), groups=4),
    Conv2D(filters=12, kernel_size=(3, 5), strides=(2, 2), padding="same"),
    SeparableConv2D(filters=12, kernel_size=(3, 5), depth_multiplier=2),
    DepthwiseConv2D(kernel_size=(3, 5), depth_multiplier=2, padding="same"),
    Conv2DTranspose(filters=12, kernel_size=(3, 5), strides=(2, 2)),
    Conv2DTranspose(filters=12, kernel_size=(3, 5), strides=(2, 2), padding="same"),
    MaxPooling2D(pool_size=(3, 3), strides=(2, 2)),
    AveragePooling2D(pool_size=(3, 3), strides=(2, 2), padding="same"),
    BatchNormalization(),
    GroupNormalization(groups=4),
    LayerNormalization(),
    UpSampling2D(size=(3, 3)),
    ZeroPadding2D(padding=((1, 2), (1, 2))),
    Cropping2D(cropping=((1, 2), (1, 2))),
]
LISTS = [GlobalAveragePooling2D(), GlobalMaxPooling2D(), Flatten()]


def options_of(word):
    known = takes(word)
    assert known
    return known.options


def compute(formula, **names):
    return eval(formula.replace("×", "*"), {**MATH, **names})


def names_of(layer):
    """The names that formulas use, for height."""
    options = {field.name: getattr(layer, field.name) for field in fields(layer)}
    kernel = options.get("kernel_size") or options.get("pool_size") or (1, 1)
    stride = (options.get("strides") or (1, 1))[0]
    margins = layer.padding if isinstance(layer, ZeroPadding2D) else options.get("cropping", ((0, 0), (0, 0)))
    top, bottom = margins[0]
    size = (options.get("size") or (1, 1))[0]
    more = {"kernel": kernel[0], "kernel_height": kernel[0], "kernel_width": kernel[1], "stride": stride}
    sizes = {"height": SHAPE[0], "width": SHAPE[1], "channels": SHAPE[2]}
    return options | more | sizes | {"top": top, "bottom": bottom, "size": size}


@pytest.mark.parametrize("layer", EXAMPLES, ids=lambda layer: layer.kind)
def test_the_rule_is_what_the_layer_does(layer):
    rule, names = RULES[type(layer)], names_of(layer)
    height = rule.same if names.get("padding") == "same" else rule.height
    shape = layer.output_shape(SHAPE)
    assert (compute(height, **names), compute(rule.channels, **names)) == (shape[0], shape[2])
    assert compute(rule.parameters or "0", **names) == layer.parameters(SHAPE)


@pytest.mark.parametrize("layer", LISTS, ids=lambda layer: layer.kind)
def test_the_rule_of_what_makes_a_list(layer):
    assert (compute(RULES[type(layer)].units, **names_of(layer)),) == layer.output_shape(SHAPE)


def test_the_rule_of_dense():
    rule = RULES[Dense]
    assert compute(rule.parameters, inputs=20, units=7) == Dense(units=7).parameters((20,))


def test_layers_without_a_rule_change_no_shape_and_have_no_weights():
    assert {type(layer) for layer in (*EXAMPLES, *LISTS)} == {*RULES} - {Dense, Reshape}
    for kind in {*LAYERS} - {*RULES}:
        needed = {name: option for name, option in options_of(kind.__name__).items() if option.default is MISSING}
        values: dict[str, Any] = {name: "relu" if name == "activation" else 0.1 for name in needed}
        layer = kind(**values)
        assert (layer.output_shape(SHAPE), layer.parameters(SHAPE)) == (SHAPE, 0)


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_is_what_keras_computes(name):
    import keras
    import numpy as np

    points = [-4.0, -1.5, -0.7, -0.3, 0.0, 0.4, 0.9, 2.5, 7.0]
    computed = keras.ops.convert_to_numpy(keras.activations.get(name)(np.array(points, "float32")))
    assert computed == pytest.approx([compute(FORMULAS[name], x=x) for x in points], abs=1e-4)


def test_every_activation_has_its_formula():
    assert {*FORMULAS, *WHOLE} == {*ACTIVATIONS}


def test_every_keyword_has_a_topic():
    assert {*KEYWORDS, *HEADS} == {*TOPICS}


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_layer(kind, golden):
    text = explain_word(kind.__name__)
    golden(f"help/words/{(kind.words or (kind.__name__,))[0]}.txt", text)
    assert all(explain_word(word).startswith(text) for word in kind.words)  # some words mean more beside


@pytest.mark.parametrize("word", TOPICS)
def test_topic(word, golden):
    golden(f"help/words/{word}.txt", explain_word(word))


@pytest.mark.parametrize(
    "word",
    [
        *("relu", "leaky", "softmax", "average", "strides", "lr", "adam", "GaussianNoise"),
        *("flip", "mixup", "digits", "lenet5", "stretch", "cosine", "freeze"),
    ],
)
def test_further_words(word, golden):
    golden(f"help/words/{word}.txt", explain_word(word))


def test_every_word_has_help():
    options = [name for head in (*HEADS, *(kind.__name__ for kind in LAYERS)) for name in options_of(head)]
    values = [*OTHER_VALUES, *AUGMENTATIONS, *FLIPS, *NAMED, *zoo_names(), *FLAGS_HELP]
    values += [word for words in WORDS.values() for word in words]
    values += [word for head in HEADS for option in options_of(head).values() for word in values_of(option)]
    merges = [name for kind in MERGES for name in (*kind.words, kind.verb, kind.__name__)]
    for word in (*ACTIVATIONS, *SYNONYMS, *KERAS_LAYERS, *options, *values, *merges, "keras.layers.Conv2D", "CONV"):
        assert explain_word(word)


def test_augmentations_and_their_examples_are_those_of_the_language():
    assert list(AUGMENTATIONS_HELP) == list(AUGMENTATIONS)
    for says, written in AUGMENTATIONS_HELP.values():
        assert says.endswith(".")
        for line in written.split(" | "):
            assert plan(f"data cifar10\n{line}\nflatten\noutput").steps


@pytest.mark.parametrize("word", OTHER_VALUES)
def test_what_is_written_for_a_value_holds_it(word):
    line = OTHER_VALUES[word].format(word)
    assert word in line
    assert line in explain_word(word)


def test_a_word_of_two_meanings_has_both():
    told = explain_word("crop")
    assert "Keras's Cropping2D" in told
    assert "crop · a word of `augment`" in told
    assert "resize 224x224 crop" in told


def test_an_unknown_word_is_told_its_neighbour():
    with pytest.raises(CnnError, match=r"no word `convv` in the language; did you mean `conv`\?"):
        explain_word("convv")
    with pytest.raises(CnnError) as caught:
        explain_word("zzzz")
    assert "`maxpool`" in caught.value.problems[0].remedy
