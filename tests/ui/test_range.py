"""The range test's result for the eye: its text, its picture, and what its one button does."""

import base64
import re
import threading
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import ipywidgets as widgets
import pytest

from cnnmagic.device import device
from cnnmagic.errors import RunError
from cnnmagic.rate_search import Progress, RateSearch
from cnnmagic.rates import RateCurve, judged
from cnnmagic.ui import range_view
from cnnmagic.ui.range_chart import progress_text, range_chart, range_drawing, range_html, range_text
from cnnmagic.ui.range_view import RangeView
from tests.ui.display import Handle
from tests.waiting import wait_until

RATES = [1e-6 * 10 ** (number / 4) for number in range(24)]
LOSSES = [2.3] * 8 + [2.2, 2.0, 1.6, 1.1, 0.7, 0.4, 0.2, 0.1, 0.1, 0.2, 0.3, 0.5, 0.9, 2.0, 9.0, 40.0]
FOUND = judged(RATES, LOSSES, "the loss blew up")
NOTHING = judged(RATES, [2.3] * len(RATES), "the largest rate was reached")
NONE_YET = judged([], [], "the test was ended")


@pytest.mark.parametrize(("name", "curve"), [("found", FOUND), ("nothing", NOTHING), ("none_yet", NONE_YET)])
def test_the_result_as_text(name: str, curve: RateCurve, golden: Callable[[str, str], None]) -> None:
    golden(f"ui/range_{name}.txt", range_text(curve, "lenet5"))


@pytest.mark.parametrize("curve", [FOUND, NOTHING, NONE_YET])
def test_the_picture_is_kept_by_notebooks_and_says_its_sentence(curve: RateCurve) -> None:
    html = range_html(curve, "lenet5 <b>")
    picture = ElementTree.fromstring(base64.b64decode(re.findall(r"base64,([^\"]+)", html)[0]))
    assert picture.get("viewBox")
    assert "learning rates of lenet5 <b>" in picture.get("aria-label", "")
    assert curve.reason in html and "<b>" not in html


def test_the_suggested_rate_is_marked_on_the_smoothed_curve() -> None:
    chart = range_chart(FOUND, "net")
    assert FOUND.suggested is not None
    assert chart.best and chart.best[0] == FOUND.suggested and chart.best[1] in FOUND.smoothed
    assert f"suggested {FOUND.suggested:g}" in range_drawing(FOUND, "net")
    assert range_chart(NOTHING, "net").best is None


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress(), "lrfind of net begins"),
        (Progress(behind="other"), "lrfind of net waits for the end of other"),
        (Progress(57, 200, 2.1e-5, 2.3084), "lrfind of net: batch 57 of 200, rate 2.1e-5, loss 2.31"),
    ],
)
def test_progress(progress: Progress, text: str) -> None:
    assert progress_text(progress, "net") == text


def searched(test: Callable[..., RateCurve], name: str = "net") -> tuple[RateSearch, list[RateCurve]]:
    found: list[RateCurve] = []
    return RateSearch(name, test, found.append), found


def ended(search: RateSearch) -> RateSearch:
    search.wait(60)
    assert search.is_done
    return search


def test_a_search_tells_how_far_it_is_and_can_be_ended() -> None:
    def test(tell: Any, stopped: Callable[[], bool]) -> RateCurve:
        tell(1, 200, 1e-7, 2.3)
        while not stopped():
            time.sleep(0.01)
        return FOUND

    search, found = searched(test)
    search.start()
    wait_until(lambda: search.progress.batch == 1)
    assert device.holder == "lrfind of net"
    search.stop()
    assert ended(search).curve is FOUND and found == [FOUND]
    assert device.is_free


def test_a_search_waits_for_the_device_and_may_give_up() -> None:
    search, found = searched(lambda tell, stopped: FOUND)
    place = device.come()
    assert device.reach(place, "other", 0)
    search.start()
    wait_until(lambda: search.progress.behind == "other")
    search.stop()
    assert ended(search).curve is None and found == []
    device.leave(place)


def test_a_failure_of_a_search_is_kept() -> None:
    def test(tell: Any, stopped: Any) -> RateCurve:
        raise RunError("no memory.")

    search, _ = searched(test)
    search.start()
    assert str(ended(search).error) == "no memory."
    assert device.is_free


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., RangeView]:
    """Show a search of a test; nothing is sent anywhere."""
    monkeypatch.setattr(range_view, "display", lambda *bundle, **options: Handle())
    Handle.updates.clear()

    def show(test: Callable[..., RateCurve], train: Callable[[float], Any]) -> RangeView:
        search, _ = searched(test)
        view = RangeView(search, train)
        view.show()
        search.start()
        return view

    return show


def test_the_button_ends_the_test_and_then_trains(shown: Any) -> None:
    trained: list[float] = []
    followed = threading.Event()

    class Board:
        def __init__(self) -> None:
            self.box = widgets.HTML("the dashboard")

        def follow(self, handle: Any) -> None:
            followed.set()

    def test(tell: Any, stopped: Callable[[], bool]) -> RateCurve:
        while not stopped():
            time.sleep(0.01)
        return FOUND

    def train(rate: float) -> Board:
        trained.append(rate)
        return Board()

    view = shown(test, train)
    assert view.button.description == "Stop"
    view.button.click()
    assert view.painted.wait(60)
    assert view.button.description == f"Train with {FOUND.suggested:g}"
    assert "<svg" in view.body.value and Handle.updates[0]["text/plain"] == range_text(FOUND, "net")
    view.button.click()
    view.button.click()
    assert followed.wait(60)
    assert trained == [FOUND.suggested]
    assert view.below.children[0].value == "the dashboard"


def test_without_a_rate_there_is_nothing_to_train(shown: Any) -> None:
    view = shown(lambda tell, stopped: NOTHING, lambda rate: pytest.fail("trained"))
    assert view.painted.wait(60)
    assert view.button.disabled
    view.button.click()


def test_failures_are_shown(shown: Any) -> None:
    def fail(*given: Any) -> Any:
        raise RunError("no <memory>.")

    view = shown(fail, fail)
    assert view.painted.wait(60)
    assert "no &lt;memory&gt;." in view.body.value and view.button.disabled
    view = shown(lambda tell, stopped: FOUND, fail)
    assert view.painted.wait(60)
    view.button.click()
    wait_until(lambda: len(view.below.children) > 1)
    assert "no &lt;memory&gt;." in view.below.children[1].value and not view.button.disabled
