"""Makes any text safe to stand in HTML and SVG."""

from __future__ import annotations

import re
from html import escape

# XML has no way of writing these, escaped or not.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: object) -> str:
    """Escape a text, or what anything is as text, for an element or an attribute, and drop what XML cannot hold."""
    return escape(printable(str(text)))


def printable(text: str) -> str:
    """The text without what XML cannot hold: control characters, halves of characters."""
    return _FORBIDDEN.sub("", text)


def coded(text: str) -> str:
    """The text escaped, with `words` of the language set as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", xml_text(text))
