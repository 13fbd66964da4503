"""Words of a question brought to the form in which they are compared: stems in English, particles cut in Korean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import cache

# A Korean noun wears its particle; the longest are cut first.
_PARTICLES = """
은 는 이 가 을 를 의 에 에서 에게 으로 로 와 과 도 만 까지 부터 보다 처럼 마다 이나 나 이란 란 이라는 라는 하고 이랑 랑
인가요 이에요 예요 이죠 죠 입니다 인지 에는 에도 에서는 으로는 으로도
"""
PARTICLES = tuple(sorted(_PARTICLES.split(), key=len, reverse=True))
ENDINGS = (("ies", "y"), ("ying", "y"), ("ied", "y"), ("sses", "ss"), ("ness", ""), ("ing", ""), ("ed", ""), ("ly", ""))
SHORTEST_STEM = 3
LARGEST_KERNEL = 11
SHORTEST_SLIP, LONG, LIKE, LIKE_SHORT = 4, 6, 0.82, 0.86
SHORTEST_KOREAN_SLIP, LIKE_KOREAN = 3, 0.84
_TOKEN = re.compile(r"\d+(?:x\d+)+|[a-z]+(?:'[a-z]+)?|[가-힣]+|\d+")


def tokens(text: str) -> list[str]:
    """Words of a text in small letters; English and Korean parts of one word come apart, signs go."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'").replace("×", "x")
    return _TOKEN.findall(re.sub(r"(?<=\d)\s*(?:x|by)\s*(?=\d)", "x", plain))


@cache
def stem(word: str) -> str:
    """What forms of an English word share: pooling, pooled, pools → pool; a Korean word without its particle."""
    if is_korean(word):
        return _without_particle(word)
    word = word.removesuffix("'s").replace("n't", "nt").replace("'", "")
    word = word.replace("isation", "ization").replace("ise", "ize").replace("colour", "color")
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM:
            word = _undoubled(word.removesuffix(ending)) + instead
            break
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > SHORTEST_STEM:
        word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > SHORTEST_STEM + 1 else word


def size_of_images(word: str) -> str:
    """`999x999` for a size that no kernel has, `999x999x9` for one with a depth; nothing for another word."""
    sizes = word.split("x")
    if len(sizes) < 2 or not all(size.isdecimal() for size in sizes):
        return ""
    if len(sizes) > 2:
        return "999x999x9"
    return "999x999" if max(map(len, sizes)) > 2 or max(map(int, sizes)) > LARGEST_KERNEL else ""


def is_korean(word: str) -> bool:
    """Whether a word is written in Hangul."""
    return "가" <= word[:1] <= "힣"


def is_like(word: str, known: str) -> bool:
    """Whether two stems are the same but for a slip of the hand; short ones must be the same."""
    if word == known:
        return True
    if is_korean(known):
        enough = min(len(word), len(known)) >= SHORTEST_KOREAN_SLIP
        return enough and is_korean(word) and _likeness(_letters(word), _letters(known)) >= LIKE_KOREAN
    enough = min(len(word), len(known)) >= SHORTEST_SLIP and word[0] == known[0]
    return enough and _likeness(word, known) >= (LIKE if min(len(word), len(known)) >= LONG else LIKE_SHORT)


def unspaced(words: Iterable[str]) -> str:
    """The words without blanks, which Korean writers set as they like."""
    return "".join(words)


def _without_particle(word: str) -> str:
    for particle in PARTICLES:
        if word.endswith(particle) and len(word) - len(particle) >= 2:
            return word.removesuffix(particle)
    return word


def _undoubled(word: str) -> str:
    """`overfitt` → `overfit`, and `pass` as it is."""
    return word[:-1] if len(word) > 2 and word[-1] == word[-2] and word[-1] not in "lsz" else word


def _letters(word: str) -> str:
    """The single letters of Korean syllables."""
    return unicodedata.normalize("NFD", word)


@cache
def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return 0.0 if matcher.quick_ratio() < LIKE else matcher.ratio()
