"""Finds the question that free words in English or Korean ask, by lists of weighted words, without any model."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from cnnmagic.explain.language import LANGUAGES
from cnnmagic.explain.spelling import is_korean, is_like, size_of_images, stem, tokens, unspaced

# A clue of weight 4 settles a question by itself, one of 1 only tips the scales.
ENOUGH = 2.0
SLIP = 0.8  # what a misspelled word counts for
UNKNOWN, MOST_UNKNOWN = 1.0, 3.0  # words that no question knows speak against a question about networks
OUTNUMBERED, SO_MUCH_MORE = 2, 1.5  # the more so where there are more than so many for each word that tells
FURTHER = 0.5  # what each further clue for a question counts for, compared with the one before
NEAR, APART = 3, 0.6  # words between those of one clue before it counts for less, and for how much then
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
    stems = [_meant(stem(word)) for word in words]
    scores = _scores(stems, unspaced(word for word in words if is_korean(word)))
    best = max(scores, key=lambda name: scores[name], default=None)
    if best is None or scores[best] - _strangeness(stems) < ENOUGH:
        return None
    return best


def is_known_word(text: str) -> bool:
    """Whether a word is one of those that questions are asked in, or all of it is Korean."""
    words = tokens(text)
    return bool(words) and all(is_korean(word) or _is_spelled(_meant(stem(word))) for word in words)


@cache
def question_names() -> tuple[str, ...]:
    """The ids that can be found, in the order of the list."""
    return tuple(dict.fromkeys(clue.question for clue in _clues()))


def _scores(stems: Sequence[str], korean: str) -> dict[str, float]:
    weights: dict[str, list[float]] = {}
    found = {part: _found(part, stems, korean) for part in _parts()}
    for clue in _clues():
        share = min(found[part] for part in clue.parts)
        if share:
            share *= 1.0 if _stand_together(clue.parts, stems) else APART
            weights.setdefault(clue.question, []).append(clue.weight * share)
    return {question: _together(found) for question, found in weights.items()}


def _together(weights: list[float]) -> float:
    """What several clues weigh: the first in full, each further one less, since they often say the same again."""
    ordered = sorted((weight for weight in weights if weight > 0), reverse=True)
    against = sum(weight for weight in weights if weight < 0)
    return against + sum(weight * FURTHER**place for place, weight in enumerate(ordered))


def _found(part: str, stems: Sequence[str], korean: str) -> float:
    """1 where a part of a clue stands in the text, less where it is misspelled there, 0 where it does not."""
    if is_korean(part):
        if part in korean:
            return 1.0
    elif part in stems:
        return 1.0
    return SLIP if any(is_like(word, part) and not _is_spelled(word) for word in stems) else 0.0


def _is_spelled(word: str) -> bool:
    """Whether an English word is one that is known, and no slip for another."""
    return not is_korean(word) and (word in _spelled())


@cache
def _spelled() -> frozenset[str]:
    return frozenset((*_parts(), *_common()))


def _stand_together(parts: Sequence[str], stems: Sequence[str]) -> bool:
    """Whether the English words of a clue stand near one another; Korean ones may stand anywhere."""
    if len(parts) == 1 or any(map(is_korean, parts)):
        return True
    places = [[place for place, word in enumerate(stems) if is_like(word, part)] for part in parts]
    reach = len(parts) + NEAR
    return any(all(any(abs(place - first) < reach for place in others) for others in places[1:]) for first in places[0])


def _strangeness(stems: Sequence[str]) -> float:
    """How much the words that no question knows speak against all of them."""
    strange = telling = 0
    for word in dict.fromkeys(stems):
        if word.isdecimal() or any(_is_known(word, part) for part in _common()):
            continue
        known = any(_is_known(word, part) for part in _parts())
        strange, telling = strange + (not known), telling + known
    return min(MOST_UNKNOWN, UNKNOWN * strange) * (SO_MUCH_MORE if strange > OUTNUMBERED * telling else 1.0)


def _is_known(word: str, part: str) -> bool:
    return part in word if is_korean(part) else is_like(word, part)


@cache
def _clues() -> tuple[Clue, ...]:
    """Every clue once: of those with the same words for the same question the one that weighs most."""
    heaviest: dict[tuple[str, tuple[str, ...]], Clue] = {}
    for clue in (clue for language in LANGUAGES for clue in _read(language)):
        same = heaviest.setdefault((clue.question, clue.parts), clue)
        if abs(clue.weight) > abs(same.weight):
            heaviest[clue.question, clue.parts] = clue
    return tuple(heaviest.values())


@cache
def _parts() -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for clue in _clues() for part in clue.parts))


def _read(language: str) -> Iterator[Clue]:
    for question, groups in _table(language)["questions"].items():
        for weight, phrases in groups.items():
            for phrase in phrases:
                words = tokens(phrase)
                # Korean clues are looked for inside words, so that theirs stay as they are written.
                parts = tuple(word if is_korean(word) else _meant(stem(word)) for word in words)
                yield Clue(question, float(weight), parts)


@cache
def _common() -> tuple[str, ...]:
    """Stems that anyone uses in asking, which tell nothing."""
    words = (word for language in LANGUAGES for word in _table(language)["common"].split())
    return tuple(dict.fromkeys(word if is_korean(word) else _meant(stem(word)) for word in words))


def _meant(word: str) -> str:
    """The stem that stands for all that mean the same: photo → image, 640x480 → that of any size of images."""
    return size_of_images(word) or _synonyms().get(word, word)


@cache
def _synonyms() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in LANGUAGES:
        for meant, others in _table(language).get("synonyms", {}).items():
            found |= {stem(other): stem(meant) for other in others.split()}
    return found


@cache
def _table(language: str) -> dict[str, Any]:
    text = files("cnnmagic.explain").joinpath("locale", language, "find.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
