"""`{{path}}` finds values of the notebook by names, attributes and indices, and never runs code of a cell."""

from types import SimpleNamespace

import numpy as np
import pytest

from cnnmagic import CnnError, PlanError, plan
from cnnmagic.lang.syntax import Name, Size, Text
from cnnmagic.lang.variables import as_value, look_up


class Trap:
    """Whatever is called on it is remembered."""

    called: list[str] = []  # noqa: RUF012

    def __call__(self, *_):
        self.called.append("call")

    def __getitem__(self, key):
        raise KeyError(key)


NOTEBOOK = {
    "width": 32,
    "net": SimpleNamespace(filters=[8, 16], options={"kernel size": "3x3", "rate": 0.5}),
    "폭": 4,
    "trap": Trap(),
}
FOUND = {
    "width": 32,
    "net.filters[0]": 8,
    "net.filters[-1]": 16,
    "net.options['rate']": 0.5,
    'net.options["kernel size"]': "3x3",
    "폭": 4,
}
REFUSED = [
    "print(1)",
    "__import__('os')",
    "width.__class__",
    "trap()",
    "trap.called()",
    "trap.__call__",
    "width + 1",
    "width;width",
    "net.filters[0:1]",
    "net.filters[width]",
    "net.options[f'{width}']",
    "net .filters",
    "lambda: 1",
    "[1]",
    "1",
    "",
    " ",
    "width.",
    "width[",
    "net.options['a'].pop()",
    "net.filters[0][",
    "__builtins__",
    "net.__dict__",
]
MISSING = {
    "widht": "no variable `widht`; did you mean `width`?",
    "net.filter": "`net` has no `.filter`",
    "net.filters[9]": "has no `[9]`",
    "net.options['x']": "has no `['x']`",
    "width[0]": "has no `[0]`",
    "trap[0]": "has no `[0]`",
}


@pytest.mark.parametrize("path", FOUND)
def test_a_path_finds(path):
    assert look_up(path, NOTEBOOK) == FOUND[path]


@pytest.mark.parametrize("path", REFUSED)
def test_no_code_is_run(path):
    with pytest.raises(PlanError, match="is no plain name of a variable"):
        look_up(path, NOTEBOOK)
    with pytest.raises(CnnError):
        plan(f"input 8x8x1\nconv {{{{{path}}}}} 3x3\noutput 3", **NOTEBOOK)
    assert Trap.called == []


@pytest.mark.parametrize("path", MISSING)
def test_what_is_not_there_is_told(path):
    with pytest.raises(PlanError) as caught:
        look_up(path, NOTEBOOK)
    assert MISSING[path] in str(caught.value)


@pytest.mark.parametrize(
    "value, word",
    [
        (3, 3),
        (0.5, 0.5),
        (True, Name("yes")),
        (False, Name("no")),
        ("relu", Name("relu")),
        ("3x3", Size((3, 3))),
        ("a.npz", Text("a.npz")),
        ((3, 5), Size((3, 5))),
        ([28, 28, 1], Size((28, 28, 1))),
        (np.int64(7), 7),
        (np.float32(0.5), 0.5),
        (np.array(3), 3),
    ],
)
def test_a_value_stands_for_the_word(value, word):
    assert as_value(value, "x") == word


@pytest.mark.parametrize("value", [None, {}, (), object(), (1.5, 2), (True, False), np.zeros(3), b"x", 1j])
def test_a_value_of_another_kind_is_refused(value):
    with pytest.raises(PlanError, match="and a number, a word or a size is needed here"):
        as_value(value, "x")


@pytest.mark.parametrize(
    "line, variables",
    [
        ("conv {{w}} {{k}} {{a}}", {"w": 8, "k": (3, 3), "a": "relu"}),
        ("conv filters={{w}} kernel_size={{k}} activation={{a}}", {"w": 8, "k": "3x3", "a": "relu"}),
    ],
)
def test_values_stand_for_words_of_layers(line, variables):
    written = plan("input 8x8x1\nconv 8 3x3 relu\noutput 3")
    assert plan(f"input 8x8x1\n{line}\noutput 3", **variables).steps == written.steps


@pytest.mark.parametrize(
    "line, written, variables",
    [
        ("input {{size}}", "input 8x8x1", {"size": (8, 8, 1)}),
        ("input 8x8x1\nseed {{n}}", "input 8x8x1\nseed 7", {"n": 7}),
        ("data digits\nresize {{size}}", "data digits\nresize 12x12", {"size": "12x12"}),
        ("data digits\naugment rotate={{angle}}", "data digits\naugment rotate=15", {"angle": 15}),
        ("data digits\ntrain epochs={{n}} lr={{rate}}", "data digits\ntrain epochs=3 lr=0.1", {"n": 3, "rate": 0.1}),
        ("input 8x8x1\nrepeat {{n}}:\n    relu", "input 8x8x1\nrepeat 3:\n    relu", {"n": 3}),
    ],
)
def test_values_stand_for_words_of_every_statement(line, written, variables):
    found, expected = plan(f"{line}\noutput 10", **variables), plan(f"{written}\noutput 10")
    for part in ("steps", "training", "seed", "resize", "input_shape"):
        assert getattr(found, part) == getattr(expected, part)


class Unwilling:
    """Its parts can't be had."""

    @property
    def width(self) -> int:
        raise RuntimeError("not open yet")

    def __getitem__(self, index: int) -> int:
        raise ZeroDivisionError


@pytest.mark.parametrize("path, told", [("it.width", "RuntimeError, not open yet"), ("it[0]", "ZeroDivisionError")])
def test_what_a_value_raises_is_told_at_the_word(path: str, told: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan("input 8x8x1\nconv {{" + path + "}} 3x3\noutput 2", it=Unwilling())
    place = caught.value.problems[0].place
    assert told in str(caught.value) and place and place.column == 6
