"""One statement a line: what is said where a second one begins on it, or where a line is Python's."""

from __future__ import annotations

from collections.abc import Sequence

from cnnmagic.errors import ParseError, Place, Problem
from cnnmagic.lang import syntax
from cnnmagic.layers import ACTIVATIONS, BY_WORD

SEPARATORS = (";", "|")
STATEMENTS = frozenset((*BY_WORD, *syntax.DIRECTIVES, *syntax.SUITES, "output", "se", "use", *ACTIVATIONS))
REPEATED = "A cell is no Python: lines that come again stand in `repeat 3:`, and are indented."
NAMED = "A cell is no Python: `block NAME(filters):` gives a name to indented lines, which then are a word."
UNCONDITIONAL = "A cell is no Python, and has no conditions: write the lines that are to hold."
ELSEWHERE = "A cell is no Python: put such a line into a cell of its own."
PYTHON = {
    **dict.fromkeys(("for", "while"), REPEATED),
    **dict.fromkeys(("def", "class"), NAMED),
    **dict.fromkeys(("if", "elif", "else", "match", "case", "try", "except", "finally"), UNCONDITIONAL),
    **dict.fromkeys(("import", "with", "print", "return", "del", "assert", "raise", "pass", "break"), ELSEWHERE),
}


def second_statement(subject: str, words: Sequence[syntax.Word]) -> Problem | None:
    """What is said where `words`, the rest of a line of `subject`, begin with a statement; None where they do not."""
    head = words[0].value
    if words[0].key or not isinstance(head, syntax.Name) or head.lower not in STATEMENTS:
        return None
    written = " ".join(f"{word.key}={word.value}" if word.key else str(word.value) for word in words)
    message = f"`{head}` is no word of `{subject}`, and a line holds one statement."
    where = "a line of its own before it" if subject == "output" else "a line of its own"
    return Problem(message, words[0].place, remedy=f"Write it on {where}: `{written}`.")


def check_separator(text: str, place: Place) -> None:
    """Raise `ParseError` where a bare word ends in, or is, the `;` or `|` of another language."""
    found = next((mark for mark in SEPARATORS if text.endswith(mark) or text.startswith(mark)), "")
    if found:
        remedy = "Begin a new line in its place; where it closes a line, take it away."
        raise ParseError(f"a line holds one statement, and `{found}` parts none.", place=place, remedy=remedy)


def check_python(keyword: str, place: Place, words: Sequence[syntax.Word], opens: bool) -> None:
    """Raise `ParseError` for a line of Python: `for i in range(3):`, `from keras import layers`."""
    imports = keyword == "from" and any(str(word.value) == "import" for word in words)
    remedy = ELSEWHERE if imports else PYTHON.get(keyword, "") if opens else ""
    if remedy:
        raise ParseError(f"`{keyword}` is Python's.", place=place, remedy=remedy)
