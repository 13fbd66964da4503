"""Lends tests the one JupyterLab and the one Chromium of the session."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium
from tests.browser.lab import FLAGS, Lab
from tests.browser.server import Server

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "build" / "browser"
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives the browser, and run it last: Playwright leaves an event loop running in this thread."""
    items.sort(key=lambda item: HERE in item.path.parents)
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember a failure for the `lab` fixture, which is the one to know the page."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
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
    return Lab(server, browser)


@pytest.fixture
def lab(shared_lab: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """JupyterLab with nothing open. Of a test that fails, a picture is left in build/browser/."""
    yield shared_lab
    if request.node.stash.get(FAILED, False):
        shared_lab.screenshot(PICTURES / f"{request.node.name}.png")
    shared_lab.close()
