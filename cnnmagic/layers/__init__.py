"""The layers of the language: each a frozen dataclass whose fields are Keras's arguments."""

from __future__ import annotations

from cnnmagic.layers.activations import ACTIVATIONS, SYNONYMS
from cnnmagic.layers.arithmetic import Field, Pair, Shape, Window, elements, widest
from cnnmagic.layers.base import Layer, Misfit, option, show, size_of, volume
from cnnmagic.layers.convolution import Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D
from cnnmagic.layers.core import Activation, Dense, Dropout, Flatten, Reshape, SpatialDropout2D
from cnnmagic.layers.generic import KERAS_LAYERS, KerasLayer
from cnnmagic.layers.image import (
    Cropping2D,
    RandAugment,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    UpSampling2D,
    ZeroPadding2D,
)
from cnnmagic.layers.merging import Add, Average, Concatenate, Maximum, Merge, Multiply
from cnnmagic.layers.normalization import BatchNormalization, GroupNormalization, LayerNormalization
from cnnmagic.layers.pooling import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D

LAYERS: tuple[type[Layer], ...] = (
    Conv2D,
    SeparableConv2D,
    DepthwiseConv2D,
    Conv2DTranspose,
    MaxPooling2D,
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Dense,
    Flatten,
    Reshape,
    Dropout,
    SpatialDropout2D,
    Activation,
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    UpSampling2D,
    ZeroPadding2D,
    Cropping2D,
    Rescaling,
    RandomFlip,
    RandomRotation,
    RandomZoom,
    RandomTranslation,
    RandomBrightness,
    RandomContrast,
    RandAugment,
)
MERGES: tuple[type[Merge], ...] = (Add, Average, Maximum, Multiply, Concatenate)
BY_WORD: dict[str, type[Layer]] = {word: kind for kind in LAYERS for word in (*kind.words, kind.__name__.lower())}

__all__ = [
    "ACTIVATIONS",
    "BY_WORD",
    "KERAS_LAYERS",
    "LAYERS",
    "MERGES",
    "SYNONYMS",
    "Activation",
    "Add",
    "Average",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Conv2DTranspose",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Field",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "GroupNormalization",
    "KerasLayer",
    "Layer",
    "LayerNormalization",
    "MaxPooling2D",
    "Maximum",
    "Merge",
    "Misfit",
    "Multiply",
    "Pair",
    "RandAugment",
    "RandomBrightness",
    "RandomContrast",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "Rescaling",
    "Reshape",
    "SeparableConv2D",
    "Shape",
    "SpatialDropout2D",
    "UpSampling2D",
    "Window",
    "ZeroPadding2D",
    "elements",
    "option",
    "show",
    "size_of",
    "volume",
    "widest",
]
