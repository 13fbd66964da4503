"""A plan's sums, its memory, its steps by name and its lines as places; all of it without Keras."""

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest

import cnnmagic
from cnnmagic import plan
from tests.lang.cells import ANYSIZE, LENET5

SMALL = """\
# a comment
input 8x8x1

  conv 2 3x3 bn relu  # here
flatten
output 3
"""


def test_sums_are_those_of_the_steps():
    planned = plan("input 8x8x1\nconv 2 3x3 bn relu\nflatten\noutput 3")
    assert planned.parameters == 2 * 9 + 4 * 2 + 72 * 3 + 3
    assert planned.trainable_parameters == planned.parameters - 4
    assert planned.flops == 2 * (36 * 18 + 72 * 3)


@pytest.mark.parametrize(
    "train, slots",
    [
        ("", 2),
        ("sgd", 0),
        ("sgd momentum=0.9", 1),
        ("sgd momentum=0", 0),
        ("rmsprop momentum=0.9", 2),
        ("muon momentum=0.9", 2),
        ("adam ema=0.99", 3),
    ],
)
def test_memory_is_weights_gradients_optimizer_and_activations(train, slots):
    planned = plan(f"data digits\ninput 8x8x1\nrescale 1/16\ndense 3\noutput 10\ntrain {train}")
    weights, outputs = planned.parameters, 64 + 64 + 64 + 3 + 10
    assert planned.memory(5) == 4 * (weights * (2 + slots) + outputs * 5)


def test_a_free_size_leaves_work_and_memory_open():
    planned = plan(ANYSIZE.replace("data images:photos\n", ""))
    assert planned.flops is None and planned.memory(32) is None and planned.parameters == 93_893
    assert planned.steps[0].elements is None and planned.steps[0].activation_bytes(3) is None


def test_a_step_is_found_by_its_name():
    planned = plan(LENET5)
    assert planned.step("output").output_shape == (10,)
    assert planned.step("line4_conv").activation_bytes(2) == 28 * 28 * 6 * 2 * 4
    with pytest.raises(KeyError):
        planned.step("nothing")


@pytest.mark.parametrize(
    "line, meant",
    [(1, ""), (2, "input 8x8x1"), (3, ""), (4, "conv 2 3x3 bn relu"), (6, "output 3"), (7, None), (0, None)],
)
def test_a_line_is_a_place(line, meant):
    place = plan(SMALL.replace("  conv", "conv")).place_of(line)
    assert (place and place.source[place.column - 1 : place.end_column - 1]) == meant


def test_a_plan_is_a_frozen_value_that_prints_itself():
    planned = plan(LENET5)
    assert planned == plan(LENET5) and str(planned).startswith("line  layer")
    with pytest.raises(FrozenInstanceError):
        planned.seed = 3  # type: ignore[misc]  # that is what is tested


def test_plan_stays_a_function_however_often_it_is_called():
    code = "import cnnmagic; [cnnmagic.plan('input 8x8x1\\noutput 3') for _ in range(2)]; import cnnmagic.plans"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""
    assert callable(cnnmagic.plan)
