"""A bare word's shape alone tells what it stands for, and a value prints as it is written."""

import pytest

from cnnmagic.lang.syntax import Choices, Name, Size, Stride, Text, Variable, read_value

WORDS = {
    "64": 64,
    "-3": -3,
    "+3": 3,
    "0.5": 0.5,
    ".5": 0.5,
    "5.": 5.0,
    "1e-3": 0.001,
    "-1.5E+2": -150.0,
    "1/255": 1 / 255,
    "1/0": Text("1/0"),
    "3x3": Size((3, 3)),
    "3X5": Size((3, 5)),
    "3×3": Size((3, 3)),
    "28x28x1": Size((28, 28, 1)),
    "?x?x3": Size((None, None, 3)),
    "anyx32xANY": Size((None, 32, None)),
    "?": Size((None,)),
    "any": Size((None,)),
    "/2": Stride((2,)),
    "/2x1": Stride((2, 1)),
    "relu": Name("relu"),
    "ReLU": Name("ReLU"),
    "x": Name("x"),
    "3x": Name("3x"),
    "x3": Name("x3"),
    "합성곱": Name("합성곱"),
    "50%": 0.5,
    "2.5%": 0.025,
    "5%%": Name("5%%"),
    "4096-d": 4096,
    "inf": Name("inf"),
    "nan": Name("nan"),
    "mnist.npz": Text("mnist.npz"),
    "images:photos": Text("images:photos"),
    "~/data": Text("~/data"),
    "C:\\data": Text("C:\\data"),
    "/data/x": Text("/data/x"),
    "1234567890x1": Name("1234567890x1"),
    "٣": 3,
}


@pytest.mark.parametrize("text", WORDS)
def test_a_word_means(text):
    assert read_value(text) == WORDS[text]
    assert type(read_value(text)) is type(WORDS[text])


@pytest.mark.parametrize(
    "value, text",
    [
        (Size((None, None, 3)), "?x?x3"),
        (Stride((2, 1)), "/2x1"),
        (Variable("x[0]"), "{{x[0]}}"),
        (Choices((16, Name("a"))), "{16, a}"),
        (Choices((0.1, 1), span=True, log=True), "{0.1 .. 1 log}"),
        (Choices((1, 2), span=True), "{1 .. 2}"),
    ],
)
def test_a_value_prints_as_it_is_written(value, text):
    assert str(value) == text


def test_names_are_compared_in_lower_case():
    assert Name("ReLU").lower == "relu"
