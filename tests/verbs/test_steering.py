"""The verbs that train and look: the text kept of a training is that which was trained, and names are understood."""

import _thread
import threading
from pathlib import Path

import pytest

from cnnmagic.errors import RunError
from cnnmagic.session import Session
from cnnmagic.verbs import act

NET = "data digits\nconv 2 3x3\nflatten\noutput 10\nseed 1\n"


@pytest.fixture(autouse=True)
def own_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of runs for each test alone."""
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))


@pytest.fixture
def session() -> Session:
    """A session as at a terminal with a network of three trainings, the first of one epoch more."""
    made = Session()
    made.run_cell("net", NET + "train epochs=1 batch=512  # quick", wait=True)
    act(made, "more net 1")
    act(made, "train net")
    act(made, "train net --lr 0.01 batch=256")
    return made


def told(session: Session, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    act(session, line)
    return capsys.readouterr().out


def test_the_text_of_a_training_is_what_was_trained(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    trained = "train epochs=1 batch=256 lr=0.01  # quick"
    assert told(session, "runs net", capsys).split("%%cnn net\n")[1] == NET + trained + "\n"
    assert told(session, "fmt net", capsys).endswith(trained + "\n")
    compared = told(session, "compare net/2 net", capsys)
    assert "-train epochs=1 batch=512  # quick\n+train epochs=1 batch=256 lr=0.01  # quick\n" in compared
    assert "the same text" in told(session, "compare net/1 net/2", capsys)
    twin = session.find_run("net").ask("learning rate").experiment
    assert twin is not None
    assert trained in twin.original


def test_training_anew_has_the_epochs_of_the_text(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line.split() for line in told(session, "runs net", capsys).split("\n")[1:4]]
    assert [(row[0], row[2], row[4]) for row in rows] == [("net", "1", "1"), ("net/1", "2", "2"), ("net/2", "1", "1")]


def test_a_planned_network_gets_the_train_line_that_trains_it(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session()
    session.run_cell("net", NET)
    act(session, "train net batch=512 epochs=1")
    assert told(session, "fmt net", capsys) == f"%%cnn net\n{NET}train batch=512 epochs=1\n"


def test_one_training_by_its_number(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    one = told(session, "runs net/1", capsys)
    assert one.split("\n")[1].startswith("net/1  finished  2 of 2")
    assert one.endswith("train epochs=1 batch=512  # quick\n")
    assert "epoch 2 of 2" in told(session, "load net/1", capsys)
    with pytest.raises(RunError) as error:
        act(session, "evaluate net/2")
    assert str(error.value) == "`net/2` is a training on disk.\n`%cnn load net/2` brings it here first."
    with pytest.raises(RunError, match="`net/x` is no run"):
        act(session, "load net/x")
    for verb in ("evaluate", "ask", "more net 5"):
        with pytest.raises(RunError) as error:
            act(Session(), verb if " " in verb else f"{verb} net")
        assert str(error.value) == "`net` is a training on disk.\n`%cnn load net` brings it here first."


def test_the_text_of_a_studied_network_has_its_train_line(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    difference = told(session, "diff net lenet5", capsys)
    assert "+train epochs=12 batch=128 optimizer=adam" in difference
    assert "epochs             1                12" in difference


@pytest.mark.parametrize(
    "line", ["evaluate net", "rollback net", "save net", "export net --keras", "predict net x.png"]
)
def test_an_interrupt_ends_the_waiting_alone(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.engine.photos import encoded

    (tmp_path / "x.png").write_bytes(encoded(8, 8))
    line = line.replace("x.png", str(tmp_path / "x.png"))
    session = Session()
    session.run_cell("net", NET + "train epochs=9999 batch=512", wait=False)
    try:
        threading.Timer(1, _thread.interrupt_main).start()
        with pytest.raises(RunError) as error:
            act(session, line)
        assert str(error.value).startswith("the waiting is over, and net goes on in the background.\n`%cnn show net`")
        assert f"`{line.split()[0]}` waits for the end of the training of net …" in capsys.readouterr().out
        assert not session.find_run("net").is_done
    finally:
        session.find_run("net").stop()
        session.find_run("net").wait(60)


def test_a_missing_run_names_those_there_are(tmp_path: Path) -> None:
    for name in ["a17", "a1", "b2", "a11", *(f"c{number}" for number in range(6))]:
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / "run.json").write_text("{}")
    with pytest.raises(RunError) as error:
        act(Session(), "load zz")
    assert str(error.value).endswith("There are `a1`, `a11`, `a17`, `b2`, `c0`, `c1`, `c2`, `c3`, ….")
