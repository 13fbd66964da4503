"""The pages beside the curves: each number of the matrix, the tables and the notes is the state's."""

import base64
import io
import json
import wave
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import ipywidgets as widgets
import numpy as np
import pytest

from cnnmagic.diagnosis import diagnose
from cnnmagic.events import ClassesSeen, LayerNumbers, LayersSeen, Noted, Queued
from cnnmagic.pipeline import make_plan
from cnnmagic.run import Run
from cnnmagic.state import RunState
from cnnmagic.ui import meter, sound
from cnnmagic.ui.chart import describe, draw
from cnnmagic.ui.confusion import MOST_DRAWN, by_class, classes_html, describe_matrix, matrix_svg
from cnnmagic.ui.dashboard import Dashboard, spoken_html
from cnnmagic.ui.earlier import earlier_lines
from cnnmagic.ui.glance import charts, glance
from cnnmagic.ui.meter import Meter
from cnnmagic.ui.pages import advice, layers_html, notes_html, notes_title
from cnnmagic.ui.picture import details_html
from tests.ui.states import SCRIPT, STARTED, STATES, batch, fold, whole

SVG = "{http://www.w3.org/2000/svg}"
PLAN = make_plan("input 8x8x1\nflatten\noutput 10", {})


def seen_of(classes: int, images: int = 2_000) -> tuple[ClassesSeen, Any]:
    """Answers of chance, and their matrix."""
    generator = np.random.default_rng(classes)
    actual = generator.integers(classes, size=images)
    answers = np.where(generator.random(images) < 0.8, actual, generator.integers(classes, size=images))
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (actual, answers), 1)
    cells = tuple((int(a), int(b), int(matrix[a, b])) for a, b in np.argwhere(matrix))
    return ClassesSeen(3, images, 6_000, cells), matrix


def state_of(classes: int, prefix: str = "class ") -> tuple[RunState, Any]:
    seen, matrix = seen_of(classes)
    started = replace(STARTED, classes=tuple(f"{prefix}{n}" for n in range(classes)), chance=float(np.log(classes)))
    return fold(started, *whole(2), seen, batch(3, 210)), matrix


@pytest.mark.parametrize("classes", [2, 10, 12])
def test_each_number_of_the_matrix_stands_in_its_cell(classes: int) -> None:
    seen, matrix = seen_of(classes)
    root = ElementTree.fromstring(matrix_svg(seen, tuple(map(str, range(classes)))))
    *_, numbers = root.iter(f"{SVG}g")
    texts = list(numbers.iter(f"{SVG}text"))
    columns, rows = (sorted({float(text.get(name, "")) for text in texts}) for name in "xy")
    drawn = np.zeros_like(matrix)
    for text in texts:
        drawn[rows.index(float(text.get("y", ""))), columns.index(float(text.get("x", "")))] = int(text.text or "")
    assert (drawn == matrix).all()


@pytest.mark.parametrize("classes", [2, 10, 30, 100, 101, 1_000])
def test_any_number_of_classes_fits(classes: int) -> None:
    state, matrix = state_of(classes)
    html = classes_html(state)
    assert ("<svg" in html) == (classes <= MOST_DRAWN)
    assert len(html) < 150_000
    assert "after epoch 3, on a sample of 2,000 of the 6,000 validation images" in html
    right = np.trace(matrix)
    assert f"{right:,} of 2,000 right" in describe_matrix(state.seen[-1], state.classes)


def test_the_table_s_numbers() -> None:
    seen, matrix = seen_of(10)
    for number, (images, right, worst) in by_class(seen).items():
        others = np.where(np.arange(10) == number, 0, matrix[number])
        assert (images, right) == (matrix[number].sum(), matrix[number, number])
        assert worst is not None
        assert worst[1] == others.max() == others[worst[0]]


def test_names_of_classes_are_escaped() -> None:
    state, _ = state_of(3, SCRIPT)
    assert "<script" not in classes_html(state) + details_html(state)


def test_layers() -> None:
    numbers = (LayerNumbers("conv", 0.1234, 3, 8, 1.5, 0.25), LayerNumbers("<b>", 2.0))
    html = layers_html(fold(STARTED, LayersSeen(2, 64, numbers)))
    for part in ("after epoch 2, for 64 images", "0.123", "3 of 8", "1.5", "0.25", "&lt;b&gt;"):
        assert part in html
    assert "gradient" not in layers_html(fold(STARTED, LayersSeen(2, 64, numbers[1:])))


def test_notes_and_their_count() -> None:
    started = replace(STARTED, chance=2.3)
    state = fold(started, *whole(6), Noted(f"{SCRIPT} happened"))
    assert [diagnosis.kind for diagnosis in diagnose(state)] == ["overfitting"]
    assert notes_title(state) == "Notes (2)"
    assert advice(state) == diagnose(state)[0].text
    assert diagnose(state)[0].text in notes_html(state)
    assert "<script" not in notes_html(state)
    assert notes_title(STATES["training"]) == "Notes"
    assert advice(STATES["training"]) == ""


def test_what_is_folded_under_the_picture() -> None:
    state, _ = state_of(10)
    html = details_html(state)
    assert "<summary>classes</summary>" in html
    assert "<svg" not in html
    data = html.partition("data:image/svg+xml;base64,")[2].partition('"')[0]
    ElementTree.fromstring(base64.b64decode(data))
    assert details_html(STATES["started"]) == ""


def test_a_queued_run_says_behind_whom() -> None:
    assert glance(fold(Queued("resnet"))).phase == "waits for resnet"


def test_earlier_runs_are_thin_lines_that_end_with_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    for number in range(1, 8):
        folder = tmp_path / "lenet5" / str(number)
        folder.mkdir(parents=True)
        history = [{"loss": 1.0, "val_loss": number / x, "accuracy": 0.5} for x in range(1, 21)]
        (folder / "run.json").write_text(json.dumps({"created": number, "history": history}))
    lines = earlier_lines("lenet5", tmp_path / "lenet5" / "7")
    assert [line[0] for line in lines["loss"]] == [(1.0, 2.0), (1.0, 3.0), (1.0, 4.0), (1.0, 5.0), (1.0, 6.0)]
    assert [line[-1] for line in lines["accuracy"]] == [(20.0, 0.5)] * 5
    chart = charts(STATES["training"], earlier=lines)[0]
    plain = charts(STATES["training"])[0]
    assert "5 earlier runs in grey ended at 0.167, 0.25, 0.333, 0.417, 0.5" in describe(chart)  # at epoch 12 of 20
    assert draw(chart).count("<path") == draw(plain).count("<path") + 1
    assert len(draw(chart)) < 5_000
    assert describe(plain) == describe(replace(chart, earlier=()))


class Tool:
    """Stands for psutil's process."""

    def cpu_percent(self) -> float:
        return 150.0

    def memory_info(self) -> Any:
        return SimpleNamespace(rss=1.5e9)


def test_the_meter() -> None:
    use = Meter()
    use.process, use.cores, use.gpu = Tool(), 2, lambda: (40.0, 3.1e9, 15e9)
    assert use.text() == "CPU 75 %, 1.5 GB · GPU 40 %, 3.1 of 15 GB"
    use.process = None
    assert "75 %" in use.text()  # measured a moment ago

    def gone() -> tuple[float, float, float]:
        raise OSError

    use.gpu, use.gpu_at = gone, float("-inf")
    assert use.text() == "CPU 75 %, 1.5 GB"


def test_the_meter_is_the_operating_system_s() -> None:
    psutil = pytest.importorskip("psutil")
    text = Meter().text()
    assert abs(float(text.split()[-2]) - psutil.Process().memory_info().rss / 1e9) < 0.2


def test_the_first_gpu_s_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    done = SimpleNamespace(stdout="40, 3000, 15360\n5, 1, 2\n")
    monkeypatch.setattr("subprocess.run", lambda *words, **options: done)
    assert meter._ask_nvidia() == (40.0, 3000 * 2**20, 15360 * 2**20)


def test_the_tone_is_a_short_sound() -> None:
    data = base64.b64decode(sound.tone_html().partition("base64,")[2].partition('"')[0])
    with wave.open(io.BytesIO(data)) as tone:
        assert 0.1 < tone.getnframes() / tone.getframerate() < 1
    assert "autoplay" in sound.tone_html()


def test_screen_readers_are_told_once_an_epoch() -> None:
    states = [fold(STARTED, *whole(2), batch(3, number)) for number in (10, 210)]
    assert spoken_html(states[0]) == spoken_html(states[1])
    assert "epoch 2 of 12 is done: loss 0.25, validation loss 0.081, accuracy 0.976" in spoken_html(states[0])
    assert STATES["finished"].sentence() in spoken_html(STATES["finished"])


def view_of(state: RunState, questions: Any = None) -> Dashboard:
    run = Run(state.name, PLAN, None, None)
    run.state = state
    return Dashboard(run, questions)


def test_only_the_page_in_view_is_painted() -> None:
    state, _ = state_of(10)
    view = view_of(state)
    pages = {1: view.classes, 2: view.layers, 4: view.notes}
    assert not any(page.value for page in pages.values())
    for index, page in pages.items():
        before = view.loss.value
        view.tab.selected_index = index
        view._paint(state)
        assert page.value
        assert len(page.value.encode()) < 15_000
        assert view.loss.value == before


def test_pages_have_one_height() -> None:
    state, _ = state_of(10)
    view = view_of(state)
    for index, page in ((1, view.classes), (2, view.layers), (4, view.notes)):
        view.tab.selected_index = index
        view._paint(state)
        assert page.value.startswith('<div style="height:310px;overflow:auto')
    assert {child.layout.min_height for child in view.tab.children} == {"350px"}


def test_the_questions_are_made_when_they_are_first_in_view() -> None:
    made: list[widgets.Widget] = []

    def make() -> widgets.Widget:
        made.append(widgets.HTML("a question"))
        return made[-1]

    view = view_of(STATES["training"], make)
    assert view.tab.get_title(3) == "Questions" and not made
    for _ in range(2):
        view.tab.selected_index = 3
        view._paint(STATES["training"])
    assert view.asked.children == (made[0],) and len(made) == 1


def test_the_notes_tab_counts_them() -> None:
    view = view_of(fold(replace(STARTED, chance=2.3), *whole(6)))
    assert view.tab.get_title(4) == "Notes (1)"
    assert "Overfitting?" in view.advice.value


def test_the_box_asks_for_norms(monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_of(STATES["training"])
    asked: list[str] = []
    monkeypatch.setattr(view.run, "watch", asked.append)
    view.norms.value = True
    view.norms.value = False
    assert asked == ["all", "classes"]
