"""Words to options: each bare word finds the option that its shape fits, each `name=value` the option of that name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields, replace
from functools import cache
from itertools import zip_longest
from typing import Any

from cnnmagic.errors import CnnError, Place, PlanError, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.foreign import argument_of_another
from cnnmagic.lang.lines import second_statement
from cnnmagic.lang.values import WORDS, fits, plain, plain_word, read
from cnnmagic.plans import Choice
from cnnmagic.wording import closest, listed, sentence

ALIASES = {
    "stride": ("strides",),
    "kernel": ("kernel_size", "pool_size"),
    "size": ("kernel_size", "pool_size"),
    "num_output": ("filters", "units"),
    "out_channels": ("filters",),
    "out_features": ("units",),
    "kernel_size": ("pool_size",),
    "dilation": ("dilation_rate",),
    "group": ("groups",),
    "bias": ("use_bias",),
    "p": ("rate",),
    "dropout_ratio": ("rate",),
    "batch": ("batch_size",),
    "lr": ("learning_rate",),
}


_OTHER_SIZE = re.compile(r"(\d{1,9}) ?(?:x|×|\*|by) ?(\d{1,9})")
_SUM = re.compile(r"[\w.]+(?:[*+][\w.]+)+|\d{1,3}[a-z]")
_SQUARE = re.compile(r"([^\W\d])x\1")
MOST_PROBLEMS = 20  # more than are ever shown; each looks for a near word, which takes time


@dataclass(frozen=True)
class Binding:
    """The options that words gave, the flags among them, the choices left open, and notes on other names' meaning."""

    values: dict[str, Any]
    flags: frozenset[str]
    choices: tuple[Choice, ...]
    notes: tuple[str, ...]


def bind(
    kind: type[Any], subject: str, words: Sequence[syntax.Word], flags: Sequence[str] = (), further: Sequence[str] = ()
) -> Binding:
    """Give the words of a statement to the options of the dataclass `kind`.

    `flags` are bare words with a meaning of their own, `further` names of Keras arguments that go into `extra`. Raises
    `PlanError` with every word that fits nothing.
    """
    binder = _Binder(kind, subject, flags, further)
    problems: list[Problem] = []
    check_sizes(words)
    for position, (word, after) in enumerate(zip_longest(words, words[1:])):
        if len(problems) >= MOST_PROBLEMS:
            break
        if binder.is_stranger(word) and (second := second_statement(subject, words[position:])):
            problems.append(second)
            break
        try:
            binder.take(word, after)
        except CnnError as error:
            problems += error.at(word.place).problems
    if problems:
        raise PlanError.gather(problems)
    if binder.extra:
        binder.values["extra"] = tuple(binder.extra)
    return Binding(binder.values, frozenset(binder.seen), tuple(binder.choices), tuple(binder.notes))


def check_sizes(words: Sequence[syntax.Word]) -> None:
    """Raise `PlanError` for a size in another spelling: `3 x 3`, `3*3`, `3by3`."""
    for position, word in enumerate(words):
        text = word.value.lower if isinstance(word.value, syntax.Name) and not word.key else ""
        around = [str(near.value) for near in words[max(0, position - 1) : position + 2]]
        written = " ".join(around) if text in ("x", "×", "*", "by") else text
        parts = _OTHER_SIZE.fullmatch(written)
        if parts:
            remedy = f"Write `{parts[1]}x{parts[2]}`, without blanks."
            raise PlanError(f"`{written}` is no size.", place=word.place, remedy=remedy)


def require(kind: type[Any], subject: str, values: dict[str, Any]) -> None:
    """Raise `PlanError` where an option without a default was not given."""
    for needed in fields(kind):
        if needed.default is MISSING and needed.name not in values:
            what, example = needed.metadata["help"].split(":")[0], getattr(kind, "example", "")
            raise PlanError(
                f"`{subject}` lacks `{needed.name}`: {what}.", remedy=f"For example `{example}`." if example else ""
            )


def choice_of(choices: syntax.Choices, place: Place, argument: str, values: Sequence[Any]) -> Choice:
    """The hyper-parameter that braces are; `place` is that of the word which they were found in."""
    return Choice(
        line=(choices.place or place).line,
        argument=argument,
        text=str(choices),
        values=tuple(values),
        written=tuple(map(_written, choices.values)),
        span=choices.span,
        log=choices.log,
        place=choices.place,
    )


def _written(value: syntax.Value) -> str:
    """A value as a cell may say it; a number as short as it is exact."""
    if isinstance(value, float) and float(short := f"{value:g}") == value:
        return short
    return f'"{value}"' if isinstance(value, syntax.Text) and " " in value.text else str(value)


@cache
def _options(kind: type[Any]) -> dict[str, Field[Any]]:
    return {option.name: option for option in fields(kind) if option.metadata.get("kind")}


class _Binder:
    def __init__(self, kind: type[Any], subject: str, flags: Sequence[str], further: Sequence[str]):
        self.options = _options(kind)  # type: ignore[arg-type]  # classes can be hashed
        self.subject, self.flags, self.further = subject, flags, further
        self.values: dict[str, Any] = {}
        self.extra: list[tuple[str, Any]] = []
        self.seen: set[str] = set()
        self.choices: list[Choice] = []
        self.notes: list[str] = []

    def take(self, word: syntax.Word, after: syntax.Word | None) -> None:
        if word.key:
            self.named(word, word.key)
        elif isinstance(word.value, syntax.Name) and word.value.lower in self.flags:
            self.seen.add(word.value.lower)
        else:
            self.bare(word, after)

    def is_stranger(self, word: syntax.Word) -> bool:
        """Whether a bare word fits no option, given or not."""
        kinds = [option.metadata["kind"] for option in self.options.values() if option.metadata["bare"]]
        is_flag = isinstance(word.value, syntax.Name) and word.value.lower in self.flags
        return not (word.key or is_flag or any(fits(kind, word.value) for kind in kinds))

    def named(self, word: syntax.Word, key: str) -> None:
        if key in self.flags:
            if read("flag", word.value):
                self.seen.add(key)
            return
        name = self.keras_name(key, word.value)
        if name in self.values:
            raise PlanError(f"`{name}` is given twice.", remedy="Keep one of them.")
        if name in self.options:
            self.values[name] = self.value(name, self.options[name].metadata["kind"], word)
        else:
            self.extra.append((name, self.further_value(name, word)))

    def further_value(self, name: str, word: syntax.Word) -> Any:
        """The value of an argument that goes to Keras as it is; the first of several choices."""
        if not isinstance(word.value, syntax.Choices):
            return plain_word(replace(word, key=name))
        self.choices.append(
            choice_of(word.value, word.place, name, [plain(choice, name) for choice in word.value.values])
        )
        return self.choices[-1].values[0]

    def keras_name(self, key: str, value: syntax.Value) -> str:
        if key in self.options or key in self.further:
            return key
        for name in ALIASES.get(key, ()):
            if name in self.options:
                self.notes.append(f"`{key}` is Keras's `{name}`")
                return name
        known = [*self.options, *self.further, *self.flags]
        near = closest(key, known)
        message = f"`{self.subject}` has no argument `{key}`{near}"
        if instead := argument_of_another(self.subject, key, value):
            raise PlanError(f"`{self.subject}` has no argument `{key}`.", remedy=instead)
        raise PlanError(sentence(message), remedy="" if near else f"It takes {listed(known)}.")

    def bare(self, word: syntax.Word, after: syntax.Word | None) -> None:
        for name, option in self.options.items():
            kind = option.metadata["kind"]
            if name not in self.values and option.metadata["bare"] and fits(kind, word.value):
                self.values[name] = self.value(name, kind, word)
                return
        self.check_name_alone(word.value, after)
        message = sentence(self.stranger(word.value))
        raise PlanError(message, remedy="" if message.endswith("?") else f"`{self.subject}` takes {self.usage()}.")

    def check_name_alone(self, value: syntax.Value, after: syntax.Word | None) -> None:
        """Raise `PlanError` for an argument's name without `=`, such as the first of `stride 2`."""
        names = () if not isinstance(value, syntax.Name) else (value.lower, *ALIASES.get(value.lower, ()))
        name = next((name for name in names if name in self.options), None)
        if name is None:
            return
        follows = after is not None and after.key is None and not isinstance(after.value, syntax.Name)
        given = str(after.value).removeprefix("/") if follows and after else self.values.get(name)
        example = given if isinstance(given, int | str) else "…"
        raise PlanError(f"`{value}` needs a value.", remedy=f"Write `{value}={example}`, without blanks.")

    def stranger(self, value: syntax.Value) -> str:
        """Why a bare word fits nothing."""
        if not isinstance(value, syntax.Name):
            steps = str(value).removeprefix("/")
            named = f": write `strides={steps}`" if "strides" in self.options and steps.isidentifier() else ""
            return f"`{value}` fits no argument of `{self.subject}`{named}"
        if value.lower[:1] == "x" and value.lower[1:].isdigit():
            return f"`{value}` is no word here: what comes several times stands in `repeat {value.lower[1:]}:`."
        if _SUM.fullmatch(value.text):
            return f"`{value}` is no number, and nothing is calculated here: give a block a parameter for it"
        if square := _SQUARE.fullmatch(value.lower):
            return f"`{value}` is no size: write `{square[1]}` alone, which is both sides"
        kinds = [option.metadata["kind"] for option in self.options.values()]
        for name, option in self.options.items():
            if value.lower in WORDS.get(kind := option.metadata["kind"], ()):
                is_given = name in self.values
                way = f"is one {kind} too many for" if is_given else f"needs its argument's name, `{name}={value}`, in"
                return f"`{value}` {way} `{self.subject}`"
        known = [word for kind in kinds for word in WORDS.get(kind, ())] + list(self.flags) + list(self.options)
        what = next((kind for kind in ("activation", "optimizer") if kind in kinds), "word")
        return f"no {what} `{value}`{closest(value.text, known)}"

    def usage(self) -> str:
        return listed([*self.options, *self.flags]) or "no words"

    def value(self, name: str, kind: str, word: syntax.Word) -> Any:
        value = word.value
        if isinstance(value, syntax.Choices):
            self.choices.append(choice_of(value, word.place, name, [read(kind, choice) for choice in value.values]))
            return self.choices[-1].values[0]
        try:
            return read(kind, value)
        except CnnError as error:
            raise PlanError(f"`{name}={value}`: {error.problems[0].message}", remedy=error.problems[0].remedy) from None
