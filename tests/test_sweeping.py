"""Sweeps in a session: shown, stopped, gone on with by their names."""

import time
from pathlib import Path

import pytest

from cnnmagic import RunError
from cnnmagic.session import Session
from cnnmagic.sweep_run import SweepRun
from cnnmagic.sweeping import sweep_of
from cnnmagic.verbs import act

pytest.importorskip("optuna", reason="sweeps need Optuna")

NET = "data digits\ninput 8x8x1\nconv {2, 4} 3x3\nflatten\noutput\n"
LATE = 120.0


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session as at a terminal, with a folder of runs of its own."""
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    return Session()


def under_way(session: Session, done: int) -> SweepRun:
    """A sweep that has so many trials behind it and trains the next."""
    session.run_cell("net", f"{NET}train epochs=300 batch=64\nsweep grid prune=no", wait=False)
    sweep, end = session.sweeps["net"], time.monotonic() + LATE
    while len(sweep.state.ended) < done or sweep.run is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    return sweep


def test_stop_and_resume_by_name(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = under_way(session, 0)
    with pytest.raises(RunError, match="the sweep of net is under way"):
        act(session, "resume net")
    act(session, "stop net")
    sweep.wait(LATE)
    assert sweep.state.phase == "stopped"
    act(session, "sweep net")
    assert "`%cnn resume net` goes on with trial 1 of 2." in capsys.readouterr().out
    act(session, "runs")
    assert "sweep stopped" in capsys.readouterr().out
    fresh = Session()
    act(fresh, "sweep net")
    assert "net: stopped, 0 of 2 trials are done" in capsys.readouterr().out
    assert sweep_of(fresh, "net") is None


def test_load_brings_back_the_later_of_a_sweep_and_a_training(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    session.run_cell("net", f"{NET}train epochs=1 batch=128\nsweep grid", wait=True)
    capsys.readouterr()
    fresh, before = Session(), session.sweeps["net"].state
    act(fresh, "load net")
    assert before.best is not None
    assert capsys.readouterr().out == (
        f"{before.sentence()}\n\n`%cnn load {before.best.run}` brings the best network back.\n"
    )
    after = fresh.sweeps["net"].state
    assert (after.trials, after.winner, after.importance) == (before.trials, before.winner, before.importance)
    session.run_cell("net", NET.replace("{2, 4}", "2") + "train epochs=1", wait=True)
    act(fresh, "load net")
    assert sweep_of(fresh, "net") is None and fresh.find_run("net").history == session.find_run("net").history


def test_a_sweep_under_way_is_not_loaded(session: Session) -> None:
    sweep = under_way(session, 0)
    with pytest.raises(RunError, match="the sweep of net is under way"):
        act(session, "load net")
    with pytest.raises(RunError, match="net is swept in another process"):
        act(Session(), "load net")
    sweep.stop()
    sweep.wait(LATE)


def test_another_cell_of_the_name_stops_the_sweep(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = under_way(session, 0)
    session.run_cell("net", NET.replace("{2, 4}", "2") + "train epochs=1", wait=True)
    assert "The sweep of net that was under way is stopped." in capsys.readouterr().out
    assert (sweep.wait(LATE).state.phase, sweep_of(session, "net")) == ("stopped", None)


def test_what_there_is_no_sweep_of(session: Session) -> None:
    with pytest.raises(RunError, match="there is no sweep of `net`"):
        act(session, "sweep net")
    session.run_cell("net", NET + "sweep")
    with pytest.raises(RunError, match="net has choices in braces"):
        act(session, "train net epochs=2")


def test_what_needs_one_training_is_told_of_the_sweep(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.run_cell("net", f"{NET}train epochs=1 batch=512\nsweep grid", wait=True)
    best = session.sweeps["net"].state.best
    assert best is not None
    for line in ("evaluate net", "stop net"):
        with pytest.raises(RunError) as error:
            act(session, line)
        assert str(error.value) == f"the sweep of net is over.\n`%cnn load {best.run}` brings the best network back."
    with pytest.raises(RunError, match="net is a sweep, and runs are compared") as error:
        act(session, "compare net net_1")
    assert f"such as `{best.run}`" in str(error.value)
    act(session, f"compare net_1 {best.run}")
    capsys.readouterr()
    act(session, "lrfind net")
    told = capsys.readouterr().out
    assert "Suggested" in told and "--lr found" not in told
