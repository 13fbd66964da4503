"""What is told of Keras's further layers without Keras is what Keras tells."""

import subprocess
import sys

import pytest

from cnnmagic import CnnError, plan
from cnnmagic.engine.build import measure
from cnnmagic.layers import KerasLayer, Shape
from cnnmagic.layers.foreseen import ARGUMENTS, foreseen

# (layer, its words, named words, what goes in)
TOLD: list[tuple[str, tuple[object, ...], dict[str, object], Shape]] = [
    ("Resizing", (5, 7), {}, (8, 9, 3)),
    ("Resizing", (), {"width": 7, "height": 5}, (None, None, 3)),
    ("CenterCrop", (4, 20), {}, (8, 9, 3)),
    ("RandomCrop", (4,), {"width": 5}, (8, 9, 3)),
    ("AdaptiveAveragePooling2D", (4,), {}, (8, 9, 3)),
    ("AdaptiveMaxPooling2D", ((2, 3),), {}, (8, 9, 3)),
    ("Permute", ((2, 1, 3),), {}, (8, 9, 3)),
    ("Permute", ((2, 1),), {}, (8, 9)),
    ("RepeatVector", (4,), {}, (6,)),
    ("PReLU", (), {}, (8, 9, 3)),
    ("RMSNormalization", (), {}, (8, 9, 3)),
    ("Normalization", (), {}, (8, 9, 3)),
    ("Conv1D", (5, 3), {}, (9, 4)),
    ("Conv1D", (5, 3, 2), {"padding": "same"}, (9, 4)),
    ("MaxPooling1D", (2,), {}, (9, 4)),
    ("AveragePooling1D", (3,), {"strides": 2, "padding": "same"}, (9, 4)),
    ("GlobalAveragePooling1D", (), {}, (9, 4)),
    ("GlobalMaxPooling1D", (), {}, (9, 4)),
    ("SimpleRNN", (5,), {}, (9, 4)),
    ("LSTM", (5,), {"return_sequences": True}, (9, 4)),
    ("GRU", (5,), {}, (9, 4)),
    ("GRU", (), {"units": 3, "return_sequences": True}, (9, 4)),
]


def layer_of(name: str, positional: tuple[object, ...], extra: dict[str, object]) -> KerasLayer:
    return KerasLayer(class_name=name, positional=positional, extra=tuple(extra.items()))


@pytest.mark.parametrize("name, positional, extra, shape", TOLD)
def test_keras_says_the_same(name: str, positional: tuple[object, ...], extra: dict[str, object], shape: Shape) -> None:
    layer = layer_of(name, positional, extra)
    assert foreseen(layer, shape) == measure(layer, shape)


def test_every_layer_is_held_against_keras() -> None:
    assert {name for name, *_ in TOLD} == set(ARGUMENTS)


@pytest.mark.parametrize(
    "name, positional, extra, shape",
    [
        ("EinsumDense", ("ab,bc->ac",), {}, (8, 9)),
        ("Resizing", (5, 7), {"interpolation": "cubic"}, (8, 9, 3)),
        ("Resizing", (5,), {}, (8, 9, 3)),
        ("Resizing", (5, 0), {}, (8, 9, 3)),
        ("Resizing", (5, 7), {"height": 4}, (8, 9, 3)),
        ("PReLU", (), {"shared_axes": (1, 2)}, (8, 9, 3)),
        ("PReLU", (), {}, (None, None, 3)),
        ("Permute", ((2, 2, 1),), {}, (8, 9, 3)),
        ("Conv1D", (5, 30), {}, (9, 4)),
        ("GRU", (5, "tanh"), {}, (9, 4)),
        ("GRU", (5,), {"use_bias": False}, (9, 4)),
    ],
)
def test_the_rest_is_asked_of_keras(
    name: str, positional: tuple[object, ...], extra: dict[str, object], shape: Shape
) -> None:
    assert foreseen(layer_of(name, positional, extra), shape) is None


def test_another_number_of_dimensions_is_told() -> None:
    with pytest.raises(CnnError, match="needs a list of steps, each of as many numbers, and gets 8x8x3"):
        plan("input 8x8x3\nGRU 4\noutput 2")


def test_a_plan_with_them_imports_no_keras() -> None:
    text = "input 8x8x3\\nResizing 6 6\\nreshape 36x3\\nGRU 4\\noutput 2"
    code = f"import sys, cnnmagic; cnnmagic.plan('{text}'); print('keras' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
