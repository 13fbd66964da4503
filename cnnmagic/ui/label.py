"""Makes any text short enough for its place in SVG."""

from unicodedata import east_asian_width

FONT_SIZE = 11  # pixels


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
