"""A sweep's state in words: the best trial, the table, the hints."""

from dataclasses import replace

import pytest

from cnnmagic.trials import SweepState, Trial, trials_text

TRIALS = (
    Trial(1, (("filters", "4"), ("rate", "0.5")), "done", (0.5, 0.75), 0.75, 2, 3.0, "net_1"),
    Trial(2, (("filters", "8"), ("rate", "0.5")), "done", (0.25, 0.875, 0.5), 0.875, 3, 3.0, "net_2"),
    Trial(3, (("filters", "8"), ("rate", "0.1")), "pruned", (0.9,), 0.9, 3, 1.0, "net_3"),
    Trial(4, (("filters", "4"), ("rate", "0.1")), "failed", reason="RunError: the loss is infinite"),
    Trial(5, (("filters", "2"), ("rate", "0.1")), "interrupted", (0.1,), 0.1, 3, 0.0, "net_5"),
)


def state(goal: str = "val_accuracy", phase: str = "stopped") -> SweepState:
    return SweepState("net", goal, "random", 0, 6, phase, TRIALS)


def test_the_best_is_of_those_that_were_trained_to_their_end() -> None:
    assert state().best == TRIALS[1]
    assert state("val_loss").best == TRIALS[0]
    assert TRIALS[1].best_epoch == 2


def test_the_end_of_a_stopped_sweep_in_words() -> None:
    assert trials_text(state()).split("\n") == [
        "net: stopped, 4 of 6 trials are over: 2 done, 1 pruned, 1 failed, "
        "best val_accuracy 87.50% by trial 2: filters=8, rate=0.5",
        "",
        "trial  filters  rate  epochs  best val_accuracy  at  state        run",
        "    1  4        0.5   2 of 2  75.00%             2   done         net_1",
        "  * 2  8        0.5   3 of 3  87.50%             2   done         net_2",
        "    3  8        0.1   1 of 3  90.00%             1   pruned       net_3",
        "    4  4        0.1   -                              failed",
        "    5  2        0.1   1 of 3  10.00%             1   interrupted  net_5",
        "",
        "trial 4 failed: RunError: the loss is infinite",
        "",
        "`%cnn resume net` goes on with trial 5 of 6.",
        "",
        "`%cnn load net_2` brings the best network back.",
    ]


@pytest.mark.parametrize(
    ("phase", "told"), [("training", "`%cnn stop net` ends it and keeps what is done."), ("finished", "")]
)
def test_what_to_type_next(phase: str, told: str) -> None:
    assert told in trials_text(state(phase=phase))
    assert ("%cnn resume" in trials_text(state(phase=phase))) == (phase == "stopped")


def test_progress_counts_epochs_of_the_trial_under_way() -> None:
    under_way = replace(state(), trials=(*TRIALS[:4], replace(TRIALS[4], state="training")))
    assert under_way.progress == pytest.approx((4 + 1 / 3) / 6)


def beside(*states: str) -> SweepState:
    """A sweep under way, or stopped, whose five trials are in these states."""
    return replace(state(), trials=tuple(map(lambda trial, kind: replace(trial, state=kind), TRIALS, states)))


WHERE: dict[tuple[str, ...], str] = {
    ("done", "done", "pruned", "failed", "training"): "trial 5 of 6",
    ("done", "done", "pruned", "training", "training"): "3 of 6 trials done, 2 under way",
    ("training", "done", "training", "training", "training"): "1 of 6 trials done, 4 under way",
}


@pytest.mark.parametrize("states", WHERE)
def test_how_far_a_sweep_is(states: tuple[str, ...]) -> None:
    assert replace(beside(*states), phase="training").where == WHERE[states]
    assert replace(beside(*states), phase="finished").where == f"{len(beside(*states).ended)} of 6 trials"


LEFT: dict[tuple[str, ...], str] = {
    ("done", "done", "pruned", "failed", "interrupted"): "trial 5 of 6",
    ("done", "interrupted", "pruned", "failed", "done"): "trial 2 of 6",
    ("interrupted", "done", "pruned", "interrupted", "done"): "trials 1 and 4 of 6",
    ("interrupted", "done", "interrupted", "interrupted", "done"): "trials 1, 3 and 4 of 6",
    ("done", "done", "done", "done", "done"): "trial 6 of 6",
}


@pytest.mark.parametrize("states", LEFT)
def test_what_a_stopped_sweep_goes_on_with(states: tuple[str, ...]) -> None:
    assert f"`%cnn resume net` goes on with {LEFT[states]}.\n" in trials_text(beside(*states))
