"""The words of the answers: a file for each question and language, with named places for values."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from cnnmagic.explain.answer import Answer, Control, Experiment, Number
from cnnmagic.explain.language import language
from cnnmagic.explain.probe import Picked
from cnnmagic.wording import well_formed


class Words:
    """The words of one question in the language in force when it is made."""

    def __init__(self, question: str):
        self.question = question
        self._table = table(language(), question)

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with values in its places."""
        return well_formed(str(self._table[key]).strip("\n").format_map(_told(values)))

    def columns(self, key: str) -> list[str]:
        """The heads of a table."""
        return [str(head) for head in self._table[key]]

    def all(self, *keys: str, **values: Any) -> str:
        """The texts of several keys as paragraphs."""
        return "\n\n".join(self(key, **values) for key in keys)

    def image(self, picked: Picked) -> str:
        """How an image is called: by its split, number and class, or as the reader's own."""
        return _image(picked)

    def number(self, key: str, value: float, **values: Any) -> Number:
        """A number with its label, unit and source, which may have places for values too."""
        told = self._table["numbers"][key]
        label, unit, source = (
            well_formed(told.get(name, "").format_map(_told(values))) for name in ("label", "unit", "source")
        )
        return Number(well_formed(f"1 {label}")[2:] if value == 1 else label, value, unit, source)

    def answer(
        self,
        text: str,
        numbers: tuple[Number, ...] = (),
        figure: str | None = None,
        experiment: Experiment | None = None,
        controls: tuple[Control, ...] = (),
    ) -> Answer:
        """The answer with the question's title and link."""
        link = self._table.get("link")
        return Answer(
            self.question,
            self("title"),
            text,
            numbers,
            figure,
            experiment,
            (link["title"], link["address"]) if link else None,
            controls,
        )


def _image(picked: Picked) -> str:
    said = Words("panel")
    if not picked.split:
        return said("own_image")
    return said("picked_image", split=picked.split, index=picked.index, label=picked.label)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """The values with a split called by its name in the language in force."""
    if "split" not in values:
        return values
    return values | {"split": table(language(), "panel")["splits"].get(values["split"], values["split"])}


@cache
def table(language: str, question: str) -> dict[str, Any]:
    """All that the file of a question says."""
    path = files("cnnmagic.explain").joinpath("locale", language, f"{question}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
