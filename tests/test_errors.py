"""An error is a few lines: what, where with a caret, why, what to type; and IPython shows those alone."""

import pytest

from cnnmagic.errors import (
    SHOWN_PROBLEMS,
    CnnError,
    DataError,
    MissingData,
    ParseError,
    Place,
    PlanError,
    Problem,
    RunError,
)

CARETS = {
    ("conv 8 3x3", 6, 7): "   4 | conv 8 3x3\n     |      ^",
    ("conv 8 3x3", 8, 11): "   4 | conv 8 3x3\n     |        ^^^",
    ("합성곱 8", 1, 4): "   4 | 합성곱 8\n     | ^^^^^^",
    ("합성곱 8", 5, 6): "   4 | 합성곱 8\n     |        ^",
    ("\tconv 8", 7, 8): "   4 | \tconv 8\n     | \t     ^",
    ("conv 8", 7, 7): "   4 | conv 8\n     |       ^",
}


@pytest.mark.parametrize("source, column, end", CARETS)
def test_a_caret_stands_under_what_is_meant(source, column, end):
    assert Place(4, column, end, source).caret() == CARETS[source, column, end]


PLACE = Place(3, 6, 8, "conv 32")


@pytest.mark.parametrize(
    "problem, text",
    [
        (Problem("this."), "this."),
        (Problem("this.", PLACE), "line 3: this.\n   3 | conv 32\n     |      ^^"),
        (
            Problem("this.", PLACE, "why.", "type that."),
            "line 3: this.\n   3 | conv 32\n     |      ^^\nwhy.\ntype that.",
        ),
        (Problem("this.", Place(3, 1, 2)), "line 3: this."),
        (Problem("this.", None, "", "type that."), "this.\ntype that."),
    ],
)
def test_a_problem_reads(problem, text):
    assert str(problem) == str(CnnError(problem)) == text


def test_problems_are_told_in_the_order_of_the_text_and_each_once():
    second, first = Problem("b.", Place(5, 1, 2)), Problem("a.", Place(2, 9, 10))
    before = Problem("c.", Place(2, 3, 4))
    error = PlanError.gather([second, first, second, before, Problem("whole.")])
    assert [problem.message for problem in error.problems] == ["whole.", "c.", "a.", "b."]
    assert isinstance(error, PlanError)


def test_many_problems_are_cut_short():
    error = CnnError.gather(Problem(f"{line}.", Place(line, 1, 2)) for line in range(1, SHOWN_PROBLEMS + 4))
    assert str(error).endswith("\n\n… and 3 more.") and "11." not in str(error)


def test_a_place_is_given_to_those_that_have_none():
    error = CnnError.gather([Problem("a."), Problem("b.", Place(9, 1, 2))]).at(PLACE)
    assert [problem.place.line for problem in error.problems if problem.place] == [3, 9]


@pytest.mark.parametrize("kind", [ParseError, PlanError, DataError, RunError, MissingData])
def test_ipython_shows_no_traceback(kind):
    (shown,) = kind("no.", remedy="do.")._render_traceback_()
    assert shown.endswith("no.\ndo.") and kind.__name__ in shown and "Traceback" not in shown
    assert issubclass(kind, CnnError) and issubclass(MissingData, DataError)
