"""Two networks side by side: texts, numbers and layers that differ, in golden files."""

import re
from collections.abc import Callable

import pytest

from cnnmagic import plan
from cnnmagic.comparison import difference
from cnnmagic.pipeline import make_plan
from tests.lang.cells import CELLS

FIRST = "input 28x28x1\nconv 8 3x3 relu\nmaxpool 2\nconv 16 3x3 relu\nflatten\noutput 10\n"
SECOND = "input 28x28x1\nconv 16 3x3 bn relu  # wider\nmaxpool 2\nconv 16 3x3 relu\nglobalavgpool\noutput 10\n"
PAIRS = {
    "changed": (FIRST, SECOND),
    "the_same": (FIRST, FIRST),
    "comment_only": (FIRST, FIRST.replace("relu\n", "relu  # here\n", 1)),
    "training_only": (f"data mnist\n{FIRST}train epochs=3", f"data mnist\n{FIRST}train epochs=9 batch=64"),
    "everything": (
        f"data mnist\nseed 1\naugment rotate 5\n{FIRST}train epochs=3 lr=0.01",
        f"data fashion_mnist\nresize 28x28 pad\n{FIRST}train epochs=9 batch=64 optimizer=sgd lr=1e-4 momentum=0.9"
        " schedule=cosine early_stop=2 validation=0.2 precision=bfloat16 weight_decay=1e-5",
    ),
    "trained_and_not": (f"data mnist\n{FIRST}", f"data digits\n{FIRST.split(chr(10), 1)[1]}train"),
    "any_size": (FIRST.replace("flatten", "gap"), FIRST.replace("28x28", "?x?").replace("flatten", "gap")),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_user_sees(name: str, golden: Callable[[str, str], None]) -> None:
    one, other = (plan(text) for text in PAIRS[name])
    golden(f"diff/{name}.txt", difference(one, other, "first", "second"))


def test_what_is_used_is_seen_in_the_layers(golden: Callable[[str, str], None]) -> None:
    earlier = CELLS["lenet5"].split("\n", 1)[1]
    one = make_plan(earlier, {})
    other = make_plan("use lenet5\ndropout 0.5\ndense 32 relu\noutput", {}, texts={"lenet5": earlier})
    golden("diff/used.txt", difference(one, other, "lenet5", "dropped"))


def test_nothing_is_told_of_a_network_and_itself() -> None:
    told = difference(plan(FIRST), plan(FIRST), "a", "b")
    assert "the texts are the same" in told
    assert "the layers are the same" in told
    rows = [re.split(r"\s{2,}", line) for line in told.split("\n\n")[1].splitlines()[1:]]
    assert len(rows) == 5
    assert all(row[1] == row[2] for row in rows)


SETTINGS = {
    "train epochs=9": ("epochs", "10", "9"),
    "train batch=64": ("batch size", "32", "64"),
    "train lr=0.5": ("learning rate", "default", "0.5"),
    "train optimizer=lion": ("optimizer", "adam", "lion"),
    "train schedule=onecycle": ("schedule", "constant", "onecycle"),
    "train weight_decay=1e-05": ("weight decay", "-", "1e-5"),
    "train early_stop=3": ("early stop", "-", "3"),
    "train validation=0": ("validation", "0.1", "0"),
    "train\nseed 0": ("seed", "-", "0"),
    "train\naugment flip": ("augmentation", "-", "randomflip horizontal"),
    "train\nresize 28x28 crop": ("resize", "-", "28x28 crop"),
}


@pytest.mark.parametrize("changed", SETTINGS)
def test_a_changed_setting_has_its_row(changed: str) -> None:
    head = f"data mnist\n{FIRST}"
    table = difference(plan(head + "train"), plan(head + changed), "a", "b").split("\n\n")[1]
    rows = [tuple(re.split(r"\s{2,}", line)) for line in table.lower().splitlines()]
    assert SETTINGS[changed] in rows
    assert len(rows) == len({row[0] for row in rows}) == 7


def test_other_data_have_their_row() -> None:
    one, other = (plan(f"data {name}\n{FIRST}") for name in ("mnist", "fashion_mnist"))
    assert re.search(r"^data +mnist +fashion_mnist$", difference(one, other, "a", "b"), re.MULTILINE)
