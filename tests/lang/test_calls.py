"""Initializers, regularizers and constraints with numbers of their own: how they are read, and what is refused."""

import inspect

import pytest

from cnnmagic import CnnError, build, plan, to_python
from cnnmagic.engine.backend import load_keras
from cnnmagic.lang.canonical import canonical
from cnnmagic.layers.phrase import phrase
from cnnmagic.layers.weight_rules import RULES, WeightRule, word_of

READ = {
    "kernel_regularizer=l2(0.0001)": "kernel_regularizer=l2(0.0001)",
    "kernel_regularizer=L2(l2=1e-4)": "kernel_regularizer=l2(0.0001)",
    "kernel_regularizer=keras.regularizers.L1L2(1e-5, 1e-4)": "kernel_regularizer=l1_l2(1e-5, l2=0.0001)",
    "kernel_regularizer=l1_l2(l2=1/8)": "kernel_regularizer=l1_l2(l2=0.125)",
    "kernel_regularizer=l2({{rate}})": "kernel_regularizer=l2(0.3)",
    "kernel_initializer=he_normal(seed=1)": "kernel_initializer=he_normal(seed=1)",
    "kernel_initializer=HeNormal()": "kernel_initializer=he_normal()",
    "kernel_initializer=variance_scaling(2, fan_out, 'uniform')": "kernel_initializer=variance_scaling(2, "
    "mode=fan_out, distribution=uniform)",
    "bias_initializer=constant(-1)": "bias_initializer=constant(-1)",
    "kernel_constraint=max_norm(3, axis=(0, 1, 2))": "kernel_constraint=max_norm(3, axis=0x1x2)",
    "kernel_constraint=max_norm(3, 0x1)": "kernel_constraint=max_norm(3, axis=0x1)",
    "kernel_regularizer=l2": "kernel_regularizer=l2",
}
WRONG = {
    "kernel_regularizer=l3(0.1)": "no regularizer `l3`.*There are `l1`",
    "kernel_regularizer=he_normal(1)": "no regularizer `he_normal`",
    "kernel_initializer=he_nromal(seed=1)": "did you mean `he_normal`",
    "kernel_regularizer=l2(l1=1)": "`l1` is no argument of `l2`.*It takes `l2`",
    "kernel_regularizer=l2(1, 2)": "`2` is no argument of `l2`",
    "kernel_regularizer=l2(1, l2=2)": "`l2` is no argument of `l2`, or one too many",
    "kernel_regularizer=l2(big)": "`l2` in `l2\\(big\\)` is not a number",
    "kernel_regularizer=l2({1, 2})": "is not a number",
    "kernel_initializer=variance_scaling(mode=3)": "`mode` in .* is not a word",
    "kernel_constraint=non_neg(1)": "It takes none",
    "dilation_rate=l2(3)": "is not a size",
    "kernel_regularizer=l2(": "never closed",
}


@pytest.mark.parametrize("written", READ)
def test_a_call_is_read(written: str) -> None:
    planned = plan(f"input 8x8x3\nconv 4 3x3 {written}", rate=0.3)
    assert phrase(planned.steps[0].layer) == f"conv 4 3x3 {READ[written]}"
    again = plan(f"input 8x8x3\n{phrase(planned.steps[0].layer)}")
    assert again.steps[0].layer == planned.steps[0].layer


@pytest.mark.parametrize("written", WRONG)
def test_a_wrong_call_is_told(written: str) -> None:
    with pytest.raises(CnnError, match="(?s)line 2.*" + WRONG[written]):
        plan(f"input 8x8x3\nconv 4 3x3 {written}")


def test_an_argument_that_holds_no_such_rule() -> None:
    with pytest.raises(CnnError, match="`noise_shape` takes no `l2"):
        plan("input 8x8x3\ndropout 0.5 noise_shape=l2(3)")


def test_a_block_hands_its_numbers_on() -> None:
    planned = plan("input 8x8x3\nblock b(pull):\n    conv 4 3x3 kernel_regularizer=l2(pull)\nb 0.1\nb 0.2")
    assert [str(dict(step.layer.extra)["kernel_regularizer"]) for step in planned.steps] == ["l2(0.1)", "l2(0.2)"]


def test_brackets_after_a_blank_are_their_own_word() -> None:
    assert phrase(plan("input 9x9x3\nconv 4 3x3 kernel_regularizer=l2 (2, 2)").steps[0].layer).startswith(
        "conv 4 3x3 /2"
    )


def test_canonical_form() -> None:
    text = "conv 4 3 kernel_regularizer=keras.regularizers.L2( 1e-4 )\nrescale scale=(1, 2.5,3)\n"
    once = "conv 4 3x3 kernel_regularizer=l2(0.0001)\nrescale scale=(1, 2.5, 3)\n"
    assert canonical(text) == canonical(once) == once


def test_keras_gets_the_numbers_and_the_script_says_them() -> None:
    text = "input 8x8x3\nconv 4 3x3 kernel_regularizer=l2(0.25)\nPReLU alpha_initializer=constant(0.5)"
    model = build(text)
    assert model.layers[1].kernel_regularizer.l2 == 0.25
    assert float(model.layers[2].alpha[0, 0, 0]) == 0.5
    script = to_python(plan(text))
    assert "kernel_regularizer=keras.regularizers.L2(l2=0.25)" in script
    found: dict[str, object] = {}
    exec(script, found)
    assert found["model"].layers[1].kernel_regularizer.l2 == 0.25  # type: ignore[attr-defined]


def test_what_keras_refuses_is_told_with_its_line() -> None:
    with pytest.raises(CnnError, match=r"line 2.*(?s:.)*variance_scaling"):
        build("input 8x8x3\nconv 4 3x3 kernel_initializer=variance_scaling(-2)")


@pytest.mark.parametrize("kind, name", [(kind, name) for kind, names in RULES.items() for name in names])
def test_arguments_are_those_of_keras_in_its_order(kind: str, name: str) -> None:
    keras = load_keras()
    made = getattr(getattr(keras, f"{kind}s"), name)
    known = [p.name for p in inspect.signature(made).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    known = [argument for argument in known if argument not in ("input_axes", "output_axes")]
    assert known == list(RULES[kind][name])
    assert type(WeightRule(kind, name, ()).made(keras)) is made
    if word_of(name) not in ("constant", "l1_l2"):
        assert type(getattr(keras, f"{kind}s").get(word_of(name))) is made
