"""Sends images through a flat model layer by layer, so that every number on the way can be read, or moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cnnmagic.engine.backend import load_keras


@dataclass(frozen=True, eq=False)
class Head:
    """How the model comes to its answers: `activation` of the logits, which `bare` makes of layer `source`'s output.

    `bare` is the last layer without its activation, None where the logits are that output itself. As in the training's
    loss, what is neither softmax nor sigmoid counts as logits: `activation` is `linear` then.
    """

    source: str
    bare: Any
    activation: str
    units: int

    @property
    def classes(self) -> int:
        """Classes to choose from; a single number tells two of them."""
        return max(2, self.units)

    def logits(self, tensors: Mapping[str, Any]) -> Any:
        """The logits (count, units) of a pass, a tensor."""
        return tensors[self.source] if self.bare is None else self.bare(tensors[self.source], training=False)


def head_of(model: Any) -> Head:
    """The head of a model; its logits come from the last layer's own weights, not from its rounded answers."""
    keras, last = load_keras(), _last(model)
    activation, units = _squashing(last), int(model.outputs[0].shape[-1])
    if not activation:
        return Head(last.name, None, "linear", units)
    source = sources(model)[last.name]
    if isinstance(last, keras.layers.Activation | keras.layers.Softmax):
        return Head(source, None, activation, units)
    return Head(source, _without_activation(last), activation, units)


def flow(
    model: Any,
    images: Any,
    wanted: Collection[str] | None = None,
    shifts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The tensors that go out of the layers for `images` outside training, by layer; as far as to those `wanted`.

    `shifts` are added to what goes out of the layers that they are named for.
    """
    names, tensors = sources(model), {_name_of_input(model): load_keras().ops.convert_to_tensor(images, "float32")}
    left = None if wanted is None else set(wanted) - set(tensors)
    for layer in model.layers:
        if left is not None and not left:
            break
        if layer.name not in tensors:
            tensors[layer.name] = layer(_inputs(names[layer.name], tensors), training=False)
        if shifts and layer.name in shifts:
            # Not by +=, which PyTorch does within the tensor, and other layers may hold the same one.
            tensors[layer.name] = tensors[layer.name] + shifts[layer.name]
        if left is not None:
            left.discard(layer.name)
    return tensors


def sources(model: Any) -> dict[str, Any]:
    """For each layer the name of that which it reads; a list of names where it joins several."""
    makers = {id(layer.output): layer.name for layer in model.layers}
    return {
        layer.name: [makers[id(one)] for one in layer.input]
        if isinstance(layer.input, list)
        else makers[id(layer.input)]
        for layer in model.layers
    }


def numpy_of(tensor: Any) -> np.ndarray:
    """A tensor's numbers in float32."""
    ops = load_keras().ops
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")))


def _inputs(names: Any, tensors: Mapping[str, Any]) -> Any:
    return [tensors[name] for name in names] if isinstance(names, list) else tensors[names]


def _name_of_input(model: Any) -> str:
    return next(layer.name for layer in model.layers if layer.output is model.inputs[0])


def _last(model: Any) -> Any:
    return next(layer for layer in model.layers if layer.output is model.outputs[0])


def _squashing(layer: Any) -> str:
    """`softmax` or `sigmoid` where the layer ends with it, else ""."""
    keras = load_keras()
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    found = getattr(layer, "activation", None)
    return next((name for name in ("softmax", "sigmoid") if found is getattr(keras.activations, name)), "")


def _without_activation(layer: Any) -> Any:
    """A new layer with the same weights that leaves the activation away."""
    bare = type(layer).from_config(layer.get_config() | {"activation": "linear", "name": f"{layer.name}_logits"})
    bare.build(layer.input.shape)
    for own, given in zip(bare.variables, layer.variables, strict=True):
        own.assign(given)
    return bare
