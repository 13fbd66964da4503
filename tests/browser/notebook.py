"""One notebook open in JupyterLab, as a test uses it.

What a user does with the mouse to run, save or restart is done here by JupyterLab's own commands: a click
that comes while the page still settles is lost. What a test is about, it clicks and reads in `page`.
"""

from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import Locator, Page

PATIENCE = 60

OPENED = "() => window.jupyterapp?.shell.currentWidget?.sessionContext"

# The page shows a kernel as idle before it can run anything: only these promises tell.
READY = """async () => {
    await jupyterapp.restored;
    const panel = jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
}"""

RUN = """index => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.deselectAll();
    notebook.activeCellIndex = index;
    window.lastRun = jupyterapp.commands.execute("notebook:run-cell");
}"""

ERROR = """index => {
    const outputs = jupyterapp.shell.currentWidget.content.widgets[index].model.outputs.toJSON();
    const error = outputs.find(output => output.output_type === "error");
    return error ? `${error.ename}: ${error.evalue}` : null;
}"""

INTERRUPT = "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.interrupt()"

# The kernel object outlives its process, so that what it knew to be ready must be asked anew.
RESTART = """async () => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    await kernel.restart();
    await kernel.requestKernelInfo();
}"""

SAVE = "() => jupyterapp.shell.currentWidget.context.save()"

THEME = """name => jupyterapp.commands.execute("apputils:change-theme", {theme: name})"""

# Playwright waits for a promise without end, and takes it for true where it polls.
BOUNDED = """argument => Promise.race([
    (%s)(argument),
    new Promise((_, reject) => setTimeout(() => reject(new Error("not done in %s s")), %s * 1000)),
])"""


class Notebook:
    """A notebook whose kernel is ready; cells are counted from 0."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path

    def wait_until_ready(self) -> None:
        self.page.wait_for_function(OPENED)
        self._await(READY)
        self._wait_for_the_splash_to_go()

    def run(self, index: int) -> None:
        """Start a cell, and don't wait for it."""
        self.page.evaluate(RUN, index)

    def run_and_wait(self, index: int, timeout: float = PATIENCE, fails: bool = False) -> None:
        """Run a cell to its end and hold it to its outcome: an error where `fails`, none otherwise."""
        self.run(index)
        self._await("() => window.lastRun", timeout=timeout)
        error = self.error(index)
        assert (error is not None) == fails, f"cell {index} ended with {error or 'no error'}"

    def error(self, index: int) -> str | None:
        """The name and text of the error that a cell shows, if any."""
        return self.page.evaluate(ERROR, index)

    def interrupt(self) -> None:
        self._await(INTERRUPT)

    def restart(self) -> None:
        self._await(RESTART)

    def reload(self) -> None:
        """Load the page again. The kernel runs on; what was not saved is lost, as a user would lose it."""
        self.page.reload()
        self.wait_until_ready()

    def save(self) -> None:
        self._await(SAVE)

    def read(self) -> NotebookNode:
        """The notebook as it was last saved."""
        return nbformat.read(self.path, as_version=4)

    def output(self, index: int) -> Locator:
        """The part of the page that shows what a cell put out."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-Cell-outputArea")

    def theme(self, name: str) -> None:
        """Change to a theme by its name in the menu, such as "JupyterLab Dark"."""
        self._await(THEME, name)
        self.page.locator(f"body[data-jp-theme-name='{name}']").wait_for(state="attached")
        self._wait_for_the_splash_to_go()

    def screenshot(self, path: Path | str) -> None:
        self.page.screenshot(path=path)

    def _wait_for_the_splash_to_go(self) -> None:
        """JupyterLab's moons cover the page for a second or more after it is ready."""
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def _await(self, call: str, argument: Any = None, timeout: float = PATIENCE) -> None:
        """Call a function in the page, and wait for what it promises."""
        self.page.evaluate(BOUNDED % (call, timeout, timeout), argument)
