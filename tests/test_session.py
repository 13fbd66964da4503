"""The functions for programs: plan, build, train, and what they take as data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.datasets import Arrays, File, Named
from cnnmagic.errors import DataError, PlanError
from cnnmagic.pipeline import make_plan, retrained, source_of
from cnnmagic.session import Session
from cnnmagic.storage import lock_folder, new_folder, write_about

LAYERS = "conv 2 3x3 relu\nflatten\noutput\nseed 1"
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.integers(0, 256, (80, 8, 8), np.uint8), np.arange(80) % 4


def test_plan_may_be_called_again_and_again() -> None:
    one, other = (cnnmagic.plan("input 8x8x1\n" + LAYERS.replace("output", "output 4")) for _ in range(2))
    assert one == other
    assert one.parameters == 2 * 10 + 6 * 6 * 2 * 4 + 4


def test_build_takes_a_text_or_a_plan() -> None:
    text = "input 8x8x1\n" + LAYERS.replace("output", "output {{count}}")
    planned = make_plan(text, {"count": 4})
    for model in (cnnmagic.build(planned), cnnmagic.build(text, count=4)):
        assert model.count_params() == planned.parameters
        assert model.output_shape == (None, 4)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("digits", Named),
        ("folder/a.npz", File),
        ((X, Y), Arrays),
        ([X, Y, X, Y], Arrays),
    ],
)
def test_source_of(data: Any, kind: type) -> None:
    assert isinstance(source_of(data), kind)


def test_a_path_object_is_a_path() -> None:
    assert source_of(Path("folder") / "a.npz") == File("folder/a.npz")


@pytest.mark.parametrize("data", [3, (X,), (X, Y, X), {"x": X}, None])
def test_what_is_no_data(data: object) -> None:
    with pytest.raises(DataError, match="data can't be") as caught:
        source_of(data)
    assert "images, labels" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "data", "tests"),
    [
        (LAYERS + "\ntrain epochs=1", (X, Y), 16),
        (LAYERS + "\ntrain epochs=1", (X, Y, X[:9], Y[:9]), 9),
        ("data digits\n" + LAYERS + "\ntrain epochs=1", (X, Y), 16),
        ("data digits\n" + LAYERS + "\ntrain epochs=1 batch=256", None, 359),
        ("data {{x}} {{y}}\n" + LAYERS + "\ntrain epochs=1", None, 16),
    ],
)
def test_train(text: str, data: Any, tests: int) -> None:
    variables: dict[str, Any] = {"x": X, "y": Y} if "{{x}}" in text else {}
    run = cnnmagic.train(text, data=data, **variables)
    assert run.state.phase == "finished"
    assert len(run.dataset.test) == tests
    assert len(run.history["loss"]) == 1
    assert set(run.evaluate()) == {"loss", "accuracy"}
    assert run.predict(run.dataset.test.images).shape[0] == tests


def test_train_of_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    run = cnnmagic.train(LAYERS + "\ntrain epochs=1", data=str(tmp_path / "a.npz"), name="from_file")
    with pytest.raises(cnnmagic.RunError, match=r'`cnnmagic.load\("from_file", data=\(images, labels\)\)`'):
        cnnmagic.load("from_file")
    assert cnnmagic.load("from_file", data=str(tmp_path / "a.npz")).history == run.history
    assert run.name == run.model.name == "from_file"


def test_train_in_the_background() -> None:
    run = cnnmagic.train(LAYERS + "\ntrain epochs=100000", data=(X, Y), wait=False)
    assert not run.is_done
    run.stop()
    assert run.wait(30).state.phase == "stopped"


def test_train_without_a_train_line_takes_the_defaults() -> None:
    run = cnnmagic.train(LAYERS, data=(X, Y))
    assert run.state.epochs == 10


def test_train_of_a_text_that_is_wrong() -> None:
    with pytest.raises(PlanError, match="rleu"):
        cnnmagic.train(LAYERS.replace("relu", "rleu"), data=(X, Y))
    with pytest.raises(PlanError, match="no `output`"):
        cnnmagic.train("conv 2 3x3", data=(X, Y))


def test_train_with_bad_arrays_says_which() -> None:
    with pytest.raises(DataError, match="`labels` has 79 labels for 80 images"):
        cnnmagic.train(LAYERS, data=(X, Y[:79]))


def test_retrained_changes_only_what_is_said() -> None:
    planned = make_plan("data digits\n" + LAYERS + "\ntrain epochs=3 batch=64 sgd", {})
    training = retrained(planned, "epochs=5 lr=0.01").training
    assert training is not None
    assert (training.epochs, training.batch_size, training.optimizer, training.learning_rate) == (5, 64, "sgd", 0.01)


@pytest.mark.parametrize("words", ["momentum=0.9", "sgd momentum=0.9"])
def test_retrained_checks_the_whole_line(words: str) -> None:
    planned = make_plan("data digits\n" + LAYERS + "\ntrain sgd epochs=3", {})
    training = retrained(planned, words).training
    assert training is not None
    assert training.momentum == 0.9
    with pytest.raises(PlanError, match="momentum"):
        retrained(planned, "adam momentum=0.9")


def test_a_session_without_a_shell_keeps_its_runs_by_name() -> None:
    session = Session()
    run = session.start("net", make_plan(LAYERS + "\ntrain epochs=1", {}, data=(X, Y)))
    run.wait(30)
    assert session.find("net") is session.find(None) is run


def test_the_last_network_is_the_one_that_was_run_last() -> None:
    session, planned = Session(), make_plan(LAYERS + "\ntrain epochs=1", {}, data=(X, Y))
    for name in ("first", "second", "first"):
        session.keep(name, planned)
    assert session.find_plan(None) == ("first", planned) and list(session.known) == ["second", "first"]


def test_the_training_to_resume_is_none_that_another_process_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    for name, is_held in (("free", False), ("held", True)):
        folder = new_folder(name)
        write_about(folder, {"name": name, "phase": "training", "created": float(is_held)})
        lock = lock_folder(folder) if is_held else None
    assert lock is not None
    assert Session()._record(None).name == "free"
    lock.close()
    assert Session()._record(None).name == "held"
