"""A Keras model back to the text of the language: any Functional or Sequential model of known layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnmagic.engine.from_keras_graph import read_graph
from cnnmagic.engine.text_of_graph import statements
from cnnmagic.errors import CnnError
from cnnmagic.layers import show


def from_keras(model: Any) -> str:
    """The text of a model; raises `CnnError` for several inputs or outputs, shared layers and unknown ones.

    Models inside the model are laid flat. Weights are not part of a text, nor which of them are frozen:
    `keras.Model.get_weights` and `set_weights` carry weights over, in the same order where no model is inside another.
    """
    _check_model(model)
    nodes = read_graph(model)
    return "\n".join([f"input {show(tuple(model.inputs[0].shape[1:]))}", *statements(nodes)]) + "\n"


def _check_model(model: Any) -> None:
    """Raise `CnnError` for what is no built model of one image input and one output."""
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs or not hasattr(model, "layers"):
        remedy = "Give a Functional model, or a Sequential one whose first layer is `keras.Input`."
        raise CnnError(
            f"{type(model).__name__} can't be read: it has no inputs yet, or is no such model.", remedy=remedy
        )
    if len(inputs) != 1 or len(outputs) != 1:
        message = f"this model has {_count(inputs, 'input')} and {_count(outputs, 'output')}."
        raise CnnError(message, remedy="The language knows networks of one input and one output.")
    if len(inputs[0].shape) != 4:
        shape = show(tuple(inputs[0].shape[1:]))
        raise CnnError(f"this model takes {shape}, which is no image.", remedy="Images are height x width x channels.")


def _count(things: Sequence[Any], word: str) -> str:
    return f"{len(things)} {word}" + ("" if len(things) == 1 else "s")
