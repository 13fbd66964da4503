"""What an answer is: a text, numbers with their sources, a figure, what to set and to try, something to read on."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from cnnmagic.wording import well_formed


@dataclass(frozen=True)
class Number:
    """One number of an answer; `source` says in words of which layer, tensor, split and how many images it is."""

    label: str
    value: float
    unit: str
    source: str

    @property
    def shown(self) -> str:
        """The value as it is read: `61,706`, `0.083`, `12.5 %`."""
        if self.unit == "%":
            return f"{self.value:.4g} %"
        text = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:.4g}"
        return well_formed(f"{text} {self.unit}".strip())


@dataclass(frozen=True)
class Experiment:
    """A twin of the network to try: the whole text of its cell, the text it changes, and a button's label."""

    label: str
    text: str
    original: str

    @property
    def diff(self) -> str:
        """The lines that differ, as `diff -u` writes them."""
        lines = difflib.unified_diff(self.original.strip().split("\n"), self.text.strip().split("\n"), lineterm="", n=1)
        return "\n".join(line for line in lines if not line.startswith(("@@", "---", "+++")))


@dataclass(frozen=True)
class Control:
    """What the reader of an answer may set: `run.ask(id, key=value)` gives the answer for another value.

    One of `options` where there are any, else a number from `least` to `most` in steps of `step`.
    """

    key: str
    label: str
    value: int | float | str
    options: tuple[str, ...] = ()
    least: float = 0
    most: float = 0
    step: float = 1


@dataclass(frozen=True)
class Answer:
    """The answer to one question on one network; `figure` is SVG or HTML, `link` (title, address) leads on.

    `controls` are what its reader may set.

    In `text` paragraphs stand apart by an empty line, words of the language in backquotes, and a paragraph whose lines
    are indented is code, or a table, as it stands.
    """

    id: str
    title: str
    text: str
    numbers: tuple[Number, ...] = ()
    figure: str | None = None
    experiment: Experiment | None = None
    link: tuple[str, str] | None = None
    controls: tuple[Control, ...] = ()

    def __str__(self) -> str:
        parts = [self.title, "", self.text.strip("\n")]
        if self.numbers:
            parts += ["", *_table(self.numbers)]
        if self.experiment is not None:
            parts += ["", f"{self.experiment.label}:", *(f"    {line}" for line in self.experiment.diff.split("\n"))]
        if self.link is not None:
            parts += ["", f"{self.link[0]}: {self.link[1]}"]
        return "\n".join(parts)

    def html(self, heading: bool = True) -> str:
        """The answer as one piece of HTML; with `heading` its title is on top."""
        from cnnmagic.explain.page import answer_html  # it reads the answer, and an answer should still show itself

        return answer_html(self, heading)

    def _repr_html_(self) -> str:
        return self.html()


def _table(numbers: tuple[Number, ...]) -> list[str]:
    values = [number.shown for number in numbers]
    width = max(map(len, values))
    return [f"{value:>{width}}  {n.label} ({n.source})" for n, value in zip(numbers, values, strict=True)]
