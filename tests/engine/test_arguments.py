"""Wrong arguments of Keras's own layers: told at their word, with what is near, and never as Keras's traceback."""

import pytest

from cnnmagic import CnnError, build, plan

# The line, the words under the caret, what is said.
WRONG = {
    "GaussianNoise stdev=0.1": ("stdev", "has no argument `stdev`; did you mean `stddev`?"),
    "LeakyReLU negative_slop=0.1": ("negative_slop", "did you mean `negative_slope`?"),
    "Resizing height=8 widht=8": ("widht", "did you mean `width`?"),
    "Masking 0 mask=1": ("mask", "It takes `mask_value`, "),
    "GaussianNoise seed=1": ("GaussianNoise seed=1", "lacks `stddev`."),
    "Resizing 8": ("Resizing 8", "Write `Resizing … width=…`."),
    "GaussianNoise 0.1 3 4": ("GaussianNoise 0.1 3 4", "takes 2 words without a name at most, and gets 3."),
    "Permute (2, 1, 3)": ("Permute (2, 1, 3)", "takes 1 word without a name at most, and gets 3."),
    "GaussianNoise 0.1 stddev=0.1": ("stddev", "has `stddev` twice"),
    "GaussianNoise 0.1 name=noise": ("name", "Label the layer: `name <- …`."),
    "GaussianNoise 0.1 dtype=float16": ("dtype", "Write `precision=` in the `train` line."),
    "GaussianNoise stddev=-1": ("stddev", "takes a number from 0 to 1 as `stddev`, and gets `-1`."),
    "GaussianNoise relu": ("relu", "takes a number from 0 to 1 as `stddev`, and gets `relu`."),
    "GaussianNoise {0.1, 0.2}": ("{0.1, 0.2}", "takes no choices."),
    "LSTM 4": ("LSTM 4", "needs a list of steps, each of as many numbers, and gets 8x8x3"),
    "PReLU alpha_initializer=zeross": ("zeross", "no initializer `zeross`; did you mean `zeros`?"),
    "conv 8 3x3 kernel_initializer=heuniform": ("heuniform", "did you mean `he_uniform`?"),
    "bn beta_initializer=q": ("q", "There are `constant`, `glorot_normal`, "),
    "dense 3 kernel_regularizer=l3": ("l3", "There are `l1`, "),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_argument_is_told_at_its_word(line: str) -> None:
    with pytest.raises(CnnError) as caught:
        build(plan(f"input 8x8x3\nblock own:\n    {line}  # why\nown\nflatten\noutput 3"))
    (problem,) = caught.value.problems
    meant, said = WRONG[line]
    assert said in str(problem)
    assert problem.place is not None and problem.place.line == 3
    assert problem.place.source[problem.place.column - 1 : problem.place.end_column - 1] == meant


@pytest.mark.parametrize("line", ["GaussianNoise 0.1 trainable=no", "Permute 2x1x3", "Permute((2, 1, 3))", "Identity"])
def test_a_right_one_is_built(line: str) -> None:
    planned = plan(f"input 8x8x3\n{line}\nflatten\noutput 3")
    assert build(planned).count_params() == planned.parameters


def test_choices_of_a_further_argument_are_kept_for_a_sweep() -> None:
    planned = plan("input 8x8x3\nconv 4 3x3 kernel_initializer={he_normal, zeros}\nflatten\noutput 3\nsweep random")
    (choice,) = planned.choices
    assert (choice.argument, choice.values) == ("kernel_initializer", ("he_normal", "zeros"))
    assert dict(planned.steps[0].layer.extra) == {"kernel_initializer": "he_normal"}
