"""The first word of a layer's line: a block, a layer of the language or of Keras, an activation, or nothing known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnmagic.errors import PlanError, Problem
from cnnmagic.lang import blocks, outputs, paths, syntax
from cnnmagic.lang.expand import Expansion, expand, expand_keras, in_word_order, layer_class
from cnnmagic.lang.foreign import check_order, instead_of
from cnnmagic.lang.parser import KEYWORDS
from cnnmagic.layers import ACTIVATIONS, BY_WORD, KERAS_LAYERS, SYNONYMS, Activation, Layer
from cnnmagic.wording import closest

if TYPE_CHECKING:
    from cnnmagic.lang.walk import Walk

__all__ = ["in_word_order", "layer"]


def layer(walk: Walk, statement: syntax.Layer) -> None:
    """Add what a line's first word stands for."""
    word = statement.name.lower()
    kind = layer_class(statement.name)
    if word in walk.wrong_blocks:
        return  # whose own mistake is told
    if word in walk.blocks:
        blocks.call(walk, walk.blocks[word], statement)
    elif word == "output":
        outputs.output(walk, statement)
    elif word == "se":
        paths.squeeze_and_excite(walk, statement)
    elif statement.name in KERAS_LAYERS:
        _keras_layer(walk, statement)
    elif word in ACTIVATIONS or word in SYNONYMS:
        _activation(walk, statement, SYNONYMS.get(word, word))
    elif kind is not None:
        _known_layer(walk, kind, statement)
    else:
        _keras_layer(walk, statement)
    if statement.label:
        walk.label(statement)


def _activation(walk: Walk, statement: syntax.Layer, activation: str) -> None:
    if statement.words:
        of_keras = next((name for name in KERAS_LAYERS if name.lower() == activation.replace("_", "")), "")
        further = f", or `{of_keras} …` for Keras's layer of that name" if of_keras else ""
        remedy = instead_of(statement.name) or f"Write `{statement.name}` alone on its line{further}."
        raise PlanError(f"`{statement.name}` takes no words.", remedy=remedy)
    walk.append(Activation(activation=activation), statement.place, activation, statement.label or "")


def _known_layer(walk: Walk, kind: type[Layer], statement: syntax.Layer) -> None:
    check_order(statement)
    expansion: Expansion = walk.once(expand, kind, statement)
    walk.take_notes(expansion.binding)
    *before, (last, word) = expansion.layers
    for inner, inner_word in before:
        walk.append(inner, statement.place, inner_word)
    walk.append(last, statement.place, word, statement.label or "")


def _keras_layer(walk: Walk, statement: syntax.Layer) -> None:
    """A layer that only Keras knows."""
    further = walk.once(expand_keras, statement)
    if further is None:
        raise PlanError(_unknown(walk, statement.name)).at(statement.place.of(statement.name))
    walk.append(further, statement.place, further.class_name.lower(), statement.label or "")
    if further.has_sizes:
        walk.notes.append(f"`{further.class_name}` is Keras's own: its multiply-adds are not counted")


def _unknown(walk: Walk, name: str) -> Problem:
    if name.lower() in walk.further:
        message = f"the block `{name}` stands further down, on line {walk.further[name.lower()]}."
        return Problem(message, remedy="Move it above its first use.")
    if instead := instead_of(name):
        return Problem(f"no layer `{name}`.", remedy=instead)
    own = [block.name for block in walk.blocks.values()]
    near = closest(name, [*BY_WORD, *KEYWORDS, "output", "se", *ACTIVATIONS, *own, *KERAS_LAYERS])
    remedy = "Layers: conv, maxpool, avgpool, globalavgpool, dense, flatten, dropout, bn, output and more: `%cnn help`."
    return Problem(f"no layer `{name}`{near or '.'}", remedy="" if near else remedy)
