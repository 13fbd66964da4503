"""The Tab key at a real terminal: IPython in a pseudo-terminal, typed into; completions are seen by their effect."""

import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect", reason="IPython brings pexpect where there are pseudo-terminals")
PATIENCE = 60
QUIET = 0.4
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07")
OPTIONS = ("--no-banner", "--no-confirm-exit", "--colors=NoColor", "--HistoryManager.enabled=False")


class Terminal:
    """IPython at its prompt, with our extension loaded."""

    def __init__(self, folder: Path) -> None:
        # Without an answer to where its cursor is, the prompt would wait for one and complain.
        environment = {**os.environ, "IPYTHONDIR": str(folder), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
        arguments = ["-m", "IPython", *OPTIONS]
        size = (50, 120)
        self.child: Any = pexpect.spawn(
            sys.executable, arguments, env=environment, encoding="utf-8", timeout=PATIENCE, dimensions=size
        )
        self.child.expect(r"In \[1\]:")
        self.child.send("%load_ext cnnmagic\r")
        self.child.expect(r"In \[2\]:")

    def type(self, text: str, until: str) -> str:
        """Type a text, in which ⇥ is the Tab key and a new line Enter; what the terminal shows `until` a pattern."""
        shown = ""
        for key in re.split("([⇥\n])", text):
            self.child.send({"⇥": "\t", "\n": "\r"}.get(key, key))
            shown += self.rest()
        end = time.monotonic() + PATIENCE
        while not re.search(until, ESCAPES.sub("", shown)):
            assert time.monotonic() < end, shown
            shown += self.rest()
        return ESCAPES.sub("", shown)

    def rest(self) -> str:
        """What the terminal shows until it has been quiet for a while."""
        shown = ""
        while True:
            try:
                shown += self.child.read_nonblocking(10_000, QUIET)
            except pexpect.TIMEOUT:
                return shown

    def forget(self) -> None:
        """Leave what is typed, for an empty prompt."""
        self.child.send("\x03\x03")  # the first one closes a menu
        self.rest()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    started = Terminal(tmp_path_factory.mktemp("ipython"))
    yield started
    started.child.close(force=True)


@pytest.fixture
def terminal(started: Terminal) -> Iterator[Terminal]:
    """A terminal at its prompt, with nothing typed."""
    yield started
    started.forget()


def test_a_verb_is_completed(terminal: Terminal) -> None:
    assert "Keras's Conv2D" in terminal.type("%cnn he⇥ conv\n", "Conv2D")


def test_words_that_begin_alike_are_offered(terminal: Terminal) -> None:
    assert "conv" in terminal.type("%cnn help co⇥", "concat")


def test_words_in_a_cell_are_completed(terminal: Terminal) -> None:
    shown = terminal.type("%%cnn net\ninput 8x8x1\nconv 4 3x3 sig⇥\nflatten\nout⇥ 3\n\n\n", r"total +\d+")
    assert "conv 4 3x3 sigmoid" in shown
    assert "dense 3 softmax" in shown
