"""`%cnn ask`, `explain`, `doctor` and `lang` in a terminal, and the panel of a notebook without its front end."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnmagic.databricks import runtime_of
from cnnmagic.errors import CnnError
from cnnmagic.explain.answer import Answer
from cnnmagic.explain.catalogue import QUESTIONS
from cnnmagic.explain.doctor import INSTALL, RESTART, Kernel, doctor_text, examine, remedies
from cnnmagic.integrations.study import LEAST
from cnnmagic.magic import keep_question_mark
from cnnmagic.panels import questions_panel
from cnnmagic.pipeline import make_plan
from cnnmagic.session import Session
from cnnmagic.ui.answer_page import AnswerPage
from cnnmagic.ui.panel import Panel
from cnnmagic.ui.upload import uploaded
from cnnmagic.verbs import act
from tests.explain.reading import LENET

SMALL = "data digits\nconv 4 3x3 relu\nmaxpool 2\nflatten\noutput\ntrain epochs=1 batch=256\nseed 1\n"
SWEEPS = {"optuna": "3.6.1"}
NOWHERE = Path("/nonexistent/DBR_VERSION")


@pytest.fixture
def session() -> Session:
    made = Session()
    made.keep("net", make_plan(LENET, {}))
    return made


def told(session: Session, line: str, capsys: pytest.CaptureFixture[str]) -> str:
    act(session, line)
    return capsys.readouterr().out


def test_ask_lists_the_questions(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("ask", "ask net", "explain net"):
        text = told(session, line, capsys)
        assert all(question in text for question in QUESTIONS)


@pytest.mark.parametrize(
    "line", ["ask net why softmax", "ask net softmax", "ask softmax", "explain what's softmax for"]
)
def test_ask_answers(line: str, session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(session, line, capsys).startswith("Why softmax on the last fully connected layer?")


@pytest.mark.parametrize("line", ["ask net pizza with mushrooms", "ask nosuch", "lang xx"])
def test_what_fits_nothing_is_said(line: str, session: Session) -> None:
    with pytest.raises(CnnError) as caught:
        act(session, line)
    assert "There are" in str(caught.value)


def test_lang_ko(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert "한국어" in told(session, "lang ko", capsys)
    assert told(session, "ask net 필터 크기는 항상 홀수인가요?", capsys).startswith("필터 크기는 항상 홀수인가요?")
    assert "English" in told(session, "lang en", capsys)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("%cnn ask net what next?\n", "%cnn ask net what next\n"),
        ("cnn explain net 과적합인가요？ \n", "cnn explain net 과적합인가요\n"),
        ("%cnn runs?\n", "%cnn runs?\n"),
        ("print?\n", "print?\n"),
    ],
)
def test_a_question_mark_is_no_call_for_help(line: str, kept: str) -> None:
    assert keep_question_mark([line]) == [kept]


def test_doctor(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    text = told(session, "doctor", capsys)
    assert keras.__version__ in text and np.__version__ in text and "nothing needs to be installed" in text


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DATABRICKS_RUNTIME_VERSION": "17.3"}, "Databricks Runtime 17.3"),
        ({"DATABRICKS_ENV_VERSION": "5"}, "Databricks serverless environment 5"),
        ({}, ""),
    ],
)
def test_the_runtime_is_told_by_its_variables(variables: dict[str, str], expected: str) -> None:
    assert runtime_of(variables, NOWHERE) == expected


def test_the_runtime_is_told_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "DBR_VERSION").write_text("16.4\n")
    assert runtime_of({}, tmp_path / "DBR_VERSION") == "Databricks Runtime 16.4"
    assert examine({}, tmp_path / "DBR_VERSION").runtime == "Databricks Runtime 16.4"


def test_what_a_kernel_lacks_is_mended_by_a_cell() -> None:
    bare = Kernel("3.12.3", "Databricks Runtime 19.0")
    assert [remedy.cell for remedy in remedies(bare)][:2] == [INSTALL, RESTART]
    assert INSTALL in doctor_text(bare) and "Databricks Runtime 19.0" in doctor_text(bare)
    versions = {"keras": "3.5.0", "tensorflow": "2.19.0", "mlflow": "3.0.1"} | SWEEPS
    old = Kernel("3.12.3", "Databricks Runtime 17.3", versions, ("A10",))
    assert [remedy.cell for remedy in remedies(old)] == ['%pip install "keras>=3.12"', RESTART]
    ready = Kernel("3.12.3", "", {"keras": "3.12.0", "tensorflow": "2.20.0", "mlflow": "3.8"} | SWEEPS, ("A10",))
    assert [remedy.key for remedy in remedies(ready)] == ["ready"]


@pytest.mark.parametrize("optuna", [{}, {"optuna": "3.5.1"}])
def test_without_an_optuna_that_sweeps_the_doctor_gives_its_cell(optuna: dict[str, str]) -> None:
    kernel = Kernel("3.12.3", "", {"keras": "3.12.0", "tensorflow": "2.20.0", "mlflow": "3.8"} | optuna, ("A10",))
    assert [(remedy.key, remedy.cell) for remedy in remedies(kernel)] == [
        ("ready", ""),
        ("no_optuna", f'%pip install "{LEAST}"'),
    ]
    told = doctor_text(kernel).splitlines()
    assert told[-1] == f'    %pip install "{LEAST}"'
    assert [line.split(None, 1)[1] for line in told if line.startswith("optuna ")] == [
        optuna.get("optuna", "not installed")
    ]


def test_a_panel_answers_what_is_opened(session: Session) -> None:
    panel = made(session)
    page = opened(panel, "odd-filters")
    assert "Nearly always" in page.view.value and "<svg" in page.view.value
    assert "<h4>" not in page.view.value and panel.folds[panel.ids.index("odd-filters")].description.startswith("▾ Are")
    assert "6x6" in page.twin.children[0].description
    panel.asked.value = "왜 소프트맥스를 쓰나요"
    finish(panel)
    assert [name for name, page in zip(panel.ids, panel.pages, strict=True) if page.box.layout.display == ""] == [
        "softmax"
    ]
    panel.asked.value = "<script>alert(1)</script>"
    assert "no question fits" in panel.said.value and "<script>" not in panel.said.value


def test_a_question_folds_up_again(session: Session) -> None:
    panel = made(session)
    for display in ("", "none", ""):
        panel.folds[0].click()
        assert panel.pages[0].box.layout.display == display
    finish(panel)


def test_a_panel_says_what_went_wrong(session: Session) -> None:
    panel = made(session)

    def fail(*given: object) -> Answer:
        raise ZeroDivisionError("division by zero")

    panel.pages[0].answer = fail
    panel.open(0)
    finish(panel)
    assert "ZeroDivisionError" in panel.pages[0].view.value


@pytest.fixture(scope="module")
def trained() -> Session:
    """A session with a small trained network."""
    made = Session()
    made.start("net", make_plan(SMALL, {})).wait()
    return made


def test_what_a_reader_sets_changes_the_answer(trained: Session) -> None:
    panel = made(trained)
    page = opened(panel, "softmax")
    assert list(page.settings) == ["image", "temperature"]
    before = page.view.value
    page.settings["temperature"].widget.value = 3.0
    finish(panel)
    assert "Probabilities at temperature 3" in page.view.value
    page.settings["image"].widget.value = 5
    finish(panel)
    assert "image 5 of the validation split" in page.view.value and page.view.value != before
    assert "temperature 3" in page.view.value


def test_another_layer_has_another_number_of_filters(trained: Session) -> None:
    run = trained.start(
        "two", make_plan(SMALL.replace("conv 4 3x3 relu", "conv 8 3x3 relu\nconv 2 3x3 relu"), {})
    ).wait()
    panel = made(trained, "two")
    page = opened(panel, "convolution")
    page.settings["filter"].widget.value = 7
    finish(panel)
    assert "filter 7 of line2_conv" in page.view.value
    page.settings["layer"].widget.value = "line3_conv"
    finish(panel)
    assert "filter 0 of line3_conv" in page.view.value and page.settings["filter"].widget.max == 1
    assert page.settings["filter"].widget.value == 0
    assert run.ask("convolution", layer="line3_conv").controls[-1].most == 15


def test_an_image_of_the_readers_own(trained: Session) -> None:
    panel = made(trained)
    page = opened(panel, "gradcam")
    file = BytesIO()
    Image.fromarray(np.full((20, 30, 3), 200, np.uint8)).save(file, "png")
    page.settings["image"].set("image", file.getvalue())
    finish(panel)
    assert "your own image" in page.view.value
    page.settings["image"].widget.value = 1
    finish(panel)
    assert "image 1 of the validation split" in page.view.value


@pytest.mark.parametrize("value", [{"a.png": {"content": b"12"}}, ({"name": "a.png", "content": memoryview(b"12")},)])
def test_uploads_of_both_versions_of_ipywidgets(value: object) -> None:
    assert uploaded(value) == [b"12"]


def test_names_of_classes_are_text_in_every_answer() -> None:
    images, labels = np.random.default_rng(0).integers(0, 255, (60, 8, 8), np.uint8), np.arange(60) % 2
    names = np.array(['<script>alert("a")</script>', "'\"\u202eb 🐈 {index}"])[labels]
    plan = make_plan("data {{x}} {{y}}\nconv 2 3x3 relu\nflatten\noutput\ntrain epochs=1\n", {"x": images, "y": names})
    hostile = Session()
    run = hostile.start("hostile", plan).wait()
    for question in QUESTIONS:
        page = run.ask(question)._repr_html_()
        assert "<script>" not in page
    assert "alert" in run.ask("confusion")._repr_html_()


def test_a_twin_trains_on_the_same_images(trained: Session) -> None:
    run = trained.find_run("net")
    panel = made(trained)
    page = opened(panel, "odd-filters")
    page.twin.children[0].click()
    finish(panel)
    twin = trained.find_run("net_odd_filters")
    assert twin.dataset is run.dataset and twin.seed == run.seed and twin.state.phase == "finished"
    shown = page.trained.value
    assert "net_odd_filters: finished" in shown and shown.count("<svg") == 2 and "conv 4 4x4 relu" in shown


def made(session: Session, name: str = "net") -> Panel:
    """A panel as `%cnn ask` makes it, without a front end to show it."""
    return questions_panel(session, name, session.find(name))


def opened(panel: Panel, question: str) -> AnswerPage:
    """The page of a question, its answer worked out."""
    number = panel.ids.index(question)
    panel.open(number)
    finish(panel)
    return panel.pages[number]


def finish(panel: Panel) -> None:
    for thread in panel.threads:
        thread.join(60)


def test_a_slip_for_a_name_is_told(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.keep("sg", make_plan(LENET, {}))
    with pytest.raises(CnnError, match="no run `sgg`; did you mean `sg`"):
        act(session, "ask sgg learning rate")
    assert told(session, "ask net why softmax", capsys).split("\n")[0].endswith("? · net")
    assert told(session, "ask learning rate", capsys).split("\n")[0] == "Is the learning rate right? · sg"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("where does it look", "it has no convolution that slides a window over the image."),
        ("why cnn", "it has no convolution that slides a window over the image."),
        ("layers", "it has no dropout, no batch normalisation and no activation before its output."),
    ],
)
def test_why_a_question_does_not_apply(question: str, reason: str, session: Session) -> None:
    session.keep("noconv", make_plan("input 8x8x1\nflatten\noutput 10", {}))
    with pytest.raises(CnnError) as error:
        act(session, f"ask noconv {question}")
    assert str(error.value).split("\n")[0].endswith(f"has no answer for this network: {reason}")
    session.keep("headless", make_plan("input 8x8x1\nconv 2 3x3", {}))
    with pytest.raises(CnnError, match="it has no `output`"):
        act(session, "ask headless is it overfitting")


def test_one_convolution_is_not_near_and_far(session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    session.keep("one", make_plan("input 8x8x1\nconv 2 3x3\nflatten\noutput 10", {}))
    text = told(session, "ask one features", capsys)
    assert "one convolution, `conv 2 3x3`" in text and "farther on, as in" not in text
