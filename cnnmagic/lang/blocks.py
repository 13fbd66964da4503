"""Blocks of the user's own: their definition, their calls, and the values of their parameters in a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnnmagic.errors import PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.graph import TooMuch
from cnnmagic.lang.parser import KEYWORDS
from cnnmagic.layers import ACTIVATIONS, BY_WORD

if TYPE_CHECKING:
    from cnnmagic.lang.walk import Walk

DEEPEST_CALL = 50
TAKEN = frozenset((*BY_WORD, *KEYWORDS, *ACTIVATIONS, "output", "se"))


def define(walk: Walk, statement: syntax.Block) -> None:
    """Remember a block by its name."""
    if statement.name.lower() in TAKEN:
        message = f"`{statement.name}` is a word of the language."
        raise PlanError(message, remedy="Give the block a name of its own.")
    names = [parameter.name for parameter in statement.parameters]
    if len(set(names)) < len(names):
        raise PlanError("two parameters of this block have the same name.", remedy="Rename one of them.")
    # The words of the statement hold the notebook's values already, its parameters what was written.
    given = zip(statement.parameters, statement.words[1:], strict=True)
    parameters = tuple(p if p.default is None else replace(p, default=word.value) for p, word in given)
    walk.blocks[statement.name.lower()] = replace(statement, parameters=parameters)


def call(walk: Walk, block: syntax.Block, statement: syntax.Layer) -> None:
    """Walk a block's lines with the values of a call; labels inside it are its own."""
    walk.called.add(block.name.lower())
    if len(walk.calls) >= DEEPEST_CALL:
        message = f"blocks call one another more than {DEEPEST_CALL} deep: does `{block.name}` call itself?"
        raise TooMuch(message, remedy="Use `repeat` for what comes again.")
    arguments = walk.once(walk.arguments, block, statement)
    outer, walk.labels = walk.labels, dict(walk.labels)
    walk.calls.append(arguments)
    try:
        walk.suite(block.body)
    finally:
        walk.calls.pop()
        walk.labels = outer


def fill(statement: Any, arguments: Mapping[str, syntax.Value]) -> Any:
    """The statement with a call's values in place of the parameters' names."""

    def is_argument(value: syntax.Value) -> bool:
        return isinstance(value, syntax.Name) and value.lower in arguments

    def value_of(value: syntax.Value) -> syntax.Value:
        return arguments[str(value).lower()] if is_argument(value) else value

    if not arguments or not any(is_argument(part) for word in statement.words for part in syntax.parts(word.value)):
        return statement
    words = tuple(replace(word, value=syntax.exchanged(word.value, value_of)) for word in statement.words)
    return replace(statement, words=words)


def arguments_of(block: syntax.Block, statement: syntax.Layer) -> dict[str, syntax.Value]:
    """The values of a block's parameters in a call: by position, by name, or by default."""
    names = [parameter.name for parameter in block.parameters]
    signature = f"{block.name}({', '.join(names)})"
    spelled = {name.lower(): name for name in names}
    given: dict[str, syntax.Value] = {}
    for position, word in enumerate(statement.words):
        name = spelled.get(word.key) if word.key else (names[position] if position < len(names) else None)
        if name is None or name in given:
            what = f"`{word.key}`" if word.key else f"`{word.value}`"
            raise PlanError(f"{what} is no argument of `{signature}`, or one too many.", place=word.place)
        given[name] = word.value
    filled = {p.name: given.get(p.name, p.default) for p in block.parameters}
    missing = [name for name, value in filled.items() if value is None]
    if missing:
        raise PlanError(f"`{block.name}` lacks `{missing[0]}`.", remedy=f"It is written `{signature}`.")
    return {name.lower(): value for name, value in filled.items() if value is not None}
