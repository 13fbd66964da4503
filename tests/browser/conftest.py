"""Lends tests the one JupyterLab and the one Chromium of the session."""

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from tests.browser import chromium
from tests.browser.lab import FLAGS, Lab
from tests.browser.server import Server

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "build" / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives the browser, and run it last: Playwright leaves an event loop running in this thread."""
    items.sort(key=lambda item: HERE in item.path.parents)
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Leave a picture in build/browser/ of a page on which a test failed."""
    report = yield
    lab = item.funcargs.get("shared_lab")
    if report.failed and lab is not None:
        with suppress(Error):
            lab.screenshot(PICTURES / f"{item.name}.png")
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    if path is None:
        pytest.skip("there is no Chromium: `python tests/browser/chromium.py` installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which a package of Python's own brings."""
    found = find_spec("axe_playwright_python")
    if found is None or found.submodule_search_locations is None:
        pytest.skip("axe-playwright-python is not installed")
    return (Path(next(iter(found.submodule_search_locations))) / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if find_spec("jupyterlab") is None:
        pytest.skip("JupyterLab is not installed")
    server = Server(tmp_path_factory.mktemp("jupyterlab"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_lab(server: Server, browser: Browser) -> Lab:
    """For fixtures that lend one notebook to several tests; what they open, the next `open` closes."""
    return Lab(server, browser)


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """JupyterLab for one test, which closes what it opens."""
    yield shared_lab
    shared_lab.close()
