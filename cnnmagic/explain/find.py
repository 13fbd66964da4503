"""Finds the question that free words in English or Korean ask, by lists of weighted words, without any model."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cnnmagic.explain.language import LANGUAGES
from cnnmagic.explain.spelling import is_korean, is_like, stem, tokens, unspaced

# A clue of weight 4 settles a question by itself, one of 1 only tips the scales.
ENOUGH = 2.0
SLIP = 0.8  # what a misspelled word counts for
UNKNOWN, MOST_UNKNOWN = 1.0, 3.0  # words that no question knows speak against a question about networks
LONGEST_QUESTION = 2_000


@dataclass(frozen=True)
class Clue:
    """Stems that, found together, speak for a question by so much."""

    question: str
    weight: float
    parts: tuple[str, ...]


def find_question(text: str) -> str | None:
    """The id of the question that fits free words in English or Korean best; None where none fits."""
    words = tokens(text[:LONGEST_QUESTION])
    wanted = "-".join(words)
    names = {"-".join(tokens(name)): name for name in question_names()}
    if wanted in names:
        return names[wanted]
    stems = [stem(word) for word in words]
    scores = _scores(stems, unspaced(word for word in words if is_korean(word)))
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is None or scores[best] - _strangeness(stems) < ENOUGH:
        return None
    return best


@cache
def question_names() -> tuple[str, ...]:
    """The ids that can be found, in the order of the list."""
    return tuple(dict.fromkeys(clue.question for clue in _clues()))


def _scores(stems: Sequence[str], korean: str) -> dict[str, float]:
    scores: dict[str, float] = {}
    found = {part: _found(part, stems, korean) for part in _parts()}
    for clue in _clues():
        share = min(found[part] for part in clue.parts)
        if share:
            scores[clue.question] = scores.get(clue.question, 0.0) + clue.weight * share
    return scores


def _found(part: str, stems: Sequence[str], korean: str) -> float:
    """1 where a part of a clue stands in the text, less where it is misspelled there, 0 where it does not."""
    if is_korean(part):
        if part in korean:
            return 1.0
    elif part in stems:
        return 1.0
    return SLIP if any(is_like(word, part) for word in stems) else 0.0


def _strangeness(stems: Sequence[str]) -> float:
    """How much the words that no question knows speak against all of them."""
    known = (*_parts(), *_common())
    strange = [word for word in dict.fromkeys(stems) if not any(_is_known(word, part) for part in known)]
    return min(MOST_UNKNOWN, UNKNOWN * len(strange))


def _is_known(word: str, part: str) -> bool:
    return part in word if is_korean(part) else is_like(word, part)


@cache
def _clues() -> tuple[Clue, ...]:
    return tuple(clue for language in LANGUAGES for clue in _read(language))


@cache
def _parts() -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for clue in _clues() for part in clue.parts))


def _read(language: str) -> Iterator[Clue]:
    for question, groups in _table(language)["questions"].items():
        for weight, phrases in groups.items():
            for phrase in phrases:
                words = tokens(phrase)
                # Korean clues are looked for inside words, so that theirs stay as they are written.
                parts = tuple(word if is_korean(word) else stem(word) for word in words)
                yield Clue(question, float(weight), parts)


@cache
def _common() -> tuple[str, ...]:
    """Stems that anyone uses in asking, which tell nothing."""
    words = (word for language in LANGUAGES for word in _table(language)["common"].split())
    return tuple(dict.fromkeys(word if is_korean(word) else stem(word) for word in words))


@cache
def _table(language: str) -> dict[str, Any]:
    text = files("cnnmagic.explain").joinpath("locale", language, "find.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
