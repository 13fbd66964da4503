"""What the parser stumbled over, in the user's terms, with what to write instead."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedInput, UnexpectedToken

from cnnmagic.errors import Place, Problem
from cnnmagic.lang.source import Source
from cnnmagic.lang.syntax import SUITES
from cnnmagic.layers import BY_WORD

PYTHON = ("model.", "keras.", "self.", "tf.", "nn.", "layers.")
HEADS = frozenset((*BY_WORD, *SUITES, "input", "output", "data", "resize", "augment", "train", "seed", "use"))
_STATEMENT = re.compile(r"\s*(?P<head>\w+)\s*=\s*(?P<rest>[\w./]+)\s*(#.*)?$")
_ASSIGNMENT = re.compile(r"\s*\w+\s*=")
_CALL_KEPT = re.compile(r"\s*\w+\s*=\s*[A-Za-z][\w.]*\(")


def explain(slip: UnexpectedInput, source: Source) -> tuple[Problem, int]:
    """What lark stumbled over in the user's terms, and the line to leave out."""
    line, column = max(slip.line, 1), max(slip.column, 1)
    token = slip.token if isinstance(slip, UnexpectedToken) else None
    if token is not None and token.type == "_INDENT":
        line = min(line + str(token).count("\n") + 1, len(source.lines)) if "\n" in token else source.next_line(line)
        opener = source.line_before(line)
        if opener and source.lines[opener - 1].split()[0].lower() in SUITES:
            return no_colon(source.lines[opener - 1].split()[0].lower(), source.whole(opener)), opener
        place = source.whole(line)
        return Problem("this line is indented, and no block is open here.", place, remedy="Take the blanks away."), line
    opening = source.open_bracket(line)
    if opening and (opening.line - source.first_line + 1 < line or token is None or token.type in ("_NL", "$END")):
        remedy = "Close it on the same statement."
        return Problem("this bracket is never closed.", opening, remedy=remedy), opening.line - source.first_line + 1
    if token is None or token.type not in ("_NL", "$END", "_DEDENT"):
        wrong = str(token) if token else source.lines[line - 1][column - 1 : column]
        place = source.place(line, column, column + max(1, len(wrong)))
        return Problem(f"`{wrong}` can't stand here.", place, remedy=_suggest(wrong, source.lines[line - 1])), line
    place = source.whole(line)
    return Problem("this line breaks off: something is missing after its last word.", place), line


def no_colon(keyword: str, place: Place) -> Problem:
    """What is said of a word that opens a block, without its colon."""
    return Problem(f"`{keyword}` needs a `:` at its end and indented lines after it.", place)


def _suggest(wrong: str, line: str) -> str:
    if "->" in line and line.lower().split()[:1] != ["branches"]:
        return "Layers follow one another, one a line, without an arrow."
    if (wrong == "(" and line.strip().startswith(PYTHON)) or (wrong == "=" and _CALL_KEPT.match(line)):
        return "A cell is no Python: write the layers alone, one a line, such as `Conv2D(32, 3)`."
    if wrong == "=" and (statement := _STATEMENT.match(line)) and statement["head"].lower() in HEADS:
        return f"Write `{statement['head']} {statement['rest']}`, without the `=`."
    if wrong == "=" and _ASSIGNMENT.match(line):
        return "Arguments stand on their layer's line, `conv 32 strides=2`; `a <- conv 32 3x3` labels a layer `a`."
    hints = {
        "=": "An argument is written `name=value`, with a name before and a value after the `=`.",
        ":": "Only `block`, `repeat`, `residual`, `branches` and `branch` open an indented block with `:`.",
        "'": "No quotes are needed; where you use them, close them.",
        '"': "No quotes are needed; where you use them, close them.",
        ")": "There is no `(` before it.",
        "}": "There is no `{` before it.",
        "-": "An arrow is written `->` or `<-`.",
        ">": "An arrow is written `->`.",
        "<": "A label is written `name <- layer`.",
    }
    return hints.get(wrong[:1], "One statement a line: a layer's name, then its words.")
