"""Blocks, repeats, residuals, branches, labels: which Keras layers they come to, from which line, in which order."""

import time

import pytest

from cnnmagic import CnnError, PlanError, plan
from cnnmagic.layers.phrase import phrase
from tests.lang.problems import lines


def layers(text: str, head: str = "input 8x8x4\n") -> list[str]:
    """Each step as `LINE phrase`."""
    return [f"{step.line} {phrase(step.layer)}" for step in plan(head + text).steps]


WALKED = {
    "repeat 2:\n    conv 4 3x3\nrelu": ["3 conv 4 3x3", "3 conv 4 3x3", "4 relu"],
    "block b(f, k=1x1):\n    conv f k\nb 4\nb 5 3x3\nb 6 k=2x2": ["3 conv 4 1x1", "3 conv 5 3x3", "3 conv 6 2x2"],
    "block a(f):\n    conv f 1x1\nblock b(f):\n    a f\n    repeat f:\n        relu\nb 2": [
        "3 conv 2 1x1",
        "7 relu",
        "7 relu",
    ],
    "block b(act, how):\n    conv 4 1x1 act padding=how\nb act=tanh how=same": ["3 conv 4 1x1 same tanh"],
    "block b(filters):\n    conv filters=filters 1x1\nb 3": ["3 conv 3 1x1"],
    "block B(F):\n    conv f 1x1\nb 3": ["3 conv 3 1x1"],
    "block b:\n    relu\nb": ["3 relu"],
    "block b():\n    relu\nb()": ["3 relu"],
    "residual:\n    conv 4 3x3 same": ["3 conv 4 3x3 same", "2 add"],
    "residual tanh:\n    conv 4 3x3 same": ["3 conv 4 3x3 same", "2 add", "2 tanh"],
    "residual:\n    conv 6 3x3 /2 same": [
        "3 conv 6 3x3 /2 same",
        "2 conv 6 1x1 /2 use_bias=no",
        "2 bn",
        "2 add",
    ],
    "residual:\n    conv 6 1x1\n    maxpool 2": [
        "3 conv 6 1x1",
        "4 maxpool 2",
        "2 conv 6 1x1 /2 use_bias=no",
        "2 bn",
        "2 add",
    ],
    "branches -> concat:\n    branch:\n        relu\n    branch": ["4 relu", "2 concat"],
    "branches -> max:\n    branch a:\n        relu\n    branch b:\n        tanh": ["4 relu", "6 tanh", "2 max"],
    "a <- relu\ntanh\nadd a": ["2 relu", "3 tanh", "4 add"],
    "a <- relu\nfrom input\nb <- tanh\nconcat a": ["2 relu", "4 tanh", "5 concat"],
    "a <- conv 4 1x1 bn relu\nadd a": ["2 conv 4 1x1 use_bias=no", "2 bn", "2 relu", "3 add"],
    "se 2": ["2 globalavgpool keepdims=yes", "2 dense 2 relu", "2 dense 4 sigmoid", "2 multiply"],
    "dense 3": ["2 flatten", "2 dense 3"],
    "reshape 16x16\noutput 3": ["2 reshape 16x16", "3 flatten", "3 dense 3 softmax"],
    "Leaky\nReLU\nnone": ["2 leaky_relu", "3 ReLU", "4 linear"],
    "7x7 conv, 4, /2, same": ["2 conv 4 7x7 /2 same"],
    "2x2 maxpool": ["2 maxpool 2"],
}


@pytest.mark.parametrize("text", WALKED)
def test_a_text_comes_to(text):
    assert layers(text) == WALKED[text]


def test_names_lead_back_to_lines_and_are_given_once():
    text = "input 8x8x4\na <- conv 4 3x3 same bn relu\nrepeat 2:\n    conv 4 3x3 same\nadd a\noutput 3"
    assert [step.name for step in plan(text).steps] == [
        "line2_conv",
        "line2_bn",
        "a",
        "line4_conv",
        "line4_conv_2",
        "line5_add",
        "line6_flatten",
        "output",
    ]


@pytest.mark.parametrize("label", ["input", "output", "rescale", "8a", "a-b"])
def test_names_that_a_label_may_not_take(label):
    with pytest.raises(PlanError, match=f"`{label}` can't be a label"):
        plan(f"input 8x8x4\n{label} <- relu\noutput 3")


def test_a_step_knows_the_steps_it_reads():
    planned = plan("input 8x8x4\nresidual:\n    conv 4 3x3 same\noutput 3")
    assert {step.name: step.inputs for step in planned.steps} == {
        "line3_conv": ("input",),
        "line2_add": ("line3_conv", "input"),
        "line4_flatten": ("line2_add",),
        "output": ("line4_flatten",),
    }


def test_a_projection_is_told():
    (note,) = [n for n in plan("input 8x8x4\nresidual:\n    conv 6 3x3 /2 same").notes if "1x1" in n]
    assert note.startswith("line 2: ") and "8x8x4 and 4x4x6" in note and "/2 with bn" in note


@pytest.mark.parametrize(
    "text, told",
    [
        ("block b(f):\n    relu\nb", "`b` lacks `f`"),
        ("block b(f):\n    relu\nb 1 2", "`2`"),
        ("block b(f):\n    relu\nb g=1", "`g`"),
        ("block b(f):\n    relu\nb 1 f=2", "`f`"),
        ("block b(f):\n    b f\nb 1", "does `b` call itself?"),
        ("block a(f):\n    b f\nblock b(f):\n    a f\nb 1", "call itself?"),
        ("block (f):\n    relu", "a block needs a name"),
        ("b 1\nblock b(f):\n    relu", "line 3"),
        ("add", "`add` needs"),
        ("concat", "`concat` needs"),
        ("relu\noutput 3\nrelu", "`output` must be the last layer"),
    ],
)
def test_what_is_refused(text, told):
    with pytest.raises(CnnError) as caught:
        layers(text)
    assert told in str(caught.value)


def test_a_mistake_in_a_block_is_told_once():
    with pytest.raises(PlanError) as caught:
        plan("input 8x8x4\nblock b(f):\n    conv f 3x3 rleu\nb 1\nb 2\noutput 3")
    assert lines(caught.value) == [3]


def test_a_block_that_nothing_calls_is_noted():
    assert "block `b` is never used" in plan("input 8x8x4\nblock b(f):\n    conv f 3x3 rleu\noutput 3").notes


def test_four_times_the_layers_take_no_more_than_some_four_times_as_long():
    """By the processor's time: with work for each pair of layers it would be sixteen times."""

    def seconds(layers: int) -> float:
        start = time.process_time()
        plan("input 32x32x3\n" + "conv 8 3x3 same relu\n" * layers + "output 3")
        return time.process_time() - start

    seconds(1)
    assert min(seconds(1000) for _ in range(3)) < 9 * min(seconds(250) for _ in range(3))
