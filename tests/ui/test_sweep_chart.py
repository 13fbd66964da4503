"""A sweep as its board and its line in a terminal show it: several trials in training at once."""

import re
from dataclasses import replace

import pytest

from cnnmagic.trials import SweepState, Trial
from cnnmagic.ui.chart import describe
from cnnmagic.ui.sweep_chart import curves, phase_text, trainings_html
from cnnmagic.ui.terminal import BAR, sweep_line
from tests.ui.states import STARTED, STATES, batch, fold, whole

DONE = Trial(1, (("filters", "4"),), "done", (0.5, 0.75), 0.75, 3, 3.0, "net_1")


def beside(count: int) -> SweepState:
    """A sweep with one trial done and so many under way, each an epoch further than the next."""
    scores = [tuple(0.1 * epoch for epoch in range(1, count + 1 - number)) for number in range(count)]
    under_way = [Trial(2 + number, DONE.values, "training", told, None, 8) for number, told in enumerate(scores)]
    return SweepState("net", whole=12, phase="training", trials=(DONE, *under_way))


@pytest.mark.parametrize(
    ("count", "words"), [(0, "trial 2 of 12"), (1, "trial 2 of 12"), (3, "1 of 12 trials done, 3 under way")]
)
def test_the_head_tells_how_many_are_under_way(count: int, words: str) -> None:
    assert phase_text(beside(count)) == f"sweep · training · {words} · random, seed 0"


def test_the_first_three_under_way_have_a_curve_and_the_others_a_grey_line() -> None:
    chart = curves(beside(5))
    assert [curve.label for curve in chart.curves] == ["trial 1, best", "trial 2", "trial 3", "trial 4"]
    assert len({curve.style for curve in chart.curves}) == 4
    assert [len(line) for line in chart.earlier] == [2, 1]
    assert "trial 3 from 10.0 % to 40.0 %" in describe(chart)


def test_trials_that_were_broken_off_keep_their_curves() -> None:
    state = beside(2)
    over = replace(state, phase="stopped", trials=tuple(replace(t, state="interrupted") for t in state.trials[1:]))
    told = describe(curves(over))
    assert "trial 2 " in told and "no values yet" not in told


def test_every_training_has_a_line_and_places_for_more_stay_empty() -> None:
    states = [replace(STATES["training"], name="net_2"), fold(STARTED, *whole(1), batch(2, 42), name="<net_3>")]
    lines = re.findall("<div.*?>(.*?)</div>", trainings_html(states, 4))
    assert [line.split("</b>")[0] for line in lines] == ["<b>net_2", "<b>&lt;net_3&gt;", "", ""]
    assert "training · epoch 2 of 12 · batch 42 of 422" in lines[1]


def test_a_line_in_a_terminal_tells_of_all() -> None:
    states = [replace(STATES["training"], name="net_2"), replace(STATES["queued"], name="net_3", behind="the cluster")]
    line = sweep_line(beside(2), states)
    assert len(line[line.index("[") + 1 : line.index("]")]) == BAR
    assert line.split("] ")[1] == (
        "1 of 12 trials done, 2 under way · best 75.00% · net_2 training epoch 3 of 12 · batch 210 of 422 · "
        "net_3 waits for the cluster"
    )
