"""The graph of a Keras model: every call of a layer, models inside the model laid flat."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from cnnmagic.engine.from_keras_layers import known_layer
from cnnmagic.engine.text_of_blocks import ENTRY, Node
from cnnmagic.errors import CnnError
from cnnmagic.layers import Layer, Merge, Misfit, Shape


def read_graph(model: Any) -> dict[int, Node]:
    """The model's layers by number, each with the numbers of those that it reads: the input first, the output last.

    Raises `CnnError` for layers that the language does not know, and for one that is called more than once.
    """
    reader = _Reader()
    reader.nodes[ENTRY] = Node("input", Layer(), (), tuple(model.inputs[0].shape[1:]))
    (output,) = reader.read(model, [ENTRY])
    if output == ENTRY:
        raise CnnError("this model has no layers.", remedy="Give a model that does something.")
    reader.nodes[output] = reader.nodes.pop(output)
    return reader.nodes


class _Reader:
    """Goes through the calls of a model, and of those in it, in the order of computing."""

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self.called: dict[int, Any] = {}  # the layers themselves too, so that none gives its id to another

    def read(self, model: Any, entries: Sequence[int]) -> list[int]:
        """The numbers of a model's outputs, where `entries` are those of its inputs."""
        numbers = {id(tensor): number for tensor, number in zip(model.inputs, entries, strict=True)}
        for call in _calls(model):
            sources = [numbers[id(tensor)] for tensor in call.input_tensors]
            layer = call.operation
            self._count(layer)
            ends = self.read(layer, sources) if _is_readable(layer) else [self._add(call, sources)]
            numbers |= {id(tensor): number for tensor, number in zip(call.outputs, ends, strict=True)}
        return [numbers[id(tensor)] for tensor in model.outputs]

    def _count(self, layer: Any) -> None:
        if not hasattr(layer, "get_weights"):
            message = f"`{layer.name}` is an operation of `keras.ops`, not a layer."
            raise CnnError(message, remedy="Use a layer in its place, such as `Add` or `Multiply`.")
        if id(layer) in self.called:
            remedy = "Layers shared by several places can't be written in the language: give each place its own."
            raise CnnError(f"the layer `{layer.name}` is called more than once.", remedy=remedy)
        self.called[id(layer)] = layer

    def _add(self, call: Any, sources: Sequence[int]) -> int:
        layer = call.operation
        if len(call.outputs) != 1:
            message = f"`{layer.name}` gives {len(call.outputs)} outputs."
            raise CnnError(message, remedy="A layer of the language gives one.")
        if call.arguments.kwargs.get("training") and not _trains_by_habit(layer):
            message = f"`{layer.name}` is called with training=True."
            raise CnnError(message, remedy="In the language only training is training; call it without.")
        shape = tuple(call.outputs[0].shape[1:])
        known = known_layer(layer, shape)
        if isinstance(known, Merge) and len(sources) < 2:
            raise CnnError(f"`{layer.name}` joins one input only.", remedy="Leave this layer out: it changes nothing.")
        if isinstance(known, Merge):
            self._check_shapes(layer.name, known, [self.nodes[source].shape for source in sources])
        number = len(self.called)
        self.nodes[number] = Node(layer.name, known, tuple(sources), shape)
        return number

    def _check_shapes(self, name: str, layer: Merge, shapes: Sequence[Shape]) -> None:
        """Raise `CnnError` for inputs that Keras spreads over each other, and the language does not."""
        try:
            layer.merged_shape(tuple(shapes))
        except Misfit as error:
            remedy = "Give all its inputs one shape, for example by `UpSampling2D` or `ZeroPadding2D`."
            raise CnnError(f"`{name}` {error}", remedy=remedy) from error


def _trains_by_habit(layer: Any) -> bool:
    """Whether Keras calls the layer with training=True where nothing is said, as it does with augmentations."""
    told = inspect.signature(layer.call).parameters.get("training")
    return told is not None and told.default is True


def _is_readable(layer: Any) -> bool:
    """Whether a layer is a model whose own layers can be read."""
    return bool(getattr(layer, "inputs", None)) and hasattr(_functional(layer), "_nodes_by_depth")


def _functional(model: Any) -> Any:
    """The Functional model that a Sequential one keeps, or the model itself."""
    return getattr(model, "_functional", None) or model


def _calls(model: Any) -> Iterator[Any]:
    """The calls of layers in the order of computing, without the inputs."""
    by_depth = getattr(_functional(model), "_nodes_by_depth", None)
    if by_depth is None:
        remedy = "Give a Functional model, or a Sequential one whose first layer is `keras.Input`."
        raise CnnError(f"{type(model).__name__} is no Functional and no Sequential model.", remedy=remedy)
    for depth in sorted(by_depth, reverse=True):
        yield from (call for call in by_depth[depth] if not call.is_input)
