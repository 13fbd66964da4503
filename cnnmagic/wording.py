"""Phrases that many errors share: the nearest known word, a list of words, a count, a full stop."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

LONGEST_SLIP = 60
MOST_COMPARED = 500  # comparing takes time, and of so many names the nearest says little


def closest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing where no known word is near."""
    if len(word) > LONGEST_SLIP:
        return ""
    spelled = {name.lower(): name for name in islice(known, MOST_COMPARED)}
    near = difflib.get_close_matches(word.lower(), list(spelled), n=5, cutoff=0.6)
    near.sort(key=lambda name: sorted(name) != sorted(word.lower()))  # letters that changed places come first
    return f"; did you mean `{spelled[near[0]]}`?" if near else ""


def sentence(text: str) -> str:
    """The text with a full stop where it has no end mark."""
    return text if text.endswith(("?", ".")) else text + "."


def counted(number: int, thing: str) -> str:
    """`1 class`, `1,200 classes`: a number with its noun, given in the singular."""
    plural = thing + ("es" if thing.endswith(("s", "x", "tch")) else "s")
    return f"{number:,} {thing if number == 1 else plural}"


def listed(names: Iterable[str]) -> str:
    """The names in backquotes, with commas."""
    return ", ".join(f"`{name}`" for name in names)
