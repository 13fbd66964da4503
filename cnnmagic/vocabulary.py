"""What may follow each word of the language, as its dataclasses say it: what completion offers and help explains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from cnnmagic.lang.binding import ALIASES
from cnnmagic.lang.directives import DataWords, ResizeWords
from cnnmagic.lang.expand import OutputWords
from cnnmagic.lang.syntax import read_value
from cnnmagic.lang.unfold import UseWords
from cnnmagic.lang.values import WORDS, fits
from cnnmagic.layers import BY_WORD, option
from cnnmagic.plans import Sweep, Training

_LIST = re.compile(r"\w+(, \w+)* or \w+")


@dataclass(frozen=True, kw_only=True)
class ResidualWords:
    """What `residual` takes before its colon."""

    activation: str | None = option("activation", None, help="function applied after the sum")
    project: bool = option("flag", True, bare=False, help="bring the input to the shape of the end where they differ")


@dataclass(frozen=True, kw_only=True)
class SqueezeWords:
    """What `se` takes."""

    ratio: int = option("count", 16, help="how many times fewer numbers its middle has than channels")


@dataclass(frozen=True)
class Takes:
    """What may follow a word: options of a dataclass, flags, and further arguments by their Keras names."""

    kind: type[Any]
    flags: tuple[str, ...] = ()
    further: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Field[Any]]:
        """The options by name, in the order in which bare words find them."""
        return {field.name: field for field in fields(self.kind) if field.metadata.get("kind")}

    def unset(self, given: Sequence[str]) -> dict[str, Field[Any]]:
        """The options that none of the words `given` has set, each bare word counted for the first that it fits."""
        left = self.options
        for word in given:
            key, named, _ = word.partition("=")
            used = (key.strip().lower(), *ALIASES.get(key.strip().lower(), ()))
            for name in used if named else _first_fit(left, word):
                left.pop(name, None)
        return left

    def option(self, key: str) -> Field[Any] | None:
        """The option of that name, or of a name that stands for it."""
        options = self.options
        return next((options[name] for name in (key, *ALIASES.get(key, ())) if name in options), None)


HEADS = {
    "train": Takes(Training),
    "sweep": Takes(Sweep),
    "data": Takes(DataWords),
    "resize": Takes(ResizeWords),
    "use": Takes(UseWords, ("imagenet", "freeze")),
    "residual": Takes(ResidualWords),
    "output": Takes(OutputWords),
    "se": Takes(SqueezeWords),
}


def takes(word: str) -> Takes | None:
    """What a layer's word, or another word that opens a statement, may be followed by; None where nothing is known."""
    kind = BY_WORD.get(word.lower())
    if kind is None:
        return HEADS.get(word.lower())
    return Takes(kind, ("bn",) if kind.takes_bn else (), kind.keras_only)


def values_of(field: Field[Any]) -> tuple[str, ...]:
    """The words that an option accepts; none where it takes a number or a size."""
    kind = field.metadata["kind"]
    if kind == "flag":
        return "yes", "no"
    return words_of(field.metadata["help"]) if kind == "name" else tuple(WORDS.get(kind, ()))


def words_of(help_text: str) -> tuple[str, ...]:
    """The words that a help text lists: `stretch, crop or pad`; none where it says something else."""
    return tuple(re.split(", | or ", help_text)) if _LIST.fullmatch(help_text) else ()


def default_text(field: Field[Any]) -> str:
    """The default of an option as the language writes it; empty where there is none."""
    value = field.default
    if value is None or value is MISSING:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _written(value)


def _written(value: Any) -> str:
    return "x".join(map(_written, value)) if isinstance(value, tuple) else str(value)


def _first_fit(left: dict[str, Field[Any]], word: str) -> list[str]:
    value = read_value(word)
    bare = (name for name, field in left.items() if field.metadata["bare"] and fits(field.metadata["kind"], value))
    return list(bare)[:1]
