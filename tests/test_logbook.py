"""The runs as rows, and which of them can be compared."""

from pathlib import Path
from typing import Any

import pytest

from cnnmagic.logbook import Entry, standings
from cnnmagic.pipeline import make_plan
from cnnmagic.session import Session
from cnnmagic.verbs import act


def entry(name: str, source: str, fingerprint: str = "") -> Entry:
    data = f"{source} {fingerprint}".strip()
    history = ({"val_accuracy": 0.5},)
    return Entry(name, "finished", 1, history, 100, None, data, None, {}, "", fingerprint)


@pytest.mark.parametrize(
    ("own", "other", "same"),
    [
        (("mnist", "aa"), ("mnist", "aa"), True),
        (("mnist", "aa"), ("mnist", "bb"), True),  # another seed, or more images for validation
        (("mnist", "aa"), ("digits", "bb"), False),
        (("mnist", ""), ("mnist", "aa"), True),
        (("mnist", ""), ("fashion_mnist", "aa"), False),
        (("images:a b", "aa"), ("images:a", "cc"), False),
        (("images:pets", "aa"), ("images:/home/me/pets", "aa"), True),
        (("{{x}} {{y}}", "aa"), ("{{x}} {{y}}", "bb"), False),
        (("{{x}} {{y}}", "aa"), ("{{u}} {{v}}", "aa"), True),
        (("{{x}} {{y}}", ""), ("{{x}} {{y}}", "bb"), True),
        (("-", ""), ("-", ""), False),
        (("None", ""), ("None", ""), False),
    ],
)
def test_runs_on_the_same_data(own: Any, other: Any, same: bool) -> None:
    rows = standings([entry("other", *other)], entry("own", *own))
    assert (rows == [("run", "state", "best", "parameters"), ("other", "finished", "50.00%", "100")]) == same
    assert same or not rows


def test_the_answer_on_architecture_leaves_runs_on_other_data_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    session = Session()
    for name, data in (("one", "digits"), ("two", "mnist"), ("three", "digits")):
        session.keep(name, make_plan(f"data {data}\nconv 2 3x3\nglobalavgpool\noutput", {}))
    act(session, "ask one architecture")
    told = capsys.readouterr().out.partition("The runs so far on the same data:")[2]
    assert [line.split()[0] for line in told.split("\n\n")[1].strip().split("\n")] == ["run", "one", "three"]
