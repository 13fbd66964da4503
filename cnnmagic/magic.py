"""`%%cnn` and `%cnn`: hands a magic's line to the session; no logic lives here."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand

if TYPE_CHECKING:
    from cnnmagic.session import Session

ASKED = re.compile(r"^(\s*%?cnn\s+(?:ask|explain)\b.*?)[?？\s]+$")


@magics_class
class CnnMagics(Magics):
    """The two magics over one session, which the first call makes, so that loading the extension costs nothing."""

    @cached_property
    def session(self) -> Session:
        from cnnmagic.session import Session

        return Session(self.shell)

    @no_var_expand
    @cell_magic("cnn")  # type: ignore[arg-type]  # IPython types `no_var_expand` for functions that take nothing
    def cell(self, line: str, cell: str) -> None:
        """Build and train the convolutional network that the cell describes: `%%cnn NAME [--wait | --background]`."""
        from cnnmagic.verbs import Answered, cell_words

        with suppress(Answered):
            words = cell_words().read(line)
            waits = True if words.wait else False if words.background else None
            self.session.run_cell(words.name, cell, waits)

    @no_var_expand
    @line_magic("cnn")  # type: ignore[arg-type]  # as above
    def line(self, line: str) -> None:
        """Act on a network: `%cnn VERB …`; `%cnn help` lists the verbs."""
        from cnnmagic.verbs import Answered, act

        with suppress(Answered):
            act(self.session, line)


def keep_question_mark(lines: list[str]) -> list[str]:
    """Let `%cnn ask net what next?` through to us: IPython itself would answer the mark with help on the last word."""
    if lines and lines[0].startswith("%%"):
        return lines
    return [ASKED.sub(r"\1\n", line) for line in lines]


def keep_empty_cell(lines: list[str]) -> list[str]:
    """Let an empty `%%cnn` cell through to us: IPython itself would answer it with advice about `%cnn`."""
    if lines and lines[0].startswith("%%cnn") and not any(line.strip() for line in lines[1:]):
        return [lines[0].rstrip("\n") + "\n", "#\n"]
    return lines
