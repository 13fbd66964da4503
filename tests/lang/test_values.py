"""Each kind of option reads the words that fit it, and refuses others in one sentence."""

from typing import Any

import pytest

from cnnmagic import PlanError
from cnnmagic.lang.parser import parse
from cnnmagic.lang.syntax import Text
from cnnmagic.lang.values import fits, plain, read


def value(text: str):
    (word,) = parse(f"conv x={text}").statements[0].words
    return word.value


READ: dict[str, dict[str, Any]] = {
    "count": {"1": 1, "64": 64},
    "batch": {"1": 1, "64": 64, "auto": 0},
    "pair": {"3": (3, 3), "3x5": (3, 5), "(2, 4)": (2, 4)},
    "strides": {"2": (2, 2), "/2": (2, 2), "/2x1": (2, 1), "2x1": (2, 1)},
    "padding": {"same": "same", "VALID": "valid", '"same"': "same"},
    "activation": {"relu": "relu", "Leaky": "leaky_relu", "none": "linear", "'tanh'": "tanh"},
    "fraction": {"0": 0.0, "0.25": 0.25, "1/4": 0.25},
    "number": {"-3": -3.0, "1/255": 1 / 255},
    "positive": {"1e-3": 1e-3, "2": 2.0},
    "flag": {"yes": True, "True": True, "on": True, "1": True, "no": False, "FALSE": False, "off": False, "0": False},
    "shape": {"784": (784,), "7x7x64": (7, 7, 64)},
    "margins": {"1": ((1, 1), (1, 1)), "1x2": ((1, 1), (2, 2)), "0x1x2x3": ((0, 1), (2, 3))},
    "numbers": {"0x255": (0, 255)},
    "channels": {"2": 2.0, "(0.5, -1)": (0.5, -1.0), "(1, 2, 3)": (1.0, 2.0, 3.0)},
    "name": {"reflect": "reflect", '"up there"': "up there"},
    "optimizer": {"SGD": "sgd", "adamw": "adamw"},
    "schedule": {"Cosine": "cosine"},
    "precision": {"bfloat16": "bfloat16"},
}
REFUSED = {
    "count": ["0", "-1", "1.5", "many", "3x3", "2000000000"],
    "batch": ["0", "-1", "1.5", "many", "3x3", "2000000000"],
    "pair": ["0", "3x3x3", "?x3", "0x3", "1.5", "big"],
    "strides": ["0", "/0", "-2"],
    "padding": ["some", "3"],
    "activation": ["rleu", "3"],
    "fraction": ["1", "1.5", "-0.1", "half"],
    "number": ["big", "3x3", "1e999"],
    "positive": ["0", "-1", "1e999"],
    "flag": ["perhaps", "2"],
    "shape": ["0x3", "?x3", "-1"],
    "margins": ["-1", "1x2x3"],
    "numbers": ["1", "1x2x3"],
    "channels": ["many", "?x2", "(1e999, 2)"],
    "name": ["3"],
    "optimizer": ["adma", "3"],
}


@pytest.mark.parametrize("kind, text", [(kind, text) for kind, texts in READ.items() for text in texts])
def test_a_kind_reads(kind, text):
    assert read(kind, value(text)) == READ[kind][text]


@pytest.mark.parametrize("kind, text", [(kind, text) for kind, texts in REFUSED.items() for text in texts])
def test_a_kind_refuses(kind, text):
    with pytest.raises(PlanError) as caught:
        read(kind, value(text))
    assert str(caught.value).splitlines()[0].endswith((".", "?"))


FITS = {
    "64": {"count", "pair", "strides", "margins", "shape", "fraction", "number", "positive", "channels"},
    "0.5": {"fraction", "number", "positive", "channels"},
    "3x3": {"pair", "strides", "margins", "shape"},
    "3x3x3": {"shape"},
    "/2": {"strides"},
    "same": {"padding", "name"},
    "relu": {"activation", "name"},
    "adam": {"optimizer", "name"},
    "{16, 32}": {"count", "pair", "strides", "margins", "shape", "fraction", "number", "positive", "channels"},
    "{16, relu}": set(),
    "{{x}}": set(),
}


@pytest.mark.parametrize("text", FITS)
def test_a_bare_word_fits_the_kinds_of_its_shape(text):
    kinds = {*READ, "padding", "activation"}
    assert {kind for kind in kinds if fits(kind, value(text))} == FITS[text]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("3x3", (3, 3)),
        ("/2", (2,)),
        ("none", None),
        ("yes", True),
        ("he_normal", "he_normal"),
        ("0.1", 0.1),
        ("(0.5, 1)", (0.5, 1)),
    ],
)
def test_a_value_for_an_argument_of_keras_alone(text, expected):
    assert plain(value(text)) == expected
    assert plain(Text("L2")) == "L2"


@pytest.mark.parametrize(
    "kind, wrong, meant",
    [
        ("optimizer", "adma", "adam"),
        ("optimizer", "agd", "sgd"),
        ("activation", "rleu", "relu"),
        ("activation", "than", "tanh"),
        ("activation", "sotfmax", "softmax"),
        ("padding", "smae", "same"),
        ("schedule", "cosinus", "cosine"),
    ],
)
def test_a_slip_of_the_keys_is_answered_with_what_was_meant(kind, wrong, meant):
    with pytest.raises(PlanError, match=f"did you mean `{meant}`"):
        read(kind, value(wrong))
