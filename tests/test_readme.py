"""Every cell and command of the README, run as it stands."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CELLS = [text for language, text in BLOCKS if language in ("", "python")]
COMMANDS = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]


def test_cells_run_in_order():
    """The training in a few epochs: all of them are run in test_examples.py, whose quickstart has the same cell."""
    notebook = nbformat.v4.new_notebook()
    short = [text.strip().replace("train epochs=20 ", "train epochs=2 ") for text in CELLS]
    assert sum(text.strip() != cell for text, cell in zip(CELLS, short, strict=True)) == 1
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in short]
    NotebookClient(notebook, timeout=300, extra_arguments=["--log-level=ERROR"]).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert any("image/svg+xml" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert any("'accuracy'" in output.get("text", "") for output in outputs)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_those_of_the_makefile_or_of_pip(command):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tool, *words = command.split()
    assert (tool == "make" and words[0] in targets) or words == ["install", "."]


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
