"""Data, input, output and training agree in a plan, or the disagreement is told; the six cells come to their counts."""

from math import prod

import numpy as np
import pytest

from cnnmagic import CnnError, PlanError, plan
from cnnmagic.layers import RandomFlip, Rescaling
from cnnmagic.pipeline import make_plan, retrained
from cnnmagic.plans import Output
from tests.lang.cells import CELLS, INCEPTION3A, PARAMETERS, TUNED
from tests.lang.problems import lines


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_cells_come_to_their_counts(name):
    assert plan(CELLS[name]).parameters == PARAMETERS[name]


def test_the_block_of_inception_comes_to_its_count():
    assert sum(step.parameters for step in plan(INCEPTION3A).steps if step.line <= 14) == 163_696


def test_the_sweep_has_72_combinations():
    planned = plan(TUNED)
    assert prod(len(choice.values) for choice in planned.choices) == 72
    assert [(choice.line, choice.argument) for choice in planned.choices] == [
        (4, "filters"),
        (4, "kernel_size"),
        (9, "rate"),
        (11, "batch_size"),
        (11, "learning_rate"),
    ]


SOFTMAX, SIGMOID = "sparse_categorical_crossentropy", "binary_crossentropy"
OUTPUTS = {
    "output 10": Output(10, "softmax", SOFTMAX),
    "output 1": Output(1, "sigmoid", SIGMOID),
    "output 10 linear": Output(10, "linear", SOFTMAX),
    "output 10 sigmoid": Output(10, "sigmoid", SIGMOID),
    "dense 10 sigmoid": Output(10, "sigmoid", SIGMOID),
    "dense 10 softmax": Output(10, "softmax", SOFTMAX),
    "dense 1 sigmoid": Output(1, "sigmoid", SIGMOID),
    "dense 10": None,
    "relu": None,
}


@pytest.mark.parametrize("text", OUTPUTS)
def test_the_output_picks_its_loss(text):
    assert plan(f"input 8x8x1\n{text}").output == OUTPUTS[text]


LEAVE = "leave out one of the two lines"
TWICE = {
    "dense 10 softmax\noutput": f"line 4 ends in softmax already, and line 5 adds a layer with softmax, {LEAVE}",
    "dense 10 softmax\noutput 10": LEAVE,
    "dense 10 softmax\ndense 10 softmax": LEAVE,
    "dense 10 softmax\ndropout 0.2\noutput": LEAVE,
    "dense 10 sigmoid\noutput": LEAVE,
    "dense 10\nsoftmax\noutput": "leave softmax out of line 5, or write `relu` there",
    "dense 10\nSoftmax\noutput": "leave softmax out of line 5, or write `relu` there",
    "dense 64 softmax\noutput": "leave softmax out of line 4, or write `relu` there",
    "dense 1 sigmoid\noutput": "leave sigmoid out of line 4, or write `relu` there",
    "dense 84 sigmoid\noutput": "",
    "dense 64 relu\noutput": "",
    "dense 10 softmax": "",
    "output": "",
}


@pytest.mark.parametrize("text", TWICE)
def test_softmax_of_softmax_is_told(text):
    told = [note for note in plan(f"data digits\nconv 4 3x3\nflatten\n{text}\ntrain 1").notes if "learns badly" in note]
    parts = [part.strip() for part in TWICE[text].split(", ")] if TWICE[text] else []
    assert len(told) == bool(parts) and all(part in told[0] for part in parts)


def test_the_data_fill_what_the_cell_leaves_out():
    planned = plan("data cifar100\noutput\ntrain")
    assert planned.input_shape == (32, 32, 3) and planned.output and planned.output.units == 100
    assert isinstance(planned.steps[0].layer, Rescaling) and planned.steps[0].name == "rescale"
    assert planned.facts and planned.facts.examples == 50_000 and str(planned.source) == "cifar100"


@pytest.mark.parametrize(
    "data, scale",
    [("digits", 1 / 16), ("mnist", 1 / 255), ("{{bytes}} {{labels}}", 1 / 255), ("{{floats}} {{labels}}", None)],
)
def test_pixels_are_brought_to_one_where_they_are_whole_numbers(data, scale):
    images = np.zeros((10, 8, 8, 1), np.uint8)
    variables = {"bytes": images, "floats": images.astype("float32"), "labels": np.arange(10)}
    first = plan(f"data {data}\nconv 2 3x3\noutput", **variables).steps[0].layer
    assert (first.scale if isinstance(first, Rescaling) else None) == scale


def test_scaling_of_ones_own_stands_alone():
    layers = [step.layer for step in plan("data digits\nrescale 1/8\noutput").steps]
    assert [layer.scale for layer in layers if isinstance(layer, Rescaling)] == [1 / 8]


def test_augmentation_comes_before_the_layers():
    steps = plan("data digits\nconv 2 3x3\noutput\naugment flip").steps
    assert isinstance(steps[1].layer, RandomFlip) and steps[1].line == 4


@pytest.mark.parametrize(
    "text, shape",
    [
        ("data digits\noutput", (8, 8, 1)),
        ("data digits\ninput ?x?x1\ngap\noutput", (None, None, 1)),
        ("data digits\ninput 8x8\noutput", (8, 8, 1)),
        ("data digits\nresize 12x14\noutput", (12, 14, 1)),
        ("data digits\nresize 12x14\ninput 12x14x1\noutput", (12, 14, 1)),
        ("input ?x20x3\noutput 3", None),
    ],
)
def test_the_input_is_that_of_the_data_or_of_the_line(text, shape):
    if shape is None:
        with pytest.raises(PlanError, match="needs a fixed size"):
            plan(text)
    else:
        assert plan(text).input_shape == shape


@pytest.mark.parametrize(
    "text, told",
    [
        ("data mnist\ninput 32x32x3\noutput 10", "the data have 28x28x1 and `input` says 32x32x3"),
        ("data mnist\noutput 5", r"the data have 10 classes \(0 … 9\) and `output` has 5"),
        ("data mnist\nrelu\ntrain", "there is no `output`"),
        ("input 8x8x1\noutput 3\ntrain", "there are no data to train on"),
        ("relu\noutput 3", "the size of the images is not known"),
        ("", "this cell is empty"),
        ("data mnist", "this cell has no layers"),
        ("data nowhere.npz\noutput 3", "there is no file `nowhere.npz`"),
    ],
)
def test_what_does_not_agree_is_told(text, told):
    with pytest.raises(CnnError, match=told):
        plan(text)


@pytest.mark.parametrize("data", ["nowhere.npz", "images:nowhere"])
def test_a_plan_needs_no_data_where_the_text_says_enough(data):
    planned = plan(f"data {data}\ninput 8x8x1\noutput 3")
    assert planned.facts is None and any("not there yet" in note for note in planned.notes)
    with pytest.raises(CnnError):
        plan(f"data {data}\ninput 8x8x1\noutput 3\ntrain")


def test_all_mistakes_are_told_at_once_and_in_order():
    text = "data mnist\nseed x\nconv 8 3x3 rleu\nmaxpol 2\ndense drop=1\noutput 5\ntrain epohcs=3"
    with pytest.raises(PlanError) as caught:
        plan(text)
    assert lines(caught.value) == [2, 3, 4, 5, 6, 7]


def test_lines_count_from_the_cell():
    planned = make_plan("input 8x8x1\nconv 2 3x3", {}, first_line=2)
    assert planned.steps[0].line == 3 and planned.steps[0].name == "line3_conv"


FLOATS = np.linspace(0, 255, 20 * 64).reshape(20, 8, 8, 1)
RESCALED = "before the layers brings them to 0 … 1"


@pytest.mark.parametrize(
    "images, layers, told",
    [
        (
            FLOATS,
            "flatten",
            f"the images are fractions up to 255, taken as they are: a line `rescale 1/255` {RESCALED}",
        ),
        (FLOATS.astype("float32") / 16, "flatten", f"`rescale 1/16` {RESCALED}"),
        (FLOATS * 2, "flatten", f"`rescale 1/510` {RESCALED}"),
        (FLOATS, "rescale 1/255\nflatten", ""),
        (FLOATS / 255, "flatten", ""),
        (FLOATS - 127, "flatten", ""),
        (FLOATS.astype("uint8"), "flatten", ""),
        (FLOATS + np.inf, "flatten", ""),
    ],
)
def test_fractions_beyond_1_are_noted(images, layers, told):
    planned = plan(f"data {{{{images}}}} {{{{labels}}}}\n{layers}\noutput", images=images, labels=np.arange(20) % 2)
    noted = [note for note in planned.notes if "fractions" in note]
    assert len(noted) == bool(told)
    assert told in "".join(noted)


def test_images_of_one_class_are_noted_where_nothing_is_trained():
    planned = plan("data {{images}} {{labels}}\nflatten\noutput", images=FLOATS, labels=["cat"] * 20)
    assert "all images are of one class, `cat`: there is nothing to tell apart" in planned.notes
    assert "in 1 class, 20% of them" in str(planned)


def test_a_part_that_leaves_nothing_is_refused_for_a_plan_trained_later():
    planned = plan("data digits\nflatten\noutput")
    assert retrained(planned, "validation=0.5").training_images == 719
    with pytest.raises(PlanError, match="leaves no image to train on"):
        retrained(planned, "validation=0.9999")
