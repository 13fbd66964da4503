"""JupyterLab in a browser: opens notebooks, one at a time."""

from pathlib import Path

from playwright.sync_api import Browser, ViewportSize

from tests.browser.notebook import PATIENCE, Notebook
from tests.browser.server import Server

# Without these Chromium asks the network for what no test needs, and as root it refuses to start.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-sandbox",
]
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}


class Lab:
    """One server and one browser, lent to one test at a time."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server = server
        # One context for all pages keeps JupyterLab's own files in the browser's cache.
        self._context = browser.new_context(viewport=VIEWPORT)
        self._context.set_default_timeout(PATIENCE * 1000)

    def open(self, cells: list[str], name: str = "t.ipynb") -> Notebook:
        """Open a new notebook of these cells in place of the last one, and wait for its kernel."""
        self.close()
        self.server.write(name, cells)
        notebook = Notebook(self._context.new_page(), self.server.notebooks / name)
        # The workspace is reset, or the page would open what the last test had open as well.
        notebook.page.goto(f"{self.server.address}/lab/tree/{name}?reset&token={self.server.token}")
        notebook.wait_until_ready()
        return notebook

    def close(self) -> None:
        """Close what is open, end its kernel, and forget the settings that a test changed."""
        for page in self._context.pages:
            page.close()
        self.server.end_sessions()
        self.server.write_settings()

    def screenshot(self, path: Path) -> None:
        """A picture of the page that is open, if one is."""
        for page in self._context.pages:
            page.screenshot(path=path)
