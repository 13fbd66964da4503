"""The README: its cells run and say what stands below them; what it states of versions, words and files is so.

Its commands are held against the Makefile and the extras of pyproject.toml; `make test` is the one that runs this.
"""

import re
import shlex
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import cnnmagic
from cnnmagic.asking import ask
from cnnmagic.engine.backend import OLDEST_KERAS
from cnnmagic.errors import CnnError
from cnnmagic.explain.catalogue import QUESTIONS
from cnnmagic.verbs import VERBS
from tests.test_docs import pattern

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CELLS = [(text, BLOCKS[n + 1 : n + 2]) for n, (language, text) in enumerate(BLOCKS) if language in ("", "python")]
COMMANDS = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
LONG, SHORT = "train epochs=20 ", "train epochs=2 "
COLOURS = re.compile(r"\x1b\[[\d;]*m")


def test_cells_run_in_order_and_say_what_is_shown():
    """The training in a few epochs: all of them are run in test_examples.py, whose quickstart has the same cell."""
    notebook = nbformat.v4.new_notebook()
    for text, below in CELLS:
        is_wrong = bool(below) and re.match(r"\w+Error ", below[0][1])
        tags = {"tags": ["raises-exception"]} if is_wrong else {}
        notebook.cells.append(nbformat.v4.new_code_cell(text.strip().replace(LONG, SHORT), metadata=tags))
    assert sum(LONG in text for text, _ in CELLS) == 1
    NotebookClient(notebook, timeout=300, extra_arguments=["--log-level=ERROR"]).execute()
    shown = 0
    for cell, (text, below) in zip(notebook.cells, CELLS, strict=True):
        if below and below[0][0] == "text":
            shown += 1
            assert re.fullmatch(pattern(below[0][1]), said(cell)), f"{text}\nsays:\n{said(cell)}"
    assert shown == [language for language, _ in BLOCKS].count("text") > 1
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert any("image/svg+xml" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert any("'accuracy'" in output.get("text", "") for output in outputs)


def said(cell: nbformat.NotebookNode) -> str:
    """What a cell printed, and the error that it ended with."""
    parts = [output.get("text", "") + "\n".join(output.get("traceback", ())) for output in cell.outputs]
    return COLOURS.sub("", "".join(parts)).rstrip("\n") + "\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_of_targets_and_extras_that_there_are(command):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    tool, *words = shlex.split(command)
    if tool == "make":
        assert words[0] in targets
    else:
        assert tool == "pip" and words[0] == "install" and re.fullmatch(r"\.(\[[a-z,]+\])?", words[1])
        assert set(re.findall(r"[a-z]+", words[1])) <= set(PROJECT["optional-dependencies"])


def test_versions_and_extras_are_those_of_the_package():
    pythons = [text.rsplit(" ", 1)[1] for text in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", text)]
    assert f"Python {', '.join(pythons[:-1])} or {pythons[-1]}" in README
    assert f"Keras {'.'.join(map(str, OLDEST_KERAS))} or newer" in README
    assert all(f"`{name}`" in README for name in PROJECT["optional-dependencies"] if name != "dev")


def test_half_of_the_questions_come_with_a_variant_to_train():
    digits = next(text for text, _ in CELLS if text.startswith("%%cnn digits"))
    plan = cnnmagic.plan(digits.split("\n", 1)[1])
    variants = [question for question in QUESTIONS if ask(question, "digits", plan).experiment is not None]
    assert f"{len(QUESTIONS)} questions" in README
    assert "Half of them" in README and 2 * len(variants) == len(QUESTIONS)


def test_what_is_public_is_told():
    untold = {name for name in cnnmagic.__all__ if f"cnnmagic.{name}" not in README}
    assert untold == {error.__name__ for error in CnnError.__subclasses__()} & set(cnnmagic.__all__)


def test_verbs_are_told():
    table = " ".join(re.findall(r"^\| (`%cnn .*?`|`%cnn .*?) \|", README, re.MULTILINE))
    told = set(re.findall(r"`(?:%cnn )?([a-z]+)", table))
    assert told <= set(VERBS) and set(VERBS) - told == {"explain"}  # which is another word for `ask`


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / target).exists(), target
