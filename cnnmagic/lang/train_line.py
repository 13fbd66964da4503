"""The `train` line of a cell's text: what it says, and the text with other words in it and all else as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from cnnmagic.celltext import code_of, split_lines
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import ALIASES, bind
from cnnmagic.lang.parser import parse
from cnnmagic.lang.training import over_recipe, read_training
from cnnmagic.plans import Training


def retrain(
    text: str, words: str, asked: Training | None, recipe: Training | None
) -> tuple[Training, str, syntax.Directive]:
    """The training by the text's `train` line with further words over it, the text that says it, and those words.

    `asked` is the training of the text's plan, which knows the values of `{{…}}`; `recipe` that of a text which it
    uses. Raises `CnnError` where the words are wrong.
    """
    further = _train_lines(f"train {words}")[0]
    new = read_training(further).values
    own = next(iter(_train_lines(text)), None)
    said = _said(own, asked, recipe)
    merged = over_recipe(said, new)
    line = [] if own is None else _kept(own, said, {name: merged[name] for name in merged if name not in new})
    return Training(**merged), _exchanged(text, own, [*line, *map(_written, further.words)], bool(words)), further


def _said(own: syntax.Directive | None, asked: Training | None, recipe: Training | None) -> dict[str, Any]:
    """All options by the recipe and the text's own line."""
    before = asked or recipe or Training()
    if own is None:
        return asdict(before)
    named = [(word, name) for word, name in _named(own) if name]
    if len(named) < len(own.words):  # a bare `{{…}}` is of an option that its value tells
        return asdict(before)
    plain = [word for word, _ in named if not _is_variable(word)]
    told = bind(Training, "train", plain).values
    told |= {name: getattr(before, name) for word, name in named if _is_variable(word)}
    return over_recipe(asdict(recipe or Training()), told) | {"mixing": before.mixing}


def _kept(own: syntax.Directive, said: dict[str, Any], left: dict[str, Any]) -> list[str]:
    """The words of the text's own line that further words leave in force; for a bare `{{…}}` what it came to."""
    named = _named(own)
    names = [name for _, name in named]
    kept = [_written(word) for word, name in named if name in left]
    if "" in names:
        bare = [option for option in fields(Training) if option.metadata.get("bare") and option.name not in names]
        changed = [option.name for option in bare if option.name in left and said[option.name] != option.default]
        kept += [f"{name}={said[name]}" for name in changed]
    return kept


def _named(own: syntax.Directive) -> list[tuple[syntax.Word, str]]:
    """The words of a `train` line, each with the option that it gives; a bare `{{…}}` with none."""
    found, before = [], dict[str, Any]()
    plain: list[syntax.Word] = []
    for word in own.words:
        if _is_variable(word):
            found.append((word, ALIASES.get(word.key or "", (word.key or "",))[0]))
            continue
        plain.append(word)
        values = bind(Training, "train", plain).values
        found.append((word, next(name for name in values if name not in before)))
        before = values
    return found


def _exchanged(text: str, own: syntax.Directive | None, words: Sequence[str], is_changed: bool) -> str:
    """The text with these words on its `train` line, which is its last one where it had none."""
    line = " ".join(["train", *words])
    if own is None:
        return f"{text.rstrip()}\n{line}\n"
    if not is_changed:
        return text
    lines = split_lines(text)
    first = own.place.line - 1
    last = max(first, *(word.place.line - 1 for word in own.words)) if own.words else first
    while sum(map(_open, lines[first : last + 1])) > 0 and last + 1 < len(lines):
        last += 1
    comments = [lines[n][len(code_of(lines[n])) :].strip() for n in range(first, last + 1)]
    told = "  ".join([line, *filter(None, comments)])
    return "\n".join([*lines[:first], told, *[""] * (last - first), *lines[last + 1 :]])  # all others keep their number


def _train_lines(text: str) -> list[syntax.Directive]:
    statements = parse(text).statements
    return [one for one in statements if isinstance(one, syntax.Directive) and one.name == "train"]


def _written(word: syntax.Word) -> str:
    """A word as the user wrote it, without blanks around its `=`."""
    key, _, value = word.place.source[word.place.column - 1 : word.place.end_column - 1].partition("=")
    return f"{key.rstrip()}={value.lstrip()}" if word.key else f"{key}{'=' * bool(value)}{value}"


def _is_variable(word: syntax.Word) -> bool:
    return any(isinstance(part, syntax.Variable) for part in syntax.parts(word.value))


def _open(line: str) -> int:
    code = code_of(line)
    return code.count("(") - code.count(")")
