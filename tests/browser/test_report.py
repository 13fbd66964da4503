"""The report in Chromium: axe-core finds no serious violation, nothing is loaded, nothing runs, it prints whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cnnmagic.explain import language
from cnnmagic.pipeline import make_plan
from cnnmagic.reporting import write_report
from cnnmagic.run import Run
from cnnmagic.session import Session

TEXT = (
    "data digits\nconv 4 3x3 bn relu\nmaxpool 2\nconv 6 2x2 relu\nflatten\noutput\ntrain epochs=2 batch=256\nseed 1\n"
)
SERIOUS = ("serious", "critical")


LOOKS = [("en", "light"), ("en", "dark"), ("en", "narrow"), ("ko", "light"), ("planned", "light")]


@pytest.fixture(scope="module")
def trained() -> Run:
    return Session().start("net", make_plan(TEXT, {})).wait()


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest, trained: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a training in one of two languages, or of its plan."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(language, "_chosen", ["en" if request.param == "planned" else request.param])
        return write_report("net", trained.plan, folder) if request.param == "planned" else trained.report(folder)


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page in the `light` or in the `dark`, or a `narrow` one."""
    width = 360 if request.param == "narrow" else 1_000
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if request.param == "dark" else "light")
    yield page
    context.close()


@pytest.mark.parametrize("report, page", LOOKS, indirect=True)
def test_anyone_can_read_it(report: Path, page: Page, axe: str) -> None:
    page.goto(report.as_uri())
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate("axe.run()")
    told = [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"] if rule["impact"] in SERIOUS]
    assert told == [] and len(found["passes"]) > 20


@pytest.mark.parametrize("report", ["en", "ko", "planned"], indirect=True)
@pytest.mark.parametrize("page", ["light", "dark", "narrow"], indirect=True)
def test_nothing_is_loaded_and_all_fits(report: Path, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    page.goto(report.as_uri())
    assert [address for address in asked if not address.startswith("data:")] == [report.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    page.emulate_media(media="print")
    paper = "getComputedStyle(document.body)"
    assert page.evaluate(f"[{paper}.color, {paper}.backgroundColor]") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    page.set_viewport_size({"width": 690, "height": 1_000})  # A4 between its margins
    wide = "e => e.getBoundingClientRect().right > innerWidth + 1 && !e.parentElement.closest('svg')"
    assert page.evaluate(f"[...document.querySelectorAll('svg, img, td, pre')].filter({wide}).length") == 0
