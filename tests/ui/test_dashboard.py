"""The live view without a browser: its words, its size, and what its controls do to the run."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from itertools import count
from typing import Any

import pytest

from cnnmagic.events import (
    Attend,
    Command,
    Event,
    Finished,
    LearningRateSet,
    Pause,
    Paused,
    Resume,
    Resumed,
    SetLearningRate,
    Stop,
)
from cnnmagic.pipeline import make_plan
from cnnmagic.run import Run
from cnnmagic.state import RunState
from cnnmagic.ui import dashboard
from cnnmagic.ui.dashboard import Dashboard, head_html
from cnnmagic.ui.glance import glance
from tests.ui.display import Handle
from tests.ui.states import BIG, HOSTILE, SCRIPT, STARTED, STATES, batch, whole
from tests.waiting import wait_until

PLAN = make_plan("input 8x8x1\nflatten\noutput 10", {})
LARGEST = 5_000


class Words(HTMLParser):
    """The text of HTML, a line for each element of its top level."""

    def __init__(self, html: str):
        super().__init__()
        self.lines: list[str] = []
        self.depth, self.tags = 0, set[str]()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.lines += [""] if self.depth == 0 else []
        self.depth += 1
        self.tags.add(tag)

    def handle_endtag(self, tag):
        self.depth -= 1

    def handle_data(self, data):
        self.lines[-1] += data


class Trained:
    """A run whose work emits what a test says and obeys the commands."""

    def __init__(self, *events: Event):
        self.run, self.told = Run("lenet5", PLAN, None, None), threading.Semaphore(0)
        self.commands: list[Command] = []
        self.run.start(lambda emit, commands: self.work(emit, commands, events))
        assert self.told.acquire(timeout=60)

    def work(self, emit: Callable[[Event], None], commands: Any, events: tuple[Event, ...]) -> None:
        for event in events:
            emit(event)
        self.told.release()
        command = None
        while not isinstance(command, Stop):
            command = commands.get(timeout=60)
            self.commands.append(command)
            match command:
                case Pause():
                    emit(Paused(1_060.0))
                case Resume():
                    emit(Resumed(1.0, 1_061.0))
                case SetLearningRate(rate):
                    emit(LearningRateSet(rate, rate))
        emit(Finished("stopped", 1_070.0))


@pytest.fixture
def trained() -> Iterator[Trained]:
    trained = Trained(STARTED, *whole(2), batch(3, 210))
    yield trained
    trained.run.stop()
    trained.run.wait(60)


@pytest.fixture
def shown(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    """The dashboard of a training under way; nothing is sent anywhere."""
    monkeypatch.setattr(dashboard, "display", lambda *bundle, **options: Handle())
    view = Dashboard(trained.run)
    view.show()
    return view


@pytest.mark.parametrize("name", STATES)
def test_head(name: str, golden: Callable[[str, str], None]) -> None:
    head = Words(head_html(STATES[name]))
    assert len(head.lines) == 4
    golden(f"ui/head_{name}.txt", "\n".join(head.lines))


@pytest.mark.parametrize("state", [BIG, HOSTILE, *STATES.values()], ids=["big", "hostile", *STATES])
def test_messages_are_small(state: RunState) -> None:
    run = Run(state.name, PLAN, None, None)
    run.state = state
    view = Dashboard(run)
    for widget in (view.head, view.loss, view.accuracy):
        assert len(widget.value.encode()) < LARGEST


def test_the_head_has_the_words_of_a_glance() -> None:
    words, head = glance(STATES["training"]), head_html(STATES["training"])
    told = "\n".join(Words(head).lines)
    for part in (words.name, words.phase, words.where, words.clock, words.pace, words.scores):
        assert part in told
    assert f'aria-valuenow="{words.progress * 100:.0f}"' in head


def test_text_of_users_is_escaped() -> None:
    head = Words(head_html(HOSTILE))
    assert "script" not in head.tags
    assert SCRIPT in "".join(head.lines)


def test_the_stop_button(shown: Dashboard, trained: Trained) -> None:
    shown.stop.click()
    assert shown.painted.wait(60)
    assert trained.run.state.phase == "stopped"
    assert "stopped" in shown.head.value
    assert all(control.disabled for control in (shown.stop, shown.pause, shown.rate, shown.log))
    assert "lenet5 stopped" in Handle.updates[-1]["text/plain"]
    assert "data:image/svg+xml;base64," in Handle.updates[-1]["text/html"]


def test_the_pause_button(shown: Dashboard, trained: Trained) -> None:
    shown.pause.click()
    wait_until(lambda: shown.pause.description == "Resume")
    assert "paused" in shown.head.value
    shown.pause.click()
    wait_until(lambda: shown.pause.description == "Pause")
    assert trained.commands == [Pause(), Resume()]


@pytest.mark.parametrize("typed", [0.0125, 1.0, 1.23456789e-5])
def test_a_typed_rate_is_asked_for_once(typed: float, shown: Dashboard, trained: Trained) -> None:
    shown.rate.value = typed
    wait_until(lambda: f"learning rate {typed:.3g}" in shown.head.value)
    # Asked for a second time, it would come before these.
    for description in ("Resume", "Pause"):
        shown.pause.click()
        wait_until(partial(lambda told: shown.pause.description == told, description))
    assert trained.commands == [SetLearningRate(typed), Pause(), Resume()]
    assert shown.rate.value == pytest.approx(typed, rel=1e-3)


def test_the_rate_that_is_shown_is_asked_for_where_another_was_typed_between(
    trained: Trained,
) -> None:
    view = Dashboard(trained.run)  # nothing paints it, as between two paintings
    for typed in (0.5, 0.001):
        view.rate.value = typed
    wait_until(lambda: len(trained.commands) == 2)
    assert trained.commands == [SetLearningRate(0.5), SetLearningRate(0.001)]


@pytest.mark.parametrize("typed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_typed_rate_that_is_none_is_taken_back(typed: float, shown: Dashboard, trained: Trained) -> None:
    shown.rate.value = typed
    trained.run.pause()
    wait_until(lambda: "paused" in shown.head.value)
    wait_until(lambda: shown.rate.value == 0.001)
    assert trained.commands == [Pause()]


def test_pages_of_looks_are_attended_while_they_are_in_view(shown: Dashboard, trained: Trained) -> None:
    for page in (1, 2, 0, 4, 1):
        shown.tab.selected_index = page
    wait_until(lambda: len(trained.commands) == 3)
    assert trained.commands == [Attend(True), Attend(False), Attend(True)]


def _told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the package itself has logged so far."""
    return [record for record in caplog.records if record.name.startswith("cnnmagic")]


@pytest.mark.parametrize("part", ["head_html", "charts", "spoken_html"])
def test_a_part_that_fails_leaves_the_view_alive(
    part: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, trained: Trained
) -> None:
    monkeypatch.setattr(dashboard, "display", lambda *bundle, **options: Handle())
    view, working = Dashboard(trained.run), getattr(dashboard, part)

    def fail(*given: object) -> None:
        raise ZeroDivisionError("of our own")

    monkeypatch.setattr(dashboard, part, fail)
    view.show()
    view.pause.click()
    wait_until(lambda: view.pause.description == "Resume" and _told(caplog))
    assert [record.exc_info is not None for record in _told(caplog)] == [True]
    assert "a part of the view of lenet5 failed" in caplog.text and "ZeroDivisionError: of our own" in caplog.text
    monkeypatch.setattr(dashboard, part, working)
    view.stop.click()
    assert view.painted.wait(60)
    assert "stopped" in view.head.value and "stopped" in view.spoken.value
    assert "lenet5 stopped" in Handle.updates[-1]["text/plain"]


def test_questions_that_fail_leave_the_view_alive(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[int] = []

    def fail() -> Any:
        asked.append(1)
        raise TypeError("unsupported format <b>string</b>")

    monkeypatch.setattr(dashboard, "display", lambda *bundle, **options: Handle())
    view = Dashboard(trained.run, fail)
    view.show()
    view.tab.selected_index = 3
    view.pause.click()
    wait_until(lambda: view.pause.description == "Resume" and view.asked.children and _told(caplog))
    assert "TypeError: unsupported format &lt;b&gt;string" in view.asked.children[0].value and asked == [1]
    assert "a part of the view of lenet5 failed" in caplog.text
    assert view.run is trained.run
    view.stop.click()
    assert view.painted.wait(60) and trained.run.state.phase == "stopped"


def test_the_log_box_redraws_a_paused_run(shown: Dashboard) -> None:
    shown.pause.click()
    wait_until(lambda: "paused" in shown.head.value)
    before = shown.loss.value
    shown.log.value = True
    wait_until(lambda: shown.loss.value != before)


def test_a_run_that_is_over_is_shown_as_a_picture(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    trained.run.stop()
    trained.run.wait(60)
    bundles: list[dict[str, str]] = []
    monkeypatch.setattr(dashboard, "display", lambda bundle, **options: bundles.append(bundle))
    view = Dashboard(trained.run)
    view.show()
    assert view.painted.is_set()
    assert set(bundles[0]) == {"text/plain", "text/html"}


@pytest.mark.parametrize(("taken", "wait"), [(0.0, 0.2), (0.002, 0.5), (1.0, 1.0)])
def test_paintings_are_at_most_five_a_second_and_costly_ones_fewer(
    taken: float, wait: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of our own, on which each takes so many seconds: 2 ms are 0.4 % of half a second."""
    told: list[Any] = []
    clock = count(0.0, taken)
    monkeypatch.setattr(time, "thread_time", lambda: next(clock))
    monkeypatch.setattr(Dashboard, "_paint", lambda view, state: told.append("painting"))
    monkeypatch.setattr(dashboard, "display", lambda *bundle, **options: Handle())
    run = Run("lenet5", PLAN, None, None)
    waited = run.wait_quietly

    def briefly(seconds: float) -> None:
        told.append(pytest.approx(seconds))
        waited(0.01)

    monkeypatch.setattr(run, "wait_quietly", briefly)
    view = Dashboard(run)

    def work(emit, commands):
        emit(STARTED)
        for number in range(1, 101):
            emit(batch(1, number))
            time.sleep(0.005)
        emit(Finished("finished", 1_240.0))

    told.clear()
    run.start(work)
    view.show()
    assert view.painted.wait(60)
    assert told.pop() == "painting"
    assert len(told) > 4
    assert told == ["painting", wait] * (len(told) // 2)
