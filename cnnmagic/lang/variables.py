"""Values of the notebook for `{{name.attribute[0]}}`: looked up step by step, never evaluated as code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from cnnmagic.errors import CnnError, PlanError
from cnnmagic.lang import syntax
from cnnmagic.plans import Training
from cnnmagic.wording import closest, sentence

_NAME = re.compile(r"[^\W\d]\w*")
_ASKED = re.compile(r"\{\{\s*([^\W\d]\w*)")
_SEVERAL = re.compile(r"[^\W\d]\w*(?:[\s,]+[^\W\d]\w*){1,3}")
_STEP = re.compile(r"""\.(?P<attribute>[^\W\d]\w*)|\[(?:(?P<index>-?\d{1,9})|["'](?P<key>[^"'\[\]]*)["'])\]""")


def check_used(text: str, variables: Mapping[str, Any]) -> None:
    """Raise `PlanError` for an option of `train` that is given as a variable, where the text does not ask for it."""
    options, asked = {option.name for option in fields(Training)} | {"batch", "lr"}, set(_ASKED.findall(text))
    for name in options & variables.keys() - asked:
        message = f"`{name}={variables[name]}` is given as a variable, and the text has no `{{{{{name}}}}}`."
        raise PlanError(message, remedy=f"Write it in the text: `train {name}={variables[name]}`.")


def look_up(path: str, variables: Mapping[str, Any]) -> Any:
    """The value at `path`; raises `PlanError` where it is not there, or the path is more than names and indices."""
    name = _NAME.match(path)
    position = name.end() if name else 0
    steps = []
    while name and position < len(path) and (step := _STEP.match(path, position)):
        steps.append(step)
        position = step.end()
    names = [name[0] if name else "", *(step["attribute"] or "" for step in steps)]
    if not name or position < len(path) or any(part.startswith("__") for part in names):
        remedy = "Between `{{` and `}}` stands a name, an attribute or an index: `{{x}}`, `{{data.x}}`, `{{x[0]}}`."
        if _SEVERAL.fullmatch(path):
            apart = " ".join("{{" + one + "}}" for one in _NAME.findall(path))
            remedy = f"Each stands in braces of its own: `{apart}`."
        raise PlanError(f"`{path}` is no plain name of a variable.", remedy=remedy)
    if name[0] not in variables:
        message = f"the notebook has no variable `{name[0]}`{closest(name[0], variables)}"
        raise PlanError(sentence(message), remedy="Run the cell that makes it first.")
    value = variables[name[0]]
    for step in steps:
        value = _follow(value, step, path)
    return value


def _follow(value: Any, step: re.Match[str], path: str) -> Any:
    try:
        if step["attribute"]:
            return getattr(value, step["attribute"])
        return value[int(step["index"]) if step["index"] else step["key"]]
    except (AttributeError, LookupError, TypeError, ValueError):
        raise PlanError(
            f"`{path[: step.start()]}` has no `{step[0]}`.", remedy="Look at the value in a cell of its own."
        ) from None
    except Exception as error:  # whatever a class of the user's raises when it is asked
        told = ", ".join(filter(None, (type(error).__name__, str(error))))
        message = f"`{path[: step.start()]}` does not give its `{step[0]}`: {told}"
        raise PlanError(sentence(message), remedy="Look at the value in a cell of its own.") from error


def fill(statement: Any, variables: Mapping[str, Any]) -> Any:
    """The statement with the notebook's values in place of `{{…}}`; raises `PlanError` at the word."""
    if not any(isinstance(part, syntax.Variable) for word in statement.words for part in syntax.parts(word.value)):
        return statement
    return replace(statement, words=tuple(_filled(word, variables) for word in statement.words))


def _filled(word: syntax.Word, variables: Mapping[str, Any]) -> syntax.Word:
    def looked_up(value: syntax.Value) -> syntax.Value:
        return as_value(look_up(value.path, variables), value.path) if isinstance(value, syntax.Variable) else value

    try:
        return replace(word, value=syntax.exchanged(word.value, looked_up))
    except CnnError as error:
        raise error.at(word.place) from None


def as_value(value: Any, path: str) -> syntax.Value:
    """A notebook's value as the word it stands for: numbers, words, sizes; raises `PlanError` for anything else."""
    if isinstance(value, bool):
        return syntax.Name("yes" if value else "no")
    if isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return syntax.read_value(value)
    if (
        isinstance(value, tuple | list)
        and value
        and all(isinstance(part, int) and not isinstance(part, bool) for part in value)
    ):
        return syntax.Size(tuple(value))
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return as_value(value.item(), path)
    raise PlanError(f"`{path}` is {type(value).__name__}, and a number, a word or a size is needed here.")
