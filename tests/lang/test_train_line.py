"""The `train` line with further words: the text says what is trained."""

from dataclasses import replace

import pytest

from cnnmagic.pipeline import make_plan, retrained

NET = "data digits\nconv 4 3x3\nflatten\noutput 10\n"
VALUES = {"n": 3, "b": 64}


@pytest.mark.parametrize(
    ("line", "words", "told"),
    [
        ("", "", "train"),
        ("", "epochs=1", "train epochs=1"),
        ("train epochs=4 adam lr=0.1  # c\nseed 3", "5 sgd", "train 5 sgd  # c\nseed 3"),
        ("train 4 cosine", "epochs=2 lr = 0.1", "train cosine epochs=2 lr=0.1"),
        (
            "train(epochs=4,\n batch=32, # x\n adam\n)\nseed 3",
            "lr=0.1",
            "train epochs=4 batch=32 adam lr=0.1  # x\n\n\n\nseed 3",
        ),
        ("train epochs={{n}} batch={{b}}", "lr=0.1", "train epochs={{n}} batch={{b}} lr=0.1"),
        ("train {{n}} batch={{b}}", "lr=0.1", "train batch={{b}} epochs=3 lr=0.1"),
        ("train {{n}} adamw", "epochs=5", "train adamw epochs=5"),
        ("train batch=auto", "epochs=2", "train batch=auto epochs=2"),
        ("train epochs=2 clipnorm=1", "clipvalue=1", "train epochs=2 clipvalue=1"),
    ],
)
def test_the_text_says_the_training(line: str, words: str, told: str) -> None:
    again = retrained(make_plan(NET + line, VALUES), words)
    assert again.text.rstrip("\n") == NET + told
    read = make_plan(again.text, VALUES)
    assert (read.training, read.batch_is_auto) == (again.training, again.batch_is_auto)


def test_a_text_that_says_it_is_left_as_it_is_and_holds_over_more_epochs() -> None:
    plan = make_plan(f"{NET}train epochs=2  batch = 32\n", {})
    assert plan.training is not None
    longer = replace(plan, training=replace(plan.training, epochs=7))
    assert retrained(longer, "") == plan


def test_a_recipe_and_mixing_stay() -> None:
    plan = make_plan("use digits_cnn\ndata digits\naugment mixup\ntrain epochs=2", {})
    again = retrained(plan, "lr=0.2")
    assert again.training is not None and plan.training is not None
    assert again.training == replace(plan.training, learning_rate=0.2)
    assert again.training.mixing and again.training.schedule == "onecycle"
