"""Normalisations: numbers brought to mean 0 and variance 1, then scaled and shifted by learned amounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cnnmagic.layers.arithmetic import Shape
from cnnmagic.layers.base import Layer, Misfit, option


@dataclass(frozen=True, kw_only=True)
class _Normalization(Layer):
    """What all normalisations share: learned scale and shift per channel."""

    keras_only: ClassVar[tuple[str, ...]] = (
        "beta_initializer",
        "gamma_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
    )

    epsilon: float = option("number", 0.001, bare=False, help="added to the variance, against division by zero")
    center: bool = option("flag", True, bare=False, help="learn a shift")
    scale: bool = option("flag", True, bare=False, help="learn a scale")

    def parameters(self, shape: Shape) -> int:
        return _channels(shape) * (self.center + self.scale)


@dataclass(frozen=True, kw_only=True)
class BatchNormalization(_Normalization):
    """Batch normalisation: per channel, over the images of a batch; in use, with the running mean and variance."""

    words = ("bn", "batchnorm", "batchnormalization")
    example = "bn"
    keras_only = (*_Normalization.keras_only, "moving_mean_initializer", "moving_variance_initializer")

    momentum: float = option("fraction", 0.99, bare=False, help="weight of the past in the running mean and variance")

    def parameters(self, shape: Shape) -> int:
        return super().parameters(shape) + self.frozen_parameters(shape)

    def frozen_parameters(self, shape: Shape) -> int:
        return 2 * _channels(shape)


@dataclass(frozen=True, kw_only=True)
class GroupNormalization(_Normalization):
    """Group normalisation: per image, over groups of channels."""

    words = ("gn", "groupnorm")
    example = "gn 8"

    groups: int = option("count", 32, help="number of groups")

    def output_shape(self, shape: Shape) -> Shape:
        if _channels(shape) % self.groups:
            message = f"has {self.groups} groups, which don't divide {_channels(shape)} channels."
            fitting = max(count for count in range(1, self.groups + 1) if _channels(shape) % count == 0)
            raise Misfit(message, remedy=f"Choose a divisor, such as `gn {fitting}`.")
        return shape


@dataclass(frozen=True, kw_only=True)
class LayerNormalization(_Normalization):
    """Layer normalisation: per image and place, over the channels."""

    words = ("ln", "layernorm")
    example = "ln"


def _channels(shape: Shape) -> int:
    if not shape or shape[-1] is None:
        raise Misfit("needs a known number of channels.", remedy="Give `input` its channels: `?x?x3`.")
    return shape[-1]
