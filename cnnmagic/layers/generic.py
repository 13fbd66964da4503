"""Any other class of `keras.layers` by its own name; where it has weights or another shape, Keras itself is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cnnmagic.layers.base import Layer

KERAS_LAYERS = [
    "ActivityRegularization",
    "AdaptiveAveragePooling2D",
    "AdaptiveMaxPooling2D",
    "AlphaDropout",
    "AutoContrast",
    "AugMix",
    "CenterCrop",
    "ELU",
    "Equalization",
    "GaussianDropout",
    "GaussianNoise",
    "GRU",
    "Identity",
    "LSTM",
    "LeakyReLU",
    "Masking",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "ReLU",
    "RepeatVector",
    "Resizing",
    "Softmax",
    "Solarization",
    "UnitNormalization",
    "Normalization",
    "Conv1D",
    "MaxPooling1D",
    "AveragePooling1D",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "EinsumDense",
    "SimpleRNN",
]


SHAPE_KEEPING = (
    "ActivityRegularization",
    "AlphaDropout",
    "AutoContrast",
    "AugMix",
    "ELU",
    "Equalization",
    "GaussianDropout",
    "GaussianNoise",
    "Identity",
    "LeakyReLU",
    "Masking",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "ReLU",
    "Softmax",
    "Solarization",
    "UnitNormalization",
)


@dataclass(frozen=True, kw_only=True)
class KerasLayer(Layer):
    """A Keras layer that has no word of its own; `positional` and `extra` are handed to Keras as they are."""

    class_name: str = field(metadata={"kind": None})
    positional: tuple[Any, ...] = field(default=(), metadata={"kind": None})

    @property
    def kind(self) -> str:
        return self.class_name

    @property
    def needs_keras(self) -> bool:
        """Whether only Keras knows its shape and its weights."""
        return self.class_name not in SHAPE_KEEPING

    def arguments(self) -> dict[str, Any]:
        return dict(self.extra)
