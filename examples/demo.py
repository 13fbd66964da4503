"""Runs the quickstart notebook from its first cell to its last, and prints the accuracy it reached.

The executed notebook and its HTML are left in build/.
"""

import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).with_name("quickstart.ipynb")
BUILD = Path(__file__).parents[1] / "build"
ACCURACY = re.compile(r"^test accuracy .*%.*$", re.MULTILINE)
SECONDS_PER_CELL = 600


def printed(notebook: NotebookNode) -> str:
    """Everything that the notebook's cells printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


def leave(notebook: NotebookNode) -> None:
    """Write the notebook as it stands, and a page that needs no Jupyter to be read."""
    nbformat.write(notebook, BUILD / NOTEBOOK.name)
    page, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": NOTEBOOK.stem}})
    (BUILD / NOTEBOOK.name).with_suffix(".html").write_text(page, encoding="utf-8")


def execute(notebook: NotebookNode) -> None:
    """Run every cell, leaving what came out even of a run that fails."""
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        kernel_name="python3",
        # The kernel warns of unencrypted messages between it and this process, which need no encryption.
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(BUILD)}},
    )
    try:
        client.execute()
    finally:
        leave(notebook)


def main() -> str | None:
    """Run the notebook; answer what went wrong, which becomes the exit status."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    BUILD.mkdir(exist_ok=True)
    print(f"running {NOTEBOOK.name} ...", flush=True)
    started = time.monotonic()
    try:
        execute(notebook)
    except CellExecutionError as error:
        return str(error)
    seconds = time.monotonic() - started
    accuracies = ACCURACY.findall(printed(notebook))
    if not accuracies:
        return f"{NOTEBOOK.name} ran, but printed no test accuracy"
    print(f"{accuracies[-1]}\nran in {seconds:.0f} s; see build/quickstart.ipynb and build/quickstart.html")
    return None


if __name__ == "__main__":
    sys.exit(main())
