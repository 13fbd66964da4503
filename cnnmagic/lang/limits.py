"""The limits of a text, checked before it is read: what is beyond them would take too long, or is no network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnmagic.celltext import before_comment, with_plain_ends
from cnnmagic.errors import ParseError, Place

if TYPE_CHECKING:
    from cnnmagic.lang.source import Source

LONGEST_TEXT = 100_000
MOST_LINES = 4_000
MOST_WORDS = 20_000
MOST_IN_STATEMENT = 100
MOST_IN_BRACKETS = 1_000
DEEPEST_BRACKET = 50
DEEPEST_SUITE = 100

# A bracket counts as a word, and so does a quote, so that no text without blanks slips through.
_WORD = re.compile(r"""\#[^\n]* | "[^"\n]*" | '[^'\n]*' | [^\s,(){}=\#"']+ | [({"']""", re.VERBOSE)
_BRACKET = re.compile(r"[(){}]")
SHORTER = "Use `block` and `repeat` for what comes again."


def check_length(text: str, first_line: int) -> None:
    """Raise `ParseError` for a text of too many characters, at the line where they become too many."""
    if len(text) > LONGEST_TEXT:
        message = f"this text has {len(text):,} characters, and {LONGEST_TEXT:,} is the limit."
        line = with_plain_ends(text[:LONGEST_TEXT]).count("\n")
        place = Place(first_line + line, 1, 1)
        raise ParseError(message, place=place, remedy=SHORTER)


def check_limits(source: Source) -> None:
    """Raise `ParseError` where a text has too many lines or words, or is nested too deep."""
    lines = [before_comment(line) for line in source.lines]
    _check_amount(source, lines)
    _check_brackets(source, lines)
    _check_suites(source, lines)


def _check_amount(source: Source, lines: Sequence[str]) -> None:
    full = [number for number, line in enumerate(lines, 1) if line.strip()]
    if len(full) > MOST_LINES:
        message = f"this text has {len(full):,} lines, and {MOST_LINES:,} is the limit."
        raise ParseError(message, place=source.whole(full[MOST_LINES]), remedy=SHORTER)
    words = 0
    for number, line in enumerate(source.lines, 1):
        words += sum(not word.startswith("#") for word in _WORD.findall(line))
        if words > MOST_WORDS:
            message = f"this text has more than {MOST_WORDS:,} words, which is the limit."
            raise ParseError(message, place=source.whole(number), remedy=SHORTER)


def _check_brackets(source: Source, lines: Sequence[str]) -> None:
    depth = 0
    for number, line in enumerate(lines, 1):
        for bracket in _BRACKET.finditer(line):
            depth = depth + 1 if bracket[0] in "({" else max(0, depth - 1)
            if depth > DEEPEST_BRACKET:
                place = source.place(number, bracket.start() + 1, bracket.end() + 1)
                message = f"brackets are nested more than {DEEPEST_BRACKET} deep."
                raise ParseError(message, place=place, remedy="Close some of them.")


def _check_suites(source: Source, lines: Sequence[str]) -> None:
    """Too many indented blocks in one another; lines in brackets may be indented at will."""
    open_levels, brackets = [0], 0
    for number, line in enumerate(lines, 1):
        depth = len(line) - len(line.lstrip())
        if line.strip() and not brackets:
            while depth < open_levels[-1]:
                open_levels.pop()
            if depth > open_levels[-1]:
                open_levels.append(depth)
            if len(open_levels) - 1 > DEEPEST_SUITE:
                raise ParseError(too_deep(), place=source.whole(number), remedy="Nest them less.")
        for bracket in _BRACKET.findall(line):
            brackets = brackets + 1 if bracket in "({" else max(0, brackets - 1)


def too_deep() -> str:
    """What is said of blocks nested beyond the limit, as written or by calls of one another."""
    return f"blocks stand more than {DEEPEST_SUITE} deep in one another."
