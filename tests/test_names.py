"""Names: what a run may be called, and what Keras is told where it takes no such name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.errors import PlanError, RunError
from cnnmagic.names import check_name, scope_name
from cnnmagic.storage import new_folder, records, write_about

CELL = "data digits\n층 <- conv 4 3x3 same relu\n_a <- conv 4 3x3 same relu\nadd 층\nglobalavgpool\noutput\n"


@pytest.fixture(autouse=True)
def folder_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path / "runs"))


@pytest.mark.parametrize("name", ["", "my net", "a/b", "*", "../up", "1st", "for", None, 3])
def test_what_is_no_name(name: Any) -> None:
    with pytest.raises(RunError, match="can't be the name of a run"):
        check_name(name)
    with pytest.raises(RunError, match="can't be the name of a run"):
        cnnmagic.train(CELL + "train epochs=1", name=name)


@pytest.mark.parametrize(("name", "taken"), [("lenet5", "lenet5"), ("숫자", "net"), ("ünï2", "net"), ("_x", "net")])
def test_what_keras_is_told(name: str, taken: str) -> None:
    assert scope_name(name) == taken


def test_names_and_labels_of_any_script_train_and_leave_as_code() -> None:
    run = cnnmagic.train(CELL + "train epochs=1 batch=512\nseed 1", name="숫자")
    assert [step.name for step in run.plan.steps][1:4] == ["line2_conv", "line3_conv", "line4_add"]
    assert run.name == "숫자" and run.model.name == "net"
    assert np.isfinite(run.evaluate()["loss"])
    script = cnnmagic.to_python(run.plan, "숫자")
    parts: dict[str, Any] = {}
    exec(script[: script.index("model.compile")], parts)
    assert [layer.name for layer in parts["model"].layers] == [layer.name for layer in run.model.layers]


@pytest.mark.parametrize("pattern", ["", "*", "[a-c]", "a*", "../a"])
def test_a_pattern_finds_no_run(pattern: str) -> None:
    for name in ("a", "b", "c"):
        write_about(new_folder(name), {"created": 0.0})
    assert [record.name for record in records("a")] == ["a"]
    assert len(records()) == 3 and records(pattern) == []


def test_options_of_train_are_no_variables() -> None:
    with pytest.raises(PlanError, match="Write it in the text: `train epochs=3`"):
        cnnmagic.train(CELL + "train epochs=1", epochs=3)
    planned = cnnmagic.plan("data digits\nflatten\noutput\ntrain epochs={{epochs}}", epochs=1, unused=2)
    assert cnnmagic.train(planned).state.epoch == 1
    assert cnnmagic.train(planned, epochs=2).state.epoch == 2


@pytest.mark.parametrize("given", [5, None, b"data digits"])
def test_what_is_neither_text_nor_plan(given: Any) -> None:
    for verb in (cnnmagic.train, cnnmagic.build, cnnmagic.plan):
        with pytest.raises(PlanError, match="a network is given as text or as its plan"):
            verb(given)
