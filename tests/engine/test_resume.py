"""A training that was stopped, or whose disk is full, goes on to the history that it would have had."""

import json
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic import lifecycle
from cnnmagic.engine.checkpoint import read_weights
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.mean import put_mean
from cnnmagic.errors import RunError
from cnnmagic.lifecycle import begin, work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.plans import Training
from cnnmagic.run import Run
from cnnmagic.state import RunState
from cnnmagic.storage import find_record, records
from cnnmagic.ui.glance import glance
from tests.engine.other_process import begun, numbers
from tests.waiting import wait_until

LAYERS = "data digits\naugment flip\nconv 8 3x3 relu bn\ndropout 0.3\nflatten\ndense 32 relu\noutput 10\nseed 5\n"
LATE = 120.0


def planned(words: str = "", layers: str = LAYERS, epochs: int = 3) -> Any:
    return make_plan(layers + f"train epochs={epochs} batch=64 {words}", {})


def prepared(name: str, words: str = "", layers: str = LAYERS, epochs: int = 3) -> Run:
    plan = planned(words, layers, epochs)
    return begin(name, plan, build_model(plan, name), load_data(plan))


def trained(name: str, words: str = "", layers: str = LAYERS, epochs: int = 3) -> Run:
    run = prepared(name, words, layers, epochs)
    run.start(work_of(run))
    return run.wait(LATE)


@cache
def undisturbed(words: str = "") -> Run:
    """A training that nothing stopped, for others to be compared with."""
    return trained("undisturbed", words)


def left_by_a_kill(run: Run) -> None:
    """Let the record of a run tell what it tells where its process was killed."""
    assert run.folder is not None
    about = {**find_record(run.name).about, "phase": "training"}
    (run.folder / "run.json").write_text(json.dumps(about))


def stop_at(run: Run, batches: int) -> Run:
    """Stop a run when so many batches of the whole training are done."""
    from cnnmagic.engine import loop

    def look(state: RunState, event: object) -> None:
        if (max(state.epoch, 1) - 1) * state.batches + state.batch >= batches and not run._stopping:
            run.stop()

    run.listen(look)
    before, loop.SECONDS_BETWEEN_REPORTS = loop.SECONDS_BETWEEN_REPORTS, 0.0
    try:
        run.start(work_of(run))
        run.wait(LATE)
    finally:
        loop.SECONDS_BETWEEN_REPORTS = before
    run._listeners.clear()
    return run


@pytest.mark.parametrize(
    "batches, words",
    [
        (1, "schedule=onecycle"),
        (10, "early_stop=2"),
        (10, "ema=0.9"),
        (21, "schedule=onecycle"),
        (21, "ema=0.9"),
        (21, "validation=0"),
        (22, "sgd lr=0.1 momentum=0.9"),
        (63, "early_stop=2"),
    ],
)
def test_a_stopped_training_resumes_to_the_same_numbers(batches: int, words: str) -> None:
    expected = undisturbed(words)
    run = stop_at(prepared("stopped", words), batches)
    assert run.state.phase == "stopped"
    run.go_on()
    run.wait(LATE)
    assert numbers(run.history) == numbers(expected.history)
    assert run.state.phase == expected.state.phase
    for one, other in zip(run.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_more_epochs_are_those_of_a_longer_training() -> None:
    longer = trained("longer", epochs=5)
    run = trained("shorter", epochs=3)
    run.more(2).wait(LATE)
    assert numbers(run.history) == numbers(longer.history)
    assert run.state.epochs == 5 and run.plan.training.epochs == 5  # type: ignore[union-attr]  # it trains


def test_a_rate_set_in_a_pause_outlives_a_stop() -> None:
    run = prepared("steered", epochs=500)
    run.start(work_of(run))
    run.pause()
    while run.state.phase != "paused":
        time.sleep(0.01)
    run.set_learning_rate(0.0125)
    run.stop()
    run.wait(LATE)
    assert run.snapshot.position.peak == 0.0125
    run.go_on()
    run.stop()
    run.wait(LATE)
    assert float(run.model.optimizer.learning_rate) == pytest.approx(0.0125)


def test_the_disk_tells_where_the_schedule_of_more_epochs_begins(monkeypatch) -> None:
    longer, run = (trained(name, "schedule=cosine", epochs=2) for name in ("longer", "killed"))
    longer.more(2).wait(LATE)
    monkeypatch.setattr(Keeper, "keep", lambda *_: True)  # as if the kill came before the next checkpoint
    run.more(2).wait(LATE)
    monkeypatch.undo()
    left_by_a_kill(run)
    assert numbers(cnnmagic.resume("killed").history) == numbers(longer.history)


def test_a_file_that_is_no_checkpoint_is_said_to_be_none() -> None:
    run = trained("spoilt", epochs=1)
    assert run.folder is not None
    path = run.folder / "checkpoint.npz"
    for spoilt in (b"", b"PK", path.read_bytes()[:-100], b"text"):
        path.write_bytes(spoilt)
        with pytest.raises(RunError, match="can't be read"):
            cnnmagic.load("spoilt")


@pytest.mark.parametrize("words", ["", "ema=0.9", "lr=0.02 early_stop=3", "ema=0.9 lr=0.02 early_stop=3"])
def test_a_run_loaded_from_disk_has_the_weights_that_it_ended_with(words: str) -> None:
    run = trained("kept", words, epochs=4)
    loaded = cnnmagic.load("kept")
    for one, other in zip(run.model.get_weights(), loaded.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    if run.state.phase == "finished":
        longer = numbers(run.more(1).wait(LATE).history)
        assert numbers(loaded.more(1).wait(LATE).history) == longer


def test_a_run_loaded_from_disk_is_the_one_that_was_kept() -> None:
    run = trained("kept")
    loaded = cnnmagic.load("kept")
    assert loaded.history == run.history and loaded.is_done and loaded.state.phase == "finished"
    assert loaded.evaluate() == run.evaluate()
    loaded.more(1).wait(LATE)
    assert numbers(loaded.history) == numbers(trained("fourth", epochs=4).history)


def test_rolling_back_gives_the_best_epoch_s_weights() -> None:
    run = prepared("best", "lr=0.02", epochs=6)
    seen: list[list[Any]] = []
    run.listen(lambda state, event: seen.append(run.model.get_weights()) if len(state.history) > len(seen) else None)
    run.start(work_of(run))
    run.wait(LATE)
    assert run.roll_back() == run.state.best_epoch
    for one, other in zip(run.model.get_weights(), seen[(run.state.best_epoch or 0) - 1], strict=True):
        np.testing.assert_array_equal(one, other)
    scores = run.evaluate("validation")
    assert run.state.best is not None and scores["accuracy"] == pytest.approx(run.state.best["val_accuracy"])


@pytest.mark.parametrize("words", ["", "ema=0.9"])
def test_after_rolling_back_a_training_goes_on_from_the_best_weights(words: str) -> None:
    run = stop_at(prepared("back", f"lr=0.02 {words}", epochs=6), 70)
    assert run.folder is not None and run.snapshot.position.batch
    kept, (best, _) = run.snapshot.variables, read_weights(run.folder)
    run.roll_back()
    variables = run.snapshot.variables
    for one, other in zip((*variables.model, *variables.metrics), (*best, *kept.metrics), strict=True):
        np.testing.assert_array_equal(one, other)
    if words:
        trained = [variable.numpy() for variable in run.model.trainable_variables]
        put_mean(run.model)
        for one, weight in zip(trained, run.model.trainable_variables, strict=True):
            np.testing.assert_array_equal(one, weight.numpy())
    run.go_on()
    assert run.wait(LATE).state.phase == "finished" and len(run.state.history) == 6


def test_a_run_from_disk_goes_on_after_rolling_back() -> None:
    stop_at(prepared("far", "lr=0.02", epochs=6), 70)
    run = cnnmagic.load("far")
    sums = run.snapshot.variables.metrics
    run.roll_back()
    assert run.snapshot.variables.metrics is sums
    run.go_on()
    assert run.wait(LATE).state.phase == "finished"


def test_weights_that_are_no_numbers_are_never_the_best() -> None:
    run = prepared("lost", epochs=2)
    keeper = Keeper(run.model, run.folder, 60, lambda: run.state, run.note)
    keeper.keep_best(1, 0.5)
    run.model.trainable_variables[0].assign(np.full(run.model.trainable_variables[0].shape, np.nan))
    keeper.keep_best(2, 0.9)
    keeper.close()
    assert keeper.best == 0.5 and run.folder is not None and read_weights(run.folder)[1] == 1


def test_a_training_that_cannot_go_on_keeps_where_it_was() -> None:
    run = stop_at(prepared("held"), 30)
    snapshot = run.snapshot

    def broken(*_: Any) -> None:
        raise RunError("the session is gone.")

    run.start(work_of(run, snapshot, train=broken))
    run.wait_quietly(LATE)
    assert run.state.phase == "failed" and run.snapshot is snapshot
    run.go_on()
    assert numbers(run.wait(LATE).history) == numbers(undisturbed().history)


def test_a_run_brought_back_knows_what_it_failed_of() -> None:
    run = prepared("burst", words="sgd lr=1e30")
    run.start(work_of(run))
    run.wait_quietly(LATE)
    back = cnnmagic.load("burst")
    assert "the loss is" in run.state.failure and back.state.failure == run.state.failure
    assert back.state.sentence().endswith(run.state.failure) and glance(back.state).cause == run.state.failure
    told = back.ask("learning-rate").text
    assert "No, it is too high for these numbers: the loss is" in told


def test_a_run_loaded_while_it_trains_says_so() -> None:
    run = prepared("live", epochs=500)
    run.start(work_of(run))
    wait_until(lambda: run.folder is not None and (run.folder / "checkpoint.npz").exists())
    try:
        assert "still in training" in cnnmagic.load("live").state.notes[-1]
    finally:
        run.stop()
        run.wait(LATE)
    assert not any("still in training" in note for note in cnnmagic.load("live").state.notes)


@pytest.mark.parametrize("epochs", [2.5, "x", 0, -1, None])
def test_more_takes_whole_numbers(epochs: Any) -> None:
    run = trained("some", epochs=1)
    with pytest.raises(RunError, match=f"{epochs!r} epochs can't be trained"):
        run.more(epochs)
    assert run.state.phase == "finished"


def test_more_that_is_refused_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained("refused", epochs=1)
    plan, notes = run.plan, run.state.notes

    def refuse(plan: Any) -> None:
        raise RunError("the cluster is full.")

    monkeypatch.setattr(lifecycle, "check_places", refuse)
    with pytest.raises(RunError, match="full"):
        run.more(3)
    assert run.plan is plan and run.state.notes == notes


def test_a_training_that_waits_for_its_turn_is_no_one_else_s() -> None:
    first = prepared("first", epochs=500)
    first.start(work_of(first))
    run = prepared("second", epochs=1)
    run.start(work_of(run))
    assert find_record("second").is_running
    with pytest.raises(RunError, match="second is in training in another process"):
        cnnmagic.resume("second")
    first.stop()
    assert run.wait(LATE).state.phase == "finished" and not find_record("second").is_running


def test_a_full_disk_keeps_the_last_good_checkpoint_and_the_training_goes_on(monkeypatch) -> None:
    run, calls, real = prepared("full", epochs=4), [], np.savez

    def savez(file: Any, **arrays: Any) -> None:
        calls.append(file.name)
        if len(calls) > 3:
            file.write(b"PK half a file")
            raise OSError(28, "No space left on device")
        real(file, **arrays)

    monkeypatch.setattr(np, "savez", savez)
    run.start(work_of(run))
    run.wait(LATE)
    assert run.state.phase == "finished" and len(run.state.history) == 4
    assert [note for note in run.state.notes if "No space left on device" in note]
    assert run.state.notes[-1].startswith("the end is not kept on disk: `%cnn resume full` goes on")
    monkeypatch.undo()
    assert find_record("full").about["phase"] == "training"
    again = cnnmagic.resume("full")
    assert numbers(again.history) == numbers(run.history)
    assert run.folder is not None and not list(run.folder.glob(".*part"))
    assert find_record("full").about["phase"] == "finished"


def test_a_run_in_training_elsewhere_is_not_resumed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    process = begun(tmp_path, "train", LAYERS + "train epochs=500 batch=32")
    try:
        while not [record for record in records("net") if record.is_running]:
            time.sleep(0.05)
        with pytest.raises(RunError, match="in training in another process"):
            cnnmagic.resume("net")
    finally:
        process.kill()
        process.communicate()
    assert not find_record("net").is_running


def test_other_data_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    images, labels = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), np.uint8), np.arange(60) % 3
    run = cnnmagic.train("data {{x}} {{y}}\nflatten\noutput\ntrain epochs=1", x=images, y=labels, name="arrays")
    assert cnnmagic.load("arrays", x=images, y=labels).history == run.history
    with pytest.raises(RunError, match="the data are not those"):
        cnnmagic.load("arrays", x=images + 1, y=labels)
    with pytest.raises(cnnmagic.CnnError, match="x"):
        cnnmagic.load("arrays")


def test_nothing_to_resume() -> None:
    run = trained("done", epochs=1)
    run.resume()  # a Resume that comes too late, as from a button, does nothing
    assert run.is_done
    with pytest.raises(RunError, match="nothing to resume"):
        run.go_on()
    with pytest.raises(RunError, match="nothing to resume"):
        cnnmagic.resume("done")
    with pytest.raises(RunError, match="no run `nobody`"):
        cnnmagic.resume("nobody")


def test_a_run_killed_before_its_first_checkpoint_begins_anew() -> None:
    run = prepared("early")
    work_of(run)  # what it is, is on record while it waits for its turn
    assert find_record("early").about["phase"] == "training"
    again = cnnmagic.resume("early")
    assert "no checkpoint had been written yet: the training begins anew" in again.state.notes
    assert numbers(again.history) == numbers(undisturbed().history)
    assert again.folder == run.folder


def test_the_workers_of_a_record() -> None:
    run = trained("older", epochs=1)
    about = find_record("older").about
    assert run.folder is not None and about["training"]["workers"] is None
    for told, meant in ((1, None), (4, 4)):  # by `%cnn train older workers=4`, which is not in the text
        about["training"]["workers"] = told
        (run.folder / "run.json").write_text(json.dumps(about))
        assert cnnmagic.load("older").plan.training == replace(run.plan.training or Training(), workers=meant)
