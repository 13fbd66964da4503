"""A layer of Keras made and applied; what Keras refuses is told with the word that is wrong and those near it."""

from __future__ import annotations

from typing import Any

from cnnmagic.layers import Layer, Misfit
from cnnmagic.layers.weight_rules import RULES, kind_of, made_of, word_of
from cnnmagic.wording import closest, listed, sentence


def make_layer(keras: Any, layer: Layer, **ours: Any) -> Any:
    """Keras's layer of the same name with the same arguments, and ours; raises `Misfit` where Keras refuses them."""
    kind = getattr(keras.layers, layer.kind, None)
    if kind is None:
        remedy = "In a cell of its own: `%pip install --upgrade keras`, then restart the kernel."
        raise Misfit(f"is not in Keras {keras.__version__}, which is installed here.", remedy=remedy)
    try:
        return kind(*getattr(layer, "positional", ()), **made_of(keras, layer.arguments()), **ours)
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
    named = (argument for argument in layer.arguments() if f"`{argument}`" in said or f"{argument}=" in said)
    return Misfit(f"is refused by Keras: {said}", word=next(named, ""))
