"""`use NAME`: puts the statements of another network's text in the place of the line that names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnmagic.errors import CnnError, ParseError, Place, PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import bind
from cnnmagic.lang.expand import layer_class
from cnnmagic.lang.parser import parse
from cnnmagic.layers import Dense, Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D, option
from cnnmagic.plans import Base
from cnnmagic.wording import closest, listed, sentence

DEEPEST = 10
PRETRAINED = ("mobilenet_v2", "resnet50", "vgg16", "vgg19")
HEADS = (Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D, Dense)

FindText = Callable[[str, bool], str | None]


class UsesItself(PlanError):
    """A text names, directly or through others, itself."""


@dataclass(frozen=True, kw_only=True)
class UseWords:
    """What `use NAME` takes besides the name."""

    weights: str | None = option("name", None, bare=False, help="a file of weights that keras.applications reads")


@dataclass(frozen=True)
class Unfolded:
    """A program without `use`, whose layers stand at `place` now; inherited directives are apart, oldest first.

    `headless` tells whether other layers stand where the base, or without one the network used, had its head;
    `of_base` is the number of statements, directives left out, up to the base's last.
    """

    program: syntax.Program
    inherited: tuple[syntax.Directive, ...] = ()
    base: Base | None = None
    place: Place | None = None
    headless: bool = False
    of_base: int = 0


def unfold(program: syntax.Program, find_text: FindText, known: Sequence[str], path: tuple[str, ...] = ()) -> Unfolded:
    """The program with its `use` line, if any, replaced; raises `CnnError` at that line.

    `find_text` gives the text of a network by name, of the zoo alone where it is asked again, `known` are the names
    that it knows, and `path` those whose texts are being read.
    """
    uses = [statement for statement in program.statements if isinstance(statement, syntax.Use)]
    if not uses:
        return Unfolded(program)
    use = uses[0]
    if len(uses) > 1:
        first = f"the first is on line {use.place.line}"
        raise PlanError(f"a second `use`; {first}.", place=uses[1].place, remedy="A cell builds on one network.")
    inner = _read(use, find_text, known, path)
    own = [statement for statement in program.statements if statement is not use]
    layers = [statement for statement in own if not isinstance(statement, syntax.Directive)]
    _check_order(use, layers)
    taken = [_moved(s, use.place) for s in inner.program.statements if not isinstance(s, syntax.Directive)]
    headless = any(not isinstance(statement, syntax.Block) for statement in layers)
    taken = _without_head(taken, use) if headless else taken
    directives = [_moved(s, use.place) for s in inner.program.statements if isinstance(s, syntax.Directive)]
    base = _base(use)
    if base is not None:  # its recipe is for weights that have learned nothing yet
        directives = [directive for directive in directives if directive.name != "train"]
    position = next(index for index, statement in enumerate(program.statements) if statement is use)
    statements = (*program.statements[:position], *taken, *program.statements[position + 1 :])
    older = tuple(_moved(directive, use.place) for directive in inner.inherited)
    names = {directive.name for directive in directives if directive.name != "train"}
    inherited = (*(directive for directive in older if directive.name not in names), *directives)
    is_headless = headless or (base is None and inner.headless)  # a network used twice has lost its base's head
    blocks = sum(not isinstance(statement, syntax.Directive) for statement in program.statements[:position])
    of_base = blocks + (len(taken) if base else min(inner.of_base, len(taken)))
    return Unfolded(
        replace(program, statements=statements), inherited, base or inner.base, use.place, is_headless, of_base
    )


def _read(use: syntax.Use, find_text: FindText, known: Sequence[str], path: tuple[str, ...]) -> Unfolded:
    """The network that a line names; a name that is being read already means the zoo's, if it has one."""
    text = find_text(use.name, use.name in path)
    if text is None and use.name in path:
        remedy = f"Give the cell another name, such as `{use.name}2`." if len(path) == 1 else "Name another network."
        raise UsesItself(f"`{use.name}` uses itself.", place=use.place, remedy=remedy)
    if text is None:
        near = closest(use.name, known)
        remedy = "" if near else f"There are {listed(known)}."
        raise PlanError(sentence(f"no network `{use.name}`{near}"), place=use.place, remedy=remedy)
    if len(path) >= DEEPEST:
        raise PlanError(f"networks use one another more than {DEEPEST} deep.", place=use.place)
    try:
        return unfold(parse(text), find_text, known, (*path, use.name))
    except CnnError as error:
        problem = replace(error.problems[0], place=use.place)
        if path or isinstance(error, UsesItself):
            raise type(error)(problem) from error
        raise ParseError(f"the text of `{use.name}` is wrong: {problem.message}", place=use.place) from error


def _base(use: syntax.Use) -> Base | None:
    binding = bind(UseWords, "use", use.words, flags=("imagenet", "freeze"))
    weights = binding.values.get("weights") or ("imagenet" if "imagenet" in binding.flags else None)
    if weights is None and "freeze" in binding.flags:
        message = f"`freeze` keeps weights as they are, and `{use.name}` comes without any."
        pretrained = use.name in PRETRAINED
        remedy = f"Write `use {use.name} imagenet freeze`." if pretrained else f"There are for {listed(PRETRAINED)}."
        raise PlanError(message, place=use.place, remedy=remedy)
    if weights is not None and use.name not in PRETRAINED:
        message = f"there are no pretrained weights for `{use.name}`."
        raise PlanError(message, place=use.place, remedy=f"There are for {listed(PRETRAINED)}.")
    return None if weights is None else Base(use.name, weights, "freeze" in binding.flags)


def _check_order(use: syntax.Use, layers: Sequence[syntax.Statement]) -> None:
    early = next((s for s in layers if s.place.line < use.place.line and not isinstance(s, syntax.Block)), None)
    if early is not None:
        raise PlanError(
            "a layer stands before `use`.", place=early.place, remedy="Put `use` first: its layers come first."
        )


def _without_head(statements: list[Any], use: syntax.Use) -> list[Any]:
    """The statements up to the last volume: what turns it into a list of numbers, and all that follows, is the head."""
    heads = [i for i, s in enumerate(statements) if isinstance(s, syntax.Layer) and _is_head(s.name)]
    kept = statements[: heads[0]] if heads else statements
    if not any(not isinstance(statement, syntax.Block) for statement in kept):
        raise PlanError(f"nothing is left of `{use.name}` without its head.", place=use.place)
    return kept


def _is_head(name: str) -> bool:
    return name.lower() == "output" or layer_class(name) in HEADS


def _moved(statement: Any, place: Place) -> Any:
    """The statement as if it stood in the line that uses it; its `output` takes the number of classes of the data."""
    changes: dict[str, Any] = {"place": place}
    changes["words"] = tuple(replace(word, place=place, value=_placeless(word.value)) for word in statement.words)
    if isinstance(statement, syntax.Block):
        changes["parameters"] = tuple(replace(p, default=_placeless(p.default)) for p in statement.parameters)
    for part in ("body", "branches"):
        if hasattr(statement, part):
            changes[part] = tuple(_moved(inner, place) for inner in getattr(statement, part))
    if isinstance(statement, syntax.Layer):
        changes["adapts"] = True
    return replace(statement, **changes)


def _placeless(value: Any) -> Any:
    """A value without its own place, which is one in the other text."""
    return replace(value, place=None) if isinstance(value, syntax.Choices) else value
