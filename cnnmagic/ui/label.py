"""Makes any text safe to stand in SVG, and short enough for its place there."""

import re
from html import escape
from unicodedata import east_asian_width

FONT_SIZE = 11  # pixels

# XML has no way of writing these, escaped or not.
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """Escape text for an element or an attribute, and drop what XML cannot hold."""
    return escape(printable(text))


def printable(text: str) -> str:
    """The text without what XML cannot hold: control characters, halves of characters."""
    return _FORBIDDEN.sub("", text)


def coded(text: str) -> str:
    """The text escaped, with `words` of the language set as code."""
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", xml_text(text))


def text_width(text: str) -> float:
    """Estimate the pixels a text takes, rather too many: nobody knows the reader's font."""
    return FONT_SIZE * sum(1.2 if east_asian_width(letter) in "WF" else 0.6 for letter in text)


def fitted(text: str, pixels: float) -> str:
    """Cut a text with an ellipsis so that it takes no more than so many pixels; nothing is left where none fit."""
    if text_width(text) <= pixels:
        return text
    kept = text
    while kept and text_width(f"{kept}…") > pixels:
        kept = kept[:-1]
    return f"{kept.rstrip()}…" if kept else ""
