"""Two networks side by side: texts, numbers and layers that differ, in golden files."""

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
    assert "→" not in told
