"""`%cnn report` and `run.report()`: where the page goes, what it holds of networks in every state."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cnnmagic
from cnnmagic.asking import asking
from cnnmagic.engine.splits import fingerprint
from cnnmagic.errors import RunError
from cnnmagic.explain import language
from cnnmagic.explain.catalogue import QUESTIONS, title_of
from cnnmagic.explain.language import set_language
from cnnmagic.pipeline import load_data, make_plan
from cnnmagic.reporting import report_html, write_report
from cnnmagic.run import Run
from cnnmagic.session import Session
from cnnmagic.verbs import act
from tests.ui.page_reader import name_of, problems, read, text_of
from tests.ui.states import STATES

TEXT = (
    "data digits\nconv 4 3x3 bn relu\nmaxpool 2\nconv 6 2x2 relu\nflatten\noutput\ntrain epochs=2 batch=256\nseed 7\n"
)
FEW_MB = 3_000_000


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setattr(language, "_chosen", ["en"])
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture(scope="module")
def run() -> Run:
    return Session().start("reported", make_plan(TEXT, {})).wait()


def headings(html: str) -> list[str]:
    return [text_of(e) for e in read(html).iter() if name_of(e) == "h3"]


def test_a_trained_network_has_it_all(run: Run) -> None:
    path = run.report()
    html = path.read_text(encoding="utf-8")
    assert path == Path("reported.html") and len(html) < FEW_MB
    assert problems(html) == []
    assert headings(html) == [title_of(question) for question in QUESTIONS]
    for told in (
        "%%cnn reported",
        "conv 4 3x3 bn relu",
        fingerprint(run.dataset),
        cnnmagic.__version__,
        "keras",
        "tensorflow",
    ):
        assert told in html
    for missing in ("is planned and not trained", "under way", "follows here when", "nothing is counted"):
        assert missing not in html
    accuracies = [f"{accuracy:.2%}" for accuracy in run.history["val_accuracy"]]
    assert all(accuracy in html for accuracy in accuracies)
    rows = [[text_of(cell) for cell in row] for row in read(html).iter() if name_of(row) == "tr"]
    assert ["seed", "7"] in rows and ["images", "1,294 for training, 144 for validation, 359 for the test"] in rows


def test_the_matrix_is_that_of_the_model(run: Run) -> None:
    split = run.dataset.validation
    answers = np.asarray(run.model.predict(split.images, verbose=0)).argmax(axis=1)
    truth = split.labels.ravel()
    html = report_html("reported", run)
    assert f"Counted on {len(truth)} of the {len(truth)} images of the validation split" in html
    rows = [[text_of(cell) for cell in row] for row in read(html).iter() if name_of(row) == "tr"]
    for number in range(10):
        right = (answers[truth == number] == number).mean()
        assert any(row[:3] == [str(number), str((truth == number).sum()), f"{right:.0%}"] for row in rows)


def test_in_korean(run: Run) -> None:
    set_language("ko")
    html = run.report(Path("ko.html")).read_text(encoding="utf-8")
    assert problems(html) == [] and '<html lang="ko">' in html
    assert headings(html) == [title_of(question) for question in QUESTIONS]
    assert "혼동 행렬" in html


def test_a_planned_network_says_what_is_missing() -> None:
    html = report_html("net", make_plan(TEXT, {}))
    assert problems(html) == []
    assert "is planned and not trained" in html and "%cnn train net" in html
    assert "There are no curves" in html and title_of("softmax") in headings(html)


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        ("queued", "has not begun yet"),
        ("training", "is under way"),
        ("first_epoch", "at epoch 1 of 12"),
        ("paused", "is under way"),
        ("stopped", "ended after 2 of 12 epochs (stopped)"),
        ("failed", "The training failed: ValueError"),
    ],
)
def test_a_network_that_is_not_done_says_so(phase: str, told: str) -> None:
    plan = make_plan(TEXT, {})
    run = asking(Run("net", plan, None, load_data(plan), replace(STATES[phase], name="net")))
    html = run.report().read_text(encoding="utf-8")
    assert problems(html) == [] and told in html


def test_names_from_the_data_are_text() -> None:
    images, labels = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8), np.arange(60) % 2
    names = np.array(["</style><script>alert('a')</script>", "'\"\u202eb 🐈 {index}\x07"])[labels]
    text = "data {{x}} {{y}}  # </pre><script>\u202e\nconv 2 3x3 relu\nflatten\noutput\ntrain epochs=1\n"
    run = Session().start("hostile", make_plan(text, {"x": images, "y": names})).wait()
    html = report_html("hostile", run)
    assert problems(html) == []
    assert "&lt;script&gt;alert" in html and "🐈" in html and "\x07" not in html


def test_an_answer_that_fails_leaves_the_others(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError("<b>too large</b>")

    monkeypatch.setitem(QUESTIONS, "softmax", fail)
    html = report_html("reported", run)
    assert "could not be worked out: MemoryError: &lt;b&gt;too large" in html
    assert len(headings(html)) == len(QUESTIONS)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("report", "net.html"),
        ("report net", "net.html"),
        ("report net seen.html", "seen.html"),
        ("report net seen.htm", "seen.htm"),
        ("report net seen", "seen.html"),
        ("report net folder", "folder/net.html"),
        ('report net "folder/with blanks.html"', "folder/with blanks.html"),
    ],
)
def test_the_verb_writes(line: str, written: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "folder").mkdir()
    session = Session()
    session.keep("net", make_plan(TEXT, {}))
    act(session, line)
    assert capsys.readouterr().out == f"written: {Path(written)}\n"
    assert problems((here / written).read_text(encoding="utf-8")) == []
    act(session, line)  # an earlier report is written anew
    assert [path.name for path in here.rglob(".*")] == []


def test_what_is_no_report_is_kept(here: Path) -> None:
    notes, plan = here / "notes.html", make_plan(TEXT, {})
    notes.write_text("<p>mine</p>")
    with pytest.raises(RunError, match=r"is no report") as caught:
        write_report("net", plan, notes)
    assert "--force" in str(caught.value) and notes.read_text() == "<p>mine</p>"
    assert write_report("net", plan, notes, force=True) == notes
    assert problems(notes.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", ["net.pdf", "net.md", "net.ipynb"])
def test_a_report_is_html(here: Path, name: str) -> None:
    with pytest.raises(RunError, match=r"a report is a page of HTML") as caught:
        write_report("net", make_plan(TEXT, {}), here / name)
    assert "Name it `net.html`" in str(caught.value) and list(here.iterdir()) == []


def test_a_missing_folder_and_a_missing_network_are_told(here: Path) -> None:
    session = Session()
    with pytest.raises(RunError, match="no network yet"):
        act(session, "report")
    session.keep("net", make_plan(TEXT, {}))
    with pytest.raises(RunError, match="there is no folder `nowhere`"):
        act(session, "report net nowhere/net.html")
    with pytest.raises(RunError, match="no run `nett`; did you mean `net`"):
        act(session, "report nett")


def test_a_page_that_can_not_be_written_leaves_the_old_one(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(TEXT, {})
    old = write_report("net", plan).read_text(encoding="utf-8")

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_report("net", plan)
    assert Path("net.html").read_text(encoding="utf-8") == old and list(here.glob(".*")) == []
