"""What the arguments of Keras's further layers may be, by their names, where a default does not tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from cnnmagic.wording import listed


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`, whole or not; with `most` that many of them too, with `least` no fewer."""

    low: float = -inf
    high: float = inf
    whole: bool = False
    least: int = 1
    most: int = 1

    def takes(self, value: Any) -> bool:
        numbers = value if isinstance(value, tuple) else (value,)
        return self.least <= len(numbers) <= self.most and all(map(self._takes_one, numbers))

    def _takes_one(self, number: Any) -> bool:
        kinds: Any = int if self.whole else int | float
        return isinstance(number, kinds) and not isinstance(number, bool) and self.low <= number <= self.high

    def __str__(self) -> str:
        what = "a whole number" if self.whole else "a number"
        if self.least == 2:
            return "two numbers"
        if self.high < inf:
            what += f" from {self.low:g} to {self.high:g}"
        elif self.low > -inf:
            what += f" of at least {self.low:g}"
        return what + (", or two" if self.most == 2 else ", or several" if self.most > 2 else "")


@dataclass(frozen=True)
class Word:
    """One of some words; any text where there are none."""

    words: tuple[Any, ...] = ()

    def takes(self, value: Any) -> bool:
        return value in self.words if self.words else isinstance(value, str)

    def __str__(self) -> str:
        told = ["yes" if word is True else "no" if word is False else word for word in self.words]
        return f"one of {listed(told)}" if told else "a text"


Kind = Number | Word
PART, PARTS = Number(0, 1), Number(0, 1, most=2)
ANY, WHOLE, COUNT, AXES = Number(), Number(whole=True), Number(1, whole=True), Number(whole=True, most=8)
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("rate", "stddev", "dropout", "recurrent_dropout", "x_factor", "y_factor"), PART),
    **dict.fromkeys(("factor", "scale", "sigma", "addition_factor", "threshold_factor"), PARTS),
    **dict.fromkeys(("contrast_factor", "saturation_factor", "hue_factor"), PARTS),
    **dict.fromkeys(("l1", "l2", "max_value", "negative_slope", "threshold"), Number(0)),
    **dict.fromkeys(("mask_value", "alpha", "epsilon", "fill_value"), ANY),
    **dict.fromkeys(("num_chains", "chain_depth", "bins"), COUNT),
    "brightness_factor": Number(-1, 1, most=2),
    "value_range": Number(least=2, most=2),
    "noise_shape": AXES,
    "axis": AXES,
    "seed": WHOLE,
    "equation": Word(),
    "bias_axes": Word(),
    "interpolation": Word(("nearest", "bilinear")),
    "fill_mode": Word(("reflect", "wrap", "constant", "nearest", "mirror")),
    "use_cudnn": Word(("auto", True, False)),
}
OF_ONE: Mapping[tuple[str, str], Kind] = {
    ("RandomPosterization", "factor"): Number(1, 8, most=2),
    ("RandomPerspective", "scale"): PART,
    ("Resizing", "interpolation"): Word(("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")),
    ("Resizing", "fill_mode"): Word(("constant",)),
}


def kind_of(layer: str, argument: str) -> Kind | None:
    """What an argument of a layer takes; None where nothing is known of it."""
    return OF_ONE.get((layer, argument)) or KINDS.get(argument)
