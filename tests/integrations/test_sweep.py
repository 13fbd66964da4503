"""Sweeps run by Optuna: what is proposed, trained, kept, broken off and gone on with."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import cnnmagic
from cnnmagic.plans import Sweep
from cnnmagic.storage import records
from cnnmagic.trials import SweepState, Trial
from tests.engine.photos import count_reads, folder

pytest.importorskip("optuna", reason="sweeps need Optuna")

ROOT = Path(__file__).parents[2]
LATE = 300.0
HEAD = "data digits\ninput 8x8x1\n"
NET = f"{HEAD}conv filters={{2, 4}} 3x3 relu\nflatten\noutput\n"


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs of its own for each test."""
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    return tmp_path


def told(trial: Trial) -> tuple[object, ...]:
    """What of a trial hangs on no clock."""
    return trial.number, trial.values, trial.state, trial.scores, trial.run, trial.twin


def proposals(
    line: str,
    choices: str,
    whole: int,
    broken_at: int | None = None,
    rates: str = "{1e-4 .. 1 log}",
    workers: int = 1,
) -> list[dict[str, str]]:
    """What a sweep proposes without any training, each score told by the values; the file is opened anew in between.

    Of `workers` trials under way it is never the first that ends, unless there are no more than two.
    """
    from cnnmagic.integrations import study as studies

    plan = cnnmagic.plan(f"{HEAD}conv 4 3x3\ndropout {choices}\nflatten\noutput\ntrain lr={rates}\n{line}")
    assert plan.sweep is not None
    names, path = studies.names_of(plan.choices), Path(os.environ["CNNMAGIC_RUNS"]) / f"a/b/c/{broken_at}-{workers}"
    path.parent.mkdir(parents=True, exist_ok=True)
    study, found = studies.open_study(path, plan.sweep, 3), []
    under_way: list[Any] = []
    for number in range(whole):
        trial = studies.propose(study, plan.sweep, names, 7, [earlier.number + 1 for earlier in under_way])
        if number == broken_at:
            study = studies.open_study(path, plan.sweep, 3)
            again = studies.propose(study, plan.sweep, names, 7)
            assert (again.number, again.params) == (trial.number, trial.params)
            trial = again
        found.append(studies.texts_of(trial.params, names))
        under_way.append(trial)
        if len(under_way) == workers:
            ended = under_way.pop(max(0, workers - 2))
            studies.close(study, ended, "done", 1 - float(ended.params["rate"]))
    return found


@pytest.mark.parametrize("line", ["sweep random", "sweep tpe trials=15"])
def test_a_break_changes_nothing_of_what_is_proposed(line: str) -> None:
    whole = proposals(line, "{0.1 .. 0.9}", 15)
    assert whole == proposals(line, "{0.1 .. 0.9}", 15, broken_at=11)
    assert len({str(values) for values in whole}) == 15


@pytest.mark.parametrize(
    ("line", "choices"), [("sweep grid", "{0.1, 0.2, 0.3}"), ("sweep", "{0.1, 0.2, 0.3}"), ("sweep", "{0.1 .. 0.9}")]
)
def test_trials_side_by_side_are_those_of_a_sweep_one_by_one(line: str, choices: str) -> None:
    rates = "{0.1, 0.01, 0.001}" if line.endswith("grid") else "{1e-4 .. 1 log}"
    one_by_one = proposals(line, choices, 9, rates=rates)
    for workers in (2, 3):
        assert proposals(line, choices, 9, rates=rates, workers=workers) == one_by_one


def test_tpe_learns_what_is_good() -> None:
    found = [float(values["rate"]) for values in proposals("sweep tpe trials=40", "{0.1 .. 0.9}", 40)]
    assert sum(found[-10:]) / 10 < sum(found[:10]) / 10


def test_a_grid_trains_every_combination_once() -> None:
    sweep = cnnmagic.sweep(f"{NET}train epochs=1 batch={{64, 128}} lr=0.01\nsweep grid", name="grid")
    values = sorted(" ".join(value for _, value in trial.values) for trial in sweep.trials)
    assert values == ["2 128", "2 64", "4 128", "4 64"]
    assert {trial.state for trial in sweep.trials} == {"done"}
    kept = {record.name: record.about for record in records()}
    for trial in sweep.trials:
        about, (filters, batch) = kept[trial.run], (value for _, value in trial.values)
        assert about["text"] == (
            f"{HEAD}conv filters={filters} 3x3 relu\nflatten\noutput\ntrain epochs=1 batch={batch} lr=0.01\nseed 0\n"
        )
        assert [epoch["val_accuracy"] for epoch in about["history"]] == list(trial.scores)
    assert sweep.best is not None
    assert sweep.best.best == max(trial.best or 0 for trial in sweep.trials)
    assert dict(sweep.state.importance).keys() == {"filters", "batch_size"}
    assert sum(dict(sweep.state.importance).values()) == pytest.approx(1)


def test_the_winner_is_a_cell_that_gives_its_score_again() -> None:
    sweep = cnnmagic.sweep(f"{NET}train epochs=2 batch=64 lr={{1e-5, 0.01}}\nsweep grid prune=no\nseed 3", name="net")
    head, _, text = sweep.winner.partition("\n")
    assert (head, "lr=0.01" in text, "sweep" in text, text.count("seed")) == ("%%cnn net_best", True, False, 1)
    assert sweep.best is not None
    assert cnnmagic.train(text, name="again").history["val_accuracy"] == list(sweep.best.scores)
    assert cnnmagic.load(sweep.best.run).history["val_accuracy"] == list(sweep.best.scores)


def test_the_files_are_read_once_for_all_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnmagic.engine.cache.HELD_BYTES", 0)  # kept in a file, as many images are
    path = folder(tmp_path / "photos", 20)
    (path / "dark" / "3.png").write_bytes(b"spoilt")
    numbers = count_reads(monkeypatch)
    text = f"data images:{path} bad=skip\nconv {{2, 4, 8}} 3x3 relu\nglobalavgpool\noutput\ntrain epochs=2 batch=8\n"
    sweep = cnnmagic.sweep(f"{text}sweep grid prune=no", name="net")
    assert [trial.state for trial in sweep.trials] == ["done"] * 3
    assert len(set(numbers)) == 40 and len(numbers) == 42  # the spoilt one again and again
    for trial in sweep.trials:
        assert any("dark/3.png" in note for note in cnnmagic.load(trial.run).state.notes)


def test_what_fails_is_told_and_the_sweep_goes_on() -> None:
    text = f"{HEAD}conv 4 kernel={{3x3, 9x9}}\nflatten\noutput\n"
    sweep = cnnmagic.sweep(f"{text}train epochs=2 batch=128 optimizer=sgd lr={{0.1, 1e6}}\nsweep grid", name="net")
    reasons = {" ".join(value for _, value in trial.values): trial.reason for trial in sweep.trials}
    assert reasons.pop("3x3 0.1") == ""
    assert re.search("the loss is (infinite|NaN)", reasons.pop("3x3 1e+06"))  # as the rounding has it
    assert {reason.split(": ")[0] for reason in reasons.values()} == {"PlanError"}
    assert len(reasons) == 2
    assert sweep.state.phase == "finished"


def test_a_sweep_whose_every_trial_fails_says_so() -> None:
    text = f"{HEAD}conv 4 3x3\nflatten\noutput\ntrain epochs=2 batch=128 optimizer=sgd lr={{1e6, 1e7}}\nsweep"
    with pytest.raises(cnnmagic.RunError, match="all 2 trials of net failed, the first of: RunError: the loss is"):
        cnnmagic.sweep(text, name="net")


def test_without_validation_images_there_is_nothing_to_judge_by() -> None:
    with pytest.raises(cnnmagic.DataError, match=r"the sweep's goal is val_accuracy\."):
        cnnmagic.sweep(f"{NET}train validation=0\nsweep", name="net")


def test_values_that_come_again_are_not_trained_again() -> None:
    text = f"{NET}train epochs=1 batch=128 lr={{0.01, 1e-5}}\nsweep tpe trials=4 prune=no seed=1"
    sweep = cnnmagic.sweep(text, name="net")
    for trial in sweep.trials:
        same = [other for other in sweep.trials if other.values == trial.values]
        assert trial.twin == (None if trial is same[0] else same[0].number)
        assert trial.scores == same[0].scores
    assert len(records()) == len({trial.values for trial in sweep.trials})


@pytest.mark.long
def test_hopeless_trials_are_pruned() -> None:
    text = f"{NET}train epochs=4 batch=64 lr={{1e-6 .. 1e-2 log}}\nsweep random trials=10 seed=2"
    sweep = cnnmagic.sweep(text, name="net")
    pruned = [trial for trial in sweep.trials if trial.state == "pruned"]
    assert pruned
    assert all(trial.number > 5 and len(trial.scores) < 4 for trial in pruned)
    assert sweep.best not in pruned


@pytest.mark.long
def test_stop_keeps_what_is_done_and_the_same_text_goes_on() -> None:
    text = f"{NET}train epochs=2 batch=32 lr={{0.01 .. 0.1 log}}\nsweep trials=4 prune=no"
    whole = cnnmagic.sweep(text, name="whole")
    sweep = cnnmagic.sweep(text, name="net", wait=False)
    wait_until(sweep, 2)
    sweep.stop()
    sweep.wait(LATE)
    assert sweep.state.phase == "stopped"
    done = len(sweep.state.ended)
    assert 2 <= done < 4
    again = cnnmagic.sweep(text, name="net")
    assert again.state.notes == (f"goes on from an earlier sweep of this text, of which {done} trials were done",)
    assert [told(t)[1:4] for t in again.trials] == [told(t)[1:4] for t in whole.trials]


def wait_until(sweep: object, count: int) -> None:
    end = time.monotonic() + LATE
    while len(getattr(sweep, "state", SweepState("")).ended) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


CHILD = """\
import sys, time, cnnmagic
sweep = cnnmagic.sweep(sys.argv[1], name="net", wait=False)
while not (len(sweep.state.ended) == 5 and sweep.run is not None and sweep.run.state.epoch >= int(sys.argv[2])):
    time.sleep(0.005)
print("begun", flush=True)
sweep.wait()
"""


@pytest.mark.long
@pytest.mark.parametrize("epoch", [0, 2])
def test_a_killed_sweep_of_twelve_goes_on_with_the_sixth(epoch: int, runs: Path) -> None:
    text = f"{NET}train epochs=3 batch=64 lr={{1e-3 .. 0.1 log}}\nsweep trials=12 prune=no seed=4"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, text, str(epoch)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None and child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    (before,) = (read(name) for name in ["net"])
    assert [trial.state for trial in before.trials] == ["done"] * 5 + ["interrupted"]
    assert before.phase == "stopped"
    after = cnnmagic.sweep(text, name="net")
    assert [told(trial) for trial in after.trials[:5]] == [told(trial) for trial in before.trials[:5]]
    assert after.trials[5].values == before.trials[5].values
    os.environ["CNNMAGIC_RUNS"] = str(runs / "whole")
    whole = cnnmagic.sweep(text, name="net")
    assert [told(trial) for trial in after.trials] == [told(trial) for trial in whole.trials]


def read(name: str) -> SweepState:
    """A sweep as it lies on disk."""
    from cnnmagic.integrations.sweep import read_sweep
    from cnnmagic.integrations.sweep_cells import Given
    from cnnmagic.integrations.sweep_folder import last_sweep

    record = last_sweep(name)
    assert record is not None
    return read_sweep(record, Given({}, {})).state


def test_half_a_line_and_a_lock_left_by_a_kill_are_mended(runs: Path) -> None:
    from cnnmagic.integrations.study import open_study

    path = runs / "net" / "sweeps" / "1" / "study.log"
    path.parent.mkdir(parents=True)
    open_study(path, Sweep(), 3)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code": 4, "wor')
    path.with_name("study.log.lock").touch()
    open_study(path, Sweep(), 3).ask()
    assert path.read_bytes().startswith(whole)
    assert len(open_study(path, Sweep(), 3).trials) == 1


def test_reading_a_killed_sweep_leaves_its_log_as_it_is(runs: Path) -> None:
    text = f"{NET}train epochs=1 batch=128 tune=no\nsweep grid"
    sweep = cnnmagic.sweep(text, name="net")
    path = runs / "net" / "sweeps" / "1" / "study.log"
    lines = path.read_bytes().splitlines(keepends=True)
    left = b"".join(lines[:-1]) + lines[-1][:20]  # the last trial's end is half written
    path.write_bytes(left)
    before = read("net")
    assert path.read_bytes() == left
    assert [told(trial) for trial in before.trials[:1]] == [told(trial) for trial in sweep.trials[:1]]
    assert (before.phase, before.trials[1].state) == ("stopped", "interrupted")
    after = cnnmagic.sweep(text, name="net")
    assert [told(trial) for trial in after.trials] == [told(trial) for trial in sweep.trials]
    assert after.trials[1].seconds == pytest.approx(sweep.trials[1].seconds, abs=0.5) and after.trials[1].seconds > 0


def test_a_sweep_that_was_killed_before_its_first_line_is_read(runs: Path) -> None:
    from cnnmagic.integrations.sweep_folder import new_sweep

    text = f"{NET}train epochs=1\nsweep grid"
    record = new_sweep("net", {"name": "net", "text": text, "texts": {}, "first_line": 2})
    assert (read("net").phase, read("net").trials, record.study.exists()) == ("stopped", (), False)
    record.study.touch()
    assert (read("net").trials, record.study.read_bytes()) == ((), b"")


def test_a_finished_sweep_that_runs_again_has_no_winner_yet() -> None:
    text = f"{NET}train epochs=1 batch=128 tune=no\nsweep grid"
    cnnmagic.sweep(text, name="net")
    again = cnnmagic.sweep(text, name="net", wait=False)
    seen = [again.state]
    again.listen(seen.append)
    again.wait(LATE)
    for state in seen:
        assert bool(state.winner) == (state.best is not None), state
    assert not seen[0].winner and seen[-1].winner


def test_a_sweep_whose_file_is_no_record_is_left_out(runs: Path) -> None:
    from cnnmagic.integrations.sweep_folder import new_sweep, sweep_records

    kept = new_sweep("net", {"name": "net"})
    (new_sweep("net", {}).folder / "sweep.json").write_text("[1]")
    assert [record.folder for record in sweep_records()] == [kept.folder]


def test_without_optuna_the_cell_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(cnnmagic.CnnError) as caught:
        cnnmagic.sweep(f"{NET}train\nsweep", name="net")
    assert '%pip install "optuna>=3.6"' in str(caught.value)


def test_one_training_takes_no_choices() -> None:
    with pytest.raises(cnnmagic.RunError, match="net has choices in braces"):
        cnnmagic.train(f"{NET}train\nsweep")
