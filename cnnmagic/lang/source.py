"""The user's text made ready for reading, and the places of words in it."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any

from cnnmagic.celltext import before_comment, code_of, with_plain_ends
from cnnmagic.errors import ParseError, Place, Problem
from cnnmagic.lang.limits import check_length, check_limits

_SURROGATE = re.compile("[\ud800-\udfff]")
# What a page copied from carries unseen: zero-width blanks, marks of a language's direction, a BOM.
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_INDENTATION = re.compile(r"^[^\S\n]+", re.MULTILINE)
_SECTION = re.compile(r"\[[a-z_]+\]\s*(#.*)?$")
_OTHER_BLANK = re.compile(r"[^\S\t]")


@dataclass
class Source:
    """The text as lark reads it; `margin` columns were taken off every line, lines count from `first_line`."""

    lines: list[str]
    margin: int
    first_line: int

    def __post_init__(self) -> None:
        # `lines` changes where a line is struck out; all places of a line share one text.
        self.written = tuple(" " * self.margin + line if line else "" for line in self.lines)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def place(self, line: int, column: int, end_column: int) -> Place:
        """The user's place of columns of a line; `line` counts from 1 in the text read."""
        columns = column + self.margin, end_column + self.margin
        return Place(line + self.first_line - 1, *columns, self.written[line - 1])

    def whole(self, line: int) -> Place:
        """The words of a whole line, without its indentation and comment."""
        text = self.written[line - 1][self.margin :]
        code = code_of(text) or text
        return self.place(line, len(code) - len(code.lstrip()) + 1, len(code) + 1)

    def span(self, first: Any, last: Any) -> Place:
        """From one node to another, cut at the end of the first one's line."""
        start, end = _edge(first, 0), _edge(last, -1)
        end_column = end.end_column if end.end_line == start.line else len(self.lines[start.line - 1]) + 1
        return self.place(start.line, start.column, end_column)

    def strike(self, line: int) -> bool:
        """Leave a line out; one with indented lines after it is replaced by one that opens a block for them."""
        text = self.lines[line - 1]
        if not text.strip():
            return False
        indentation = text[: len(text) - len(text.lstrip())]
        opens = code_of(text).endswith(":") or self._is_deeper(self.next_line(line), len(indentation))
        self.lines[line - 1] = indentation + "repeat 1:" if opens and text.strip() != "repeat 1:" else ""
        return True

    def _is_deeper(self, line: int, depth: int) -> bool:
        text = self.lines[line - 1]
        return bool(code_of(text)) and len(text) - len(text.lstrip()) > depth

    def next_line(self, line: int) -> int:
        """The number of the next line with words, or of the last line."""
        later = (number for number in range(line + 1, len(self.lines) + 1) if code_of(self.lines[number - 1]))
        return next(later, len(self.lines))

    def line_before(self, line: int) -> int | None:
        """The number of the line with words before a line."""
        return next((number for number in range(line - 1, 0, -1) if code_of(self.lines[number - 1])), None)

    def open_bracket(self, line: int) -> Place | None:
        """The last bracket before the end of `line` that is never closed."""
        opened: list[tuple[int, int]] = []
        for number, text in enumerate(self.lines[:line], 1):
            for column, character in enumerate(before_comment(text), 1):
                if character in "({":
                    opened.append((number, column))
                elif character in ")}" and opened:
                    opened.pop()
        return self.place(*opened[-1], opened[-1][1] + 1) if opened else None

    def unbalanced_bracket(self) -> Problem:
        """The first bracket that closes nothing."""
        depth = 0
        for number, text in enumerate(self.lines, 1):
            for column, character in enumerate(before_comment(text), 1):
                depth += (character in "({") - (character in ")}")
                if depth < 0:
                    return Problem(f"`{character}` closes nothing.", self.place(number, column, column + 1))
        return Problem("the brackets don't match.", self.whole(1))

    def uneven_indentation(self) -> Problem:
        """The first line whose indentation fits no line before it."""
        open_levels = [0]
        for number, text in enumerate(self.lines, 1):
            if not code_of(text):
                continue
            depth = len(text) - len(text.lstrip())
            while depth < open_levels[-1]:
                open_levels.pop()
            if (
                depth > open_levels[-1]
                and open_levels[-1:] != [depth]
                and number > 1
                and not _opens(self.lines, number)
            ):
                break
            open_levels.append(depth)
        remedy = "Use the same number of blanks for all lines of a block."
        return Problem("this line's indentation fits no line above it.", self.whole(number), remedy=remedy)


def read_source(text: str, first_line: int) -> Source:
    """Check and tidy a text: a BOM, CRLF, a `%%cnn` line of its own, a common margin, unseen marks are accepted.

    Raises `ParseError` where the text is beyond the limits, or tabs and blanks are mixed in the indentation.
    """
    check_length(text, first_line)
    tidy = with_plain_ends(text).replace("\x0b", " ")
    tidy = _UNSEEN.sub("", _SURROGATE.sub("�", tidy.replace("\x00", "�")))
    tidy = _INDENTATION.sub(lambda blanks: _OTHER_BLANK.sub(" ", blanks[0]), tidy)
    lines = [line.rstrip() for line in tidy.split("\n")]
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if lines[first].lstrip().startswith("%%cnn"):
        lines[first] = ""
    dedented = textwrap.dedent("\n".join(lines)).split("\n")
    margin = max((len(before) - len(after) for before, after in zip(lines, dedented, strict=True)), default=0)
    source = Source(dedented, margin, first_line)
    _check_sections(source)
    _check_tabs(source)
    check_limits(source)
    return source


def _check_sections(source: Source) -> None:
    """Raise `ParseError` for a file of darknet's, once and not for each of its lines."""
    sections = [number for number, line in enumerate(source.lines, 1) if _SECTION.match(line)]
    if len(sections) > 1:
        message = f"this is written in sections, as darknet's files are; there are {len(sections)}."
        remedy = "A section is one line here, with its arguments after it: `convolutional filters=32 size=3 pad=1`."
        raise ParseError(message, place=source.whole(sections[0]), remedy=remedy)


def _check_tabs(source: Source) -> None:
    indentations = [(number, line[: len(line) - len(line.lstrip())]) for number, line in enumerate(source.lines, 1)]
    used = {character for _, indentation in indentations for character in indentation}
    if {" ", "\t"} <= used:
        number, indentation = next((n, i) for n, i in indentations if "\t" in i)
        place = source.place(number, 1, len(indentation) + 1)
        remedy = "Indent with blanks only (JupyterLab's Tab key types four of them)."
        raise ParseError("tabs and blanks are mixed in the indentation.", place=place, remedy=remedy)


def _opens(lines: list[str], number: int) -> bool:
    """Whether the line with words before line `number` opens a block."""
    before = next((line for line in reversed(lines[: number - 1]) if code_of(line)), "")
    return code_of(before).endswith(":")


def _edge(node: Any, side: int) -> Any:
    """The first (0) or the last (-1) token of a node of the tree."""
    while hasattr(node, "children"):
        node = node.children[side]
    return node
