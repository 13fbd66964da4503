"""A layer of Keras made and applied; what Keras refuses is told with the word that is wrong and those near it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cnnmagic.layers import KerasLayer, Layer, Misfit
from cnnmagic.layers.weight_rules import RULES, kind_of, made_of, word_of
from cnnmagic.wording import closest, listed, sentence

OURS = {"name": "Label the layer: `name <- …`.", "dtype": "Write `precision=` in the `train` line."}
OF_EVERY_LAYER = ("activity_regularizer", "trainable")


def make_layer(keras: Any, layer: Layer, **ours: Any) -> Any:
    """Keras's layer of the same name with the same arguments, and ours; raises `Misfit` where Keras refuses them."""
    kind, positional, given = getattr(keras.layers, layer.kind), getattr(layer, "positional", ()), layer.arguments()
    if isinstance(layer, KerasLayer):
        _check_arguments(kind, positional, given)
    try:
        return kind(*positional, **made_of(keras, given), **ours)
    except Exception as error:  # whatever it is that Keras says of a user's arguments
        raise _refused(error, layer) from error


def apply_layer(made: Any, inputs: Any, layer: Layer) -> Any:
    """What comes out of Keras's layer; raises `Misfit` where it can't take its input."""
    try:
        return made(inputs)
    except Exception as error:  # as above
        raise _refused(error, layer) from error


def _refused(error: Exception, layer: Layer) -> Misfit:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    for argument, value in layer.arguments().items():
        if (kind := kind_of(argument)) and f"{kind} identifier: {value}" in said:
            known = [word_of(name) for name in RULES[kind]]
            near = closest(str(value), known)
            remedy = "" if near else f"There are {listed(known)}."
            return Misfit(sentence(f"can't be made: no {kind} `{value}`{near}"), remedy=remedy, word=str(value))
    if "must be fully-defined" in said:
        remedy = "Give `input` a height and a width" + (
            ", or write `shared_axes=1x2`." * (layer.kind == "PReLU") or "."
        )
        return Misfit("needs a fixed size and this net takes any.", remedy=remedy)
    named = (argument for argument in layer.arguments() if f"`{argument}`" in said or f"{argument}=" in said)
    return Misfit(f"is refused by Keras: {said}", word=next(named, ""))


def _check_arguments(kind: Any, positional: tuple[Any, ...], given: Mapping[str, Any]) -> None:
    """Raise `Misfit` where a class of Keras does not take the arguments by these names, or lacks one."""
    names = _names(kind)
    for argument in given:
        _check_name(argument, [*names, *OF_EVERY_LAYER])
    if len(positional) > len(names):
        words = "word" if len(names) == 1 else "words"
        message = f"takes {len(names)} {words} without a name at most, and gets {len(positional)}."
        remedy = f"It takes {listed(names)}; a size is one word, `3x3`." if names else ""
        raise Misfit(message, remedy=remedy)
    twice = next((name for name in names[: len(positional)] if name in given), "")
    if twice:
        message = f"has `{twice}` twice: the words without a name are {listed(names[: len(positional)])}."
        raise Misfit(message, remedy="Keep one of them.", word=twice)
    _check_all_there(kind, [name for name in names[len(positional) :] if name not in given])


def _names(kind: Any) -> list[str]:
    """The arguments of a class that a cell may give, in their order."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    own = (each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD)
    return [name for name in own if name != "self" and name not in OURS]


def _check_name(argument: str, names: list[str]) -> None:
    if argument in OURS:
        raise Misfit(f"can't be given `{argument}` here.", remedy=OURS[argument], word=argument)
    if argument not in names:
        near = closest(argument, names)
        remedy = "" if near else f"It takes {listed(names)}."
        raise Misfit(sentence(f"has no argument `{argument}`{near}"), remedy=remedy, word=argument)


def _check_all_there(kind: Any, left: list[str]) -> None:
    parameters = inspect.signature(kind.__init__).parameters
    missing = [name for name in left if parameters[name].default is inspect.Parameter.empty]
    if missing:
        raise Misfit(f"lacks {listed(missing)}.", remedy=f"Write `{kind.__name__} … {missing[0]}=…`.")
