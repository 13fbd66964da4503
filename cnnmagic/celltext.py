"""The text of a cell line by line: where its lines end, and where the comment of a line begins."""

from __future__ import annotations

import re

# A `#` between quotes or in `{{…}}` begins no comment; a quote that is never closed is a mark as any other.
_CODE = re.compile(r"""(?:"[^"\n]*"|'[^'\n]*'|\{\{[^{}\n]*\}\}|[^#])*""")


def with_plain_ends(text: str) -> str:
    """The text with `\\n` at the end of each line, whatever system it was written on."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def split_lines(text: str) -> list[str]:
    """The lines of a text; where it ends with the end of a line, the last one is empty."""
    return with_plain_ends(text).split("\n")


def code_of(line: str) -> str:
    """What comes before the comment of a line, without blanks at its end."""
    return before_comment(line).rstrip()


def before_comment(line: str) -> str:
    """What comes before the comment of a line, blanks and all."""
    found = _CODE.match(line)
    return found[0] if found else ""
