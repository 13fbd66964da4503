"""Words go to the options of a layer: bare ones by shape, named ones by name or by an alias that is told."""

import pytest

from cnnmagic import PlanError
from cnnmagic.lang.binding import ALIASES, bind, require
from cnnmagic.lang.parser import parse
from cnnmagic.layers import Conv2D, Cropping2D, Dense, Dropout, MaxPooling2D
from cnnmagic.plans import Training


def bound(kind, text: str, flags=(), further=()):
    return bind(
        kind, kind.words[0] if kind is not Training else "train", parse(text).statements[0].words, flags, further
    )


BOUND = {
    "conv 32 3x3": {"filters": 32, "kernel_size": (3, 3)},
    "conv 32 3": {"filters": 32, "kernel_size": (3, 3)},
    "conv 3x3 32": {"filters": 32, "kernel_size": (3, 3)},
    "conv relu same /2 5x5 8": {
        "filters": 8,
        "kernel_size": (5, 5),
        "strides": (2, 2),
        "padding": "same",
        "activation": "relu",
    },
    "conv (8, 3, 2, valid)": {"filters": 8, "kernel_size": (3, 3), "strides": (2, 2), "padding": "valid"},
    "conv filters=8 kernel_size=3x1 use_bias=no": {"filters": 8, "kernel_size": (3, 1), "use_bias": False},
    "conv kernel=3 num_output=8 stride=2": {"filters": 8, "kernel_size": (3, 3), "strides": (2, 2)},
    "conv out_channels=8 size=3x3": {"filters": 8, "kernel_size": (3, 3)},
    "conv {16, 32} {3x3, 5x5}": {"filters": 16, "kernel_size": (3, 3)},
}


@pytest.mark.parametrize("text", BOUND)
def test_words_find_their_options(text):
    assert bound(Conv2D, text).values == BOUND[text]


@pytest.mark.parametrize(
    "kind, text, expected",
    [
        (MaxPooling2D, "maxpool 3 /2", {"pool_size": (3, 3), "strides": (2, 2)}),
        (MaxPooling2D, "maxpool size=3 stride=2", {"pool_size": (3, 3), "strides": (2, 2)}),
        (Dense, "dense 10 softmax", {"units": 10, "activation": "softmax"}),
        (Dense, "dense out_features=10", {"units": 10}),
        (Dropout, "dropout 1/4", {"rate": 0.25}),
        (Cropping2D, "crop 0x1x0x1", {"cropping": ((0, 1), (0, 1))}),
        (
            Training,
            "train 5 sgd batch=8 lr=0.1",
            {"epochs": 5, "optimizer": "sgd", "batch_size": 8, "learning_rate": 0.1},
        ),
    ],
)
def test_other_classes_take_theirs(kind, text, expected):
    assert bound(kind, text).values == expected


def test_aliases_are_answered_with_the_name_in_keras():
    notes = bound(Conv2D, "conv num_output=8 kernel=3 stride=2").notes
    assert notes == (
        "`num_output` is Keras's `filters`",
        "`kernel` is Keras's `kernel_size`",
        "`stride` is Keras's `strides`",
    )
    assert set(ALIASES) & set(Conv2D.__dataclass_fields__) <= {"kernel_size"}  # which pools call `pool_size`


def test_flags_choices_and_further_arguments():
    binding = bound(Conv2D, "conv filters={8, 16} 3x3 bn seed=3", ("bn",), ("seed",))
    assert binding.flags == {"bn"} and binding.values["extra"] == (("seed", 3),)
    assert [(choice.argument, choice.text, choice.values) for choice in binding.choices] == [
        ("filters", "{8, 16}", (8, 16))
    ]


@pytest.mark.parametrize("text, flags", [("conv bn", {"bn"}), ("conv bn=yes", {"bn"}), ("conv bn=no", set())])
def test_a_flag_may_be_switched(text, flags):
    assert bound(Conv2D, text, ("bn",)).flags == flags


REFUSED = {
    "conv 32 3x3 filters=16": "`filters` is given twice",
    "conv 32 32 32 32": "`32` fits no argument of `conv`",
    "conv relu tanh": "`tanh` is one activation too many",
    "conv strides": "`strides` needs a value.",
    "conv filers=3": "no argument `filers`; did you mean `filters`",
    "conv filters=-1": "`filters=-1`: `-1` is not a whole number",
    "conv 3x3x3": "`3x3x3` fits no argument",
}


@pytest.mark.parametrize("text", REFUSED)
def test_words_that_fit_nothing_are_told_at_their_place(text):
    with pytest.raises(PlanError) as caught:
        bound(Conv2D, text)
    assert REFUSED[text] in str(caught.value)
    place = caught.value.problems[0].place
    assert place and text[place.column - 1 : place.end_column - 1] == text.split()[-1]


def test_all_wrong_words_are_told_at_once():
    with pytest.raises(PlanError) as caught:
        bound(Conv2D, "conv rleu filers=3 padding=some")
    assert len(caught.value.problems) == 3


def test_what_must_be_given_is_told_with_an_example():
    with pytest.raises(PlanError, match=r"`conv` lacks `kernel_size`: height and width of a filter\.") as caught:
        require(Conv2D, "conv", {"filters": 8})
    assert caught.value.problems[0].remedy == f"For example `{Conv2D.example}`."
    require(Conv2D, "conv", {"filters": 8, "kernel_size": (3, 3)})
