"""Keras's initializers, regularizers and constraints with numbers of their own: `l2(0.0001)`, `he_normal(seed=1)`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnmagic.layers.written import value_text

_SCALED = ("scale", "mode", "distribution", "seed")
INITIALIZERS: Mapping[str, tuple[str, ...]] = {
    "Constant": ("value",),
    "GlorotNormal": ("seed",),
    "GlorotUniform": ("seed",),
    "HeNormal": ("seed",),
    "HeUniform": ("seed",),
    "Identity": ("gain",),
    "LecunNormal": ("seed",),
    "LecunUniform": ("seed",),
    "Ones": (),
    "Orthogonal": ("gain", "seed"),
    "RandomNormal": ("mean", "stddev", "seed"),
    "RandomUniform": ("minval", "maxval", "seed"),
    "TruncatedNormal": ("mean", "stddev", "seed"),
    "VarianceScaling": _SCALED,
    "Zeros": (),
}
REGULARIZERS: Mapping[str, tuple[str, ...]] = {
    "L1": ("l1",),
    "L1L2": ("l1", "l2"),
    "L2": ("l2",),
    "OrthogonalRegularizer": ("factor", "mode"),
}
CONSTRAINTS: Mapping[str, tuple[str, ...]] = {
    "MaxNorm": ("max_value", "axis"),
    "MinMaxNorm": ("min_value", "max_value", "rate", "axis"),
    "NonNeg": (),
    "UnitNorm": ("axis",),
}
RULES = {"initializer": INITIALIZERS, "regularizer": REGULARIZERS, "constraint": CONSTRAINTS}


@dataclass(frozen=True, repr=False)
class WeightRule:
    """How weights begin or are held: `kind` is initializer, regularizer or constraint, arguments have Keras's names.

    As text it is what the language writes, and its repr the Keras code that makes it.
    """

    kind: str
    class_name: str
    arguments: tuple[tuple[str, Any], ...]

    def __str__(self) -> str:
        names = RULES[self.kind][self.class_name]
        first = next((name for name, _ in self.arguments), None)
        bare = first if names and first == names[0] != "seed" else None
        told = [value_text(value) if name == bare else f"{name}={value_text(value)}" for name, value in self.arguments]
        return f"{word_of(self.class_name)}({', '.join(told)})"

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        return f"keras.{self.kind}s.{self.class_name}({given})"

    def made(self, keras: Any) -> Any:
        """Keras's own object; raises what Keras raises where it refuses the numbers."""
        return getattr(getattr(keras, f"{self.kind}s"), self.class_name)(**dict(self.arguments))


def kind_of(argument: str) -> str:
    """What an argument of a layer holds: `regularizer` for `kernel_regularizer`; "" where it is no such rule."""
    kind = argument.rsplit("_", 1)[-1]
    return kind if kind in RULES else ""


def word_of(class_name: str) -> str:
    """`l1_l2` for L1L2, as Keras and the language spell it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


def made_of(keras: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's arguments as Keras takes them."""
    return {name: value.made(keras) if isinstance(value, WeightRule) else value for name, value in arguments.items()}
