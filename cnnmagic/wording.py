"""Phrases that many errors share: the nearest known word, a list of words, a count, a full stop."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from itertools import islice

LONGEST_SLIP = 60
_ONES = {
    **{f"{word}s": word for word in ("epoch", "image", "channel", "filter", "pixel", "layer", "weight", "place")},
    **{f"{word}s": word for word in ("time", "row", "mean", "window", "number", "product", "point", "multiplication")},
    **{f"{word}s": word for word in ("training image", "validation image", "different size", "pooling layer")},
    **{
        "classes": "class",
        "batches": "batch",
        "batch normalisations": "batch normalisation",
        "dead ReLU channels": "dead ReLU channel",
        "more kinds": "more kind",
    },
}
_ONE = re.compile(rf"(?<![\d.,-])1 ({'|'.join(_ONES)})\b")
_PARTICLE = re.compile(r"(\w)([`”’)]*)\((으|이)\)(로|라고|라는)")
_ENDS, _RIEUL = 28, 8  # endings of a Korean syllable, and the number of ㄹ among them
_ENDS_OF_DIGITS = ("ㄱ", "ㄹ", "", "ㄱ", "", "", "ㄱ", "ㄹ", "ㄹ", "")  # 영 일 이 삼 사 오 육 칠 팔 구; 십, 백 as 영
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


def well_formed(text: str) -> str:
    """The text with `1 epoch` for `1 epochs`, and with the Korean particle that fits in place of `(으)로`, `(이)라고`.

    A particle stays in both forms after a word whose sound its letters don't tell.
    """
    return _PARTICLE.sub(_with_particle, _ONE.sub(lambda found: f"1 {_ONES[found[1]]}", text))


def _with_particle(found: re.Match[str]) -> str:
    letter, mark, optional, rest = found.groups()
    end = _end_of(letter)
    if end is None:
        return found[0]
    is_given = bool(end) and not (optional == "으" and end == "ㄹ")
    return letter + mark + optional * is_given + rest


def _end_of(letter: str) -> str | None:
    """What the sound of a letter ends in: `ㄹ`, `ㄱ` for another consonant, nothing for a vowel; None if not known."""
    if letter.isdecimal():
        return _ENDS_OF_DIGITS[int(letter)]
    if not "가" <= letter <= "힣":
        return None
    end = (ord(letter) - ord("가")) % _ENDS
    return "ㄹ" if end == _RIEUL else "ㄱ" if end else ""
