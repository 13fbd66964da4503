"""What a user is told when something can't be done: what, where, why and what to type instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

SHOWN_PROBLEMS = 10
WIDEST = 160
LONGEST_MESSAGE = 1_000


@dataclass(frozen=True)
class Place:
    """A stretch of one line of the user's text; line and columns count from 1, `end_column` is exclusive."""

    line: int
    column: int
    end_column: int
    source: str = field(default="", repr=False)

    def of(self, word: str) -> Place:
        """The place of a word in this one; this one where the word does not stand in it."""
        meant = self.source[self.column - 1 : self.end_column - 1]
        found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", meant, re.IGNORECASE) if word else None
        if found is None:
            return self
        return replace(self, column=self.column + found.start(), end_column=self.column + found.end())

    def caret(self) -> str:
        """The source line and, under it, a caret for every character meant."""
        start = max(0, self.column - 1 - WIDEST // 2) if len(self.source) > WIDEST else 0
        shown = self.source[start : start + WIDEST]
        before, meant = shown[: self.column - 1 - start], shown[self.column - 1 - start : self.end_column - 1 - start]
        margin = f"{self.line:>4} | {'…' * (start > 0)}"
        blank = " " * 5 + "| " + " " * (start > 0)
        ahead = "".join("\t" if character == "\t" else " " * _cells(character) for character in before)
        more = "…" * (start + WIDEST < len(self.source))
        return f"{margin}{shown}{more}\n{blank}{ahead}{'^' * max(1, _cells(meant))}"


@dataclass(frozen=True)
class Problem:
    """One mistake: `message` says what and received, `reason` why, `remedy` what to type."""

    message: str
    place: Place | None = None
    reason: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        where = f"line {self.place.line}: " if self.place else ""
        lines = [where + _cut(self.message)]
        if self.place and self.place.source.strip():
            lines.append(self.place.caret())
        return "\n".join([*lines, *map(_cut, filter(None, (self.reason, self.remedy)))])


class CnnError(Exception):
    """Every mistake that a user can mend; shown in a notebook as a few lines without a traceback."""

    def __init__(self, message: str | Problem, *, place: Place | None = None, reason: str = "", remedy: str = ""):
        problem = message if isinstance(message, Problem) else Problem(message, place, reason, remedy)
        super().__init__(problem.message)
        self.problems: tuple[Problem, ...] = (problem,)

    @classmethod
    def gather(cls, problems: Iterable[Problem]) -> Self:
        """One error for several problems, each once, in the order of the text."""
        ordered = sorted(dict.fromkeys(problems), key=_position)
        error = cls(ordered[0])
        error.problems = tuple(ordered)
        return error

    def at(self, place: Place) -> CnnError:
        """The same error, each problem without a place given this one."""
        self.problems = tuple(p if p.place else replace(p, place=place) for p in self.problems)
        return self

    def __str__(self) -> str:
        shown = [str(problem) for problem in self.problems[:SHOWN_PROBLEMS]]
        if len(self.problems) > SHOWN_PROBLEMS:
            shown.append(f"… and {len(self.problems) - SHOWN_PROBLEMS} more.")
        return "\n\n".join(shown)

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in place of a traceback."""
        red, plain = "\x1b[1;31m", "\x1b[0m"
        return [f"{red}{type(self).__name__}{plain} {self}"]


class ParseError(CnnError):
    """The text can't be read; `rest` is what of it could be, where its words can be checked by themselves."""

    rest: Any = None


class PlanError(CnnError):
    """The text reads well, and what it asks for can't be built."""


class DataError(CnnError):
    """The data are not there, or are not what the text says."""


class MissingData(DataError):
    """The data are not where the text says; a plan can do without them where the text gives the sizes."""


class RunError(CnnError):
    """A run can't do what it is asked now."""


def _position(problem: Problem) -> tuple[int, int]:
    return (problem.place.line, problem.place.column) if problem.place else (0, 0)


def _cut(text: str) -> str:
    """The text without its middle where words of the user's make it longer than anyone reads."""
    half = LONGEST_MESSAGE // 2
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:half]} … {text[-half:]}"


def _cells(text: str) -> int:
    """Columns that `text` takes in a fixed-width font (a Korean letter takes two)."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
