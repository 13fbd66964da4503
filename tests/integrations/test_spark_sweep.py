"""Trials side by side on a real Spark cluster: the scores of one machine, Stop, workers and drivers that are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.device import device
from cnnmagic.errors import CnnError
from cnnmagic.storage import records
from cnnmagic.sweep_run import SweepRun
from cnnmagic.trials import SweepState, Trial
from tests.integrations.spark_sessions import await_end_of_ranks, ranks, started

pytestmark = pytest.mark.long
pytest.importorskip("optuna", reason="sweeps need Optuna")

ROOT = Path(__file__).parents[2]
LATE = 300.0
TEXT = """\
data digits
input 8x8x1
augment flip
conv {2, 4} 3x3 relu
flatten
dropout 0.2
output
train epochs=EPOCHS batch={32, 64} lr=0.01 tune=no
seed 3
sweep grid prune=no"""


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    yield from started()


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs of its own for each test."""
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    return tmp_path


def text_of(epochs: int, workers: str = " workers=2") -> str:
    return TEXT.replace("EPOCHS", str(epochs)) + workers


def wait_until(sweep: SweepRun, is_so: Callable[[SweepRun], bool]) -> None:
    end = time.monotonic() + LATE
    while not is_so(sweep):
        assert time.monotonic() < end and not sweep.is_done, sweep
        time.sleep(0.02)


def both_train(sweep: SweepRun) -> bool:
    """Whether two trials are in training and have two epochs behind them."""
    return len(sweep.runs) == 2 and all(len(run.state.history) >= 2 for run in sweep.runs)


def assert_scores(trials: tuple[Trial, ...], expected: tuple[Trial, ...]) -> None:
    """The same trials in the same order, every epoch's score equal to 1e-5."""
    assert [(trial.number, trial.values, trial.state) for trial in trials] == [
        (trial.number, trial.values, "done") for trial in expected
    ]
    for one, other in zip(trials, expected, strict=True):
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


def test_trials_side_by_side_have_the_scores_of_this_machine(spark: Any) -> None:
    expected = cnnmagic.sweep(text_of(4, ""), name="here")
    sweep = cnnmagic.sweep(text_of(4), name="there", wait=False)
    seen: list[SweepState] = []
    sweep.listen(seen.append)
    wait_until(sweep, lambda sweep: len(sweep.runs) == 2)
    assert device.is_free
    sweep.wait(LATE)
    assert max(len(state.under_way) for state in seen) == 2
    assert any(min(len(trial.scores) for trial in state.under_way) > 0 for state in seen if len(state.under_way) == 2)
    assert_scores(sweep.trials, expected.trials)
    assert sweep.winner == expected.winner.replace("here", "there")
    for number in range(1, 5):
        one, other = cnnmagic.load(f"there_{number}"), cnnmagic.load(f"here_{number}")
        assert one.state.device.startswith("CPU of ") and one.plan.text == other.plan.text
        assert one.evaluate() == pytest.approx(other.evaluate(), abs=1e-5)
        for mine, wanted in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-5)
    assert not ranks()


def test_a_stop_ends_all_and_the_same_text_goes_on(spark: Any) -> None:
    expected = cnnmagic.sweep(text_of(40, ""), name="here")
    sweep = cnnmagic.sweep(text_of(40), name="there", wait=False)
    wait_until(sweep, both_train)
    start = time.monotonic()
    sweep.stop()
    sweep.wait(LATE)
    assert time.monotonic() - start < 10
    assert (sweep.state.phase, [trial.state for trial in sweep.trials]) == ("stopped", ["interrupted"] * 2)
    assert not ranks() and not spark.sparkContext.statusTracker().getActiveJobsIds()
    before = [len(trial.scores) for trial in sweep.trials]
    assert min(before) >= 2 and max(before) < 40
    again = cnnmagic.sweep(text_of(40), name="there", wait=False)
    assert again.state.notes == ("goes on from an earlier sweep of this text, of which 0 trials were done",)
    assert_scores(again.wait(LATE).trials, expected.trials)
    assert len(records()) == 8


def test_a_trial_whose_worker_is_killed_fails_and_the_others_go_on(spark: Any) -> None:
    sweep = cnnmagic.sweep(text_of(60), name="there", wait=False)
    wait_until(sweep, both_train)
    os.kill(ranks()[0][0], signal.SIGKILL)
    sweep.wait(LATE)
    (failed,) = [trial for trial in sweep.trials if trial.state == "failed"]
    assert "is gone: its process was killed by SIGKILL." in failed.reason
    assert [trial.state for trial in sweep.trials if trial is not failed] == ["done"] * 3
    assert sweep.state.phase == "finished"
    assert len(cnnmagic.resume(failed.run).history["loss"]) == 60


CHILD = """\
import sys, time, cnnmagic
from tests.integrations.spark_sessions import started
keep = started()
next(keep)
sweep = cnnmagic.sweep(sys.argv[1], name="there", wait=False)
while len(sweep.runs) < 2 or any(len(run.state.history) < 2 for run in sweep.runs):
    time.sleep(0.02)
print("begun", flush=True)
sweep.wait()
"""


def test_a_sweep_whose_kernel_is_killed_goes_on_with_all_that_was_under_way(spark: Any, runs: Path) -> None:
    expected = cnnmagic.sweep(text_of(40, ""), name="here")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    others = set(ranks())
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, text_of(40)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    assert child.stdout is not None and "begun" in child.stdout.readline()
    child.kill()
    child.communicate()
    await_end_of_ranks(but=others)
    sweep = cnnmagic.sweep(text_of(40), name="there", wait=False)
    assert [len(trial.scores) >= 2 for trial in sweep.trials] == [True, True]
    assert_scores(sweep.wait(LATE).trials, expected.trials)
    assert len(records()) == 8
    for number in (1, 2):
        assert cnnmagic.load(f"there_{number}").history["loss"] == pytest.approx(
            cnnmagic.load(f"here_{number}").history["loss"], abs=1e-5
        )


def test_more_trials_at_once_than_slots_are_refused_at_once(spark: Any) -> None:
    start = time.monotonic()
    with pytest.raises(CnnError, match="`workers=5` needs 5 free slots at once, and the cluster has 2"):
        cnnmagic.sweep(text_of(1, " workers=5"), name="there")
    assert time.monotonic() - start < 5


def test_a_session_that_is_stopped_breaks_the_sweep_off_and_loses_no_trial(spark: Any) -> None:
    sweep = cnnmagic.sweep(text_of(2_000), name="there", wait=False)
    wait_until(sweep, both_train)
    spark.stop()
    with pytest.raises(CnnError, match="the Spark session of this sweep is over"):
        sweep.wait(LATE)
    assert [trial.state for trial in sweep.trials] == ["interrupted"] * 2
    # Without `workers` the same sweep goes on here.
    again = cnnmagic.sweep(text_of(2_000, ""), name="there", wait=False)
    assert again.state.notes == ("goes on from an earlier sweep of this text, of which 0 trials were done",)
    before = [len(trial.scores) for trial in again.trials]
    assert min(before) >= 2
    wait_until(again, lambda sweep: len(sweep.trials[0].scores) > before[0])
    again.stop()
    again.wait(LATE)
    assert [trial.state for trial in again.trials] == ["interrupted"] * 2
