"""The tree of a cell: what was written, with the place of every word, before anything is given a meaning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from cnnmagic.errors import Place


@dataclass(frozen=True)
class Name:
    """A bare word: an activation, an option's value, a parameter of a block."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def lower(self) -> str:
        return self.text.lower()


@dataclass(frozen=True)
class Text:
    """A quoted word or a path."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Size:
    """`28x28x1`; a free dimension, written `?`, is None."""

    dimensions: tuple[int | None, ...]

    def __str__(self) -> str:
        return "x".join("?" if dimension is None else str(dimension) for dimension in self.dimensions)


@dataclass(frozen=True)
class Stride:
    """`/2`, or `/2x1` for (height, width)."""

    dimensions: tuple[int, ...]

    def __str__(self) -> str:
        return "/" + "x".join(map(str, self.dimensions))


@dataclass(frozen=True)
class Variable:
    """`{{name.attribute[0]}}`: a value of the notebook."""

    path: str

    def __str__(self) -> str:
        return "{{" + self.path + "}}"


@dataclass(frozen=True)
class Choices:
    """`{a, b, c}` or, with `span`, `{low .. high}`: a hyper-parameter; `place` is that of the braces in the cell."""

    values: tuple[Value, ...]
    span: bool = False
    log: bool = False
    place: Place | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if self.span:
            return "{" + " .. ".join(map(str, self.values)) + (" log" if self.log else "") + "}"
        return "{" + ", ".join(map(str, self.values)) + "}"


@dataclass(frozen=True)
class Numbers:
    """`(-0.5, 1, 2.5)`: one number for each channel."""

    values: tuple[int | float, ...]

    def __str__(self) -> str:
        return "(" + ", ".join(map(str, self.values)) + ")"


@dataclass(frozen=True)
class Call:
    """`l2(0.0001)`: a value with numbers of its own; a name is None where the order tells it."""

    name: str
    arguments: tuple[tuple[str | None, Value], ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value}' if name else str(value) for name, value in self.arguments)})"


def parts(value: Value) -> Iterator[Value]:
    """A value, and what stands in the brackets of a call."""
    yield value
    if isinstance(value, Call):
        yield from (part for _, inner in value.arguments for part in parts(inner))


def exchanged(value: Value, change: Callable[[Value], Value]) -> Value:
    """What `change` makes of a value, or of those in the brackets of a call."""
    if not isinstance(value, Call):
        return change(value)
    return replace(value, arguments=tuple((name, exchanged(inner, change)) for name, inner in value.arguments))


Value = int | float | Name | Text | Size | Stride | Variable | Choices | Numbers | Call


@dataclass(frozen=True)
class Word:
    """One word of a statement: `value`, or `key=value`."""

    value: Value
    place: Place
    key: str | None = None


@dataclass(frozen=True)
class Statement:
    """What every statement has: the place of its whole line and its words."""

    place: Place
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Layer(Statement):
    """A layer, or a call of a block: `conv 32 3x3 relu`, `stem <- conv 32 3x3`."""

    name: str
    label: str | None = None
    adapts: bool = False  # an `output` taken over from another text fits itself to the data


@dataclass(frozen=True)
class Directive(Statement):
    """`data`, `resize`, `augment`, `input`, `train`, `sweep` or `seed`."""

    name: str


@dataclass(frozen=True)
class Parameter:
    """A parameter of a block, with its default if it has one."""

    name: str
    default: Value | None


@dataclass(frozen=True)
class Block(Statement):
    """`block NAME(parameters):` and its suite."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Repeat(Statement):
    """`repeat N:` and its suite; the count is the first word."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Residual(Statement):
    """`residual [activation] [project=no]:` and its suite."""

    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Branch(Statement):
    """`branch [NAME]:`; without a suite it is the identity."""

    name: str | None
    body: tuple[Statement, ...]


@dataclass(frozen=True)
class Branches(Statement):
    """`branches -> concat:` and its branches."""

    merge: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Join(Statement):
    """`from a`, `add a`, `concat a b`: go on from, or merge with, labelled layers; `b <- add a` labels the sum."""

    kind: str
    label: str | None = None


@dataclass(frozen=True)
class Use(Statement):
    """`use NAME …`: a zoo network or an earlier cell."""

    name: str


@dataclass(frozen=True)
class Program:
    """A cell as written; `text` is what the user typed and `first_line` the number of its first line.

    It is not `whole` where lines of it could not be read; then nothing can be told of shapes.
    """

    text: str
    statements: tuple[Statement, ...]
    first_line: int = 1
    whole: bool = True


DIRECTIVES = ("data", "input", "resize", "augment", "train", "sweep", "seed")
SUITES = ("block", "repeat", "residual", "branches", "branch")
LONGEST_INTEGER = 40
_INTEGER = re.compile(r"[+-]?\d+")
# No two parts of these take the same digits, so that a long word is not tried in every way of sharing them out.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_FRACTION = re.compile(r"(\d+(?:\.\d*)?)/(\d+(?:\.\d*)?)")
_PERCENT = re.compile(r"(\d+(?:\.\d*)?)%")
_UNITS = re.compile(r"(\d{1,9})-d", re.IGNORECASE)  # `4096-d fc`
_SIZE = re.compile(r"(\d{1,9}|\?|any)(?:[x×](\d{1,9}|\?|any))+", re.IGNORECASE)
_STRIDE = re.compile(r"/\d{1,9}(?:[x×]\d{1,9})*", re.IGNORECASE)
_TIMES = re.compile(r"[x×]", re.IGNORECASE)
_PATH = re.compile(r".*[./\\:~]")


def read_value(text: str) -> Value:
    """The value that one bare word stands for, told by its shape alone."""
    return _seen_before(text) if len(text) <= LONGEST_INTEGER else _read(text)


def _read(text: str) -> Value:
    if _INTEGER.fullmatch(text) and len(text) <= LONGEST_INTEGER:
        return int(text)
    if _NUMBER.fullmatch(text):
        return float(text)
    if _SIZE.fullmatch(text):
        return Size(tuple(int(part) if part.isdigit() else None for part in _TIMES.split(text)))
    if _STRIDE.fullmatch(text):
        return Stride(tuple(int(part) for part in _TIMES.split(text[1:])))
    if text == "?" or text.lower() == "any":
        return Size((None,))
    if (fraction := _FRACTION.fullmatch(text)) and float(fraction[2]):
        return float(fraction[1]) / float(fraction[2])
    if percent := _PERCENT.fullmatch(text):
        return float(percent[1]) / 100
    if units := _UNITS.fullmatch(text):
        return int(units[1])
    return Text(text) if _PATH.match(text) else Name(text)


_seen_before = lru_cache(1024)(_read)  # a cell says `3x3` and `relu` on most of its lines
