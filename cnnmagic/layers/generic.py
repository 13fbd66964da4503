"""Any other class of `keras.layers` by its own name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cnnmagic.layers.arithmetic import Shape, Window
from cnnmagic.layers.base import Layer
from cnnmagic.layers.further import RULES, Measured, looks, measured
from cnnmagic.layers.signatures import SIGNATURES, bound

KERAS_LAYERS = list(SIGNATURES)


@dataclass(frozen=True, kw_only=True)
class KerasLayer(Layer):
    """A Keras layer that has no word of its own; `positional` and `extra` are handed to Keras as they are."""

    class_name: str = field(metadata={"kind": None})
    positional: tuple[Any, ...] = field(default=(), metadata={"kind": None})

    @property
    def kind(self) -> str:
        return self.class_name

    @property
    def has_sizes(self) -> bool:
        """Whether it has weights, or gives another shape than it gets."""
        return self.class_name in RULES

    def arguments(self) -> dict[str, Any]:
        return dict(self.extra)

    def output_shape(self, shape: Shape) -> Shape:
        return self._measured(shape)[0]

    def parameters(self, shape: Shape) -> int:
        return self._measured(shape)[1]

    def frozen_parameters(self, shape: Shape) -> int:
        return self._measured(shape)[2]

    def bound(self) -> dict[str, Any]:
        """All its arguments by their names; raises `Misfit` where Keras's class does not take what is written."""
        return bound(self.class_name, self.positional, self.arguments())

    def window(self) -> Window | None:
        return looks(self.class_name, self.bound())

    def _measured(self, shape: Shape) -> Measured:
        return measured(self.class_name, self.bound(), shape)
