"""A layer's phrase is what the language writes for it, and reads back as the same layer."""

import pytest

from cnnmagic.lang import syntax
from cnnmagic.lang.expand import expand, layer_class
from cnnmagic.lang.parser import parse
from cnnmagic.layers import (
    LAYERS,
    Activation,
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    GroupNormalization,
    Layer,
    LayerNormalization,
    Maximum,
    MaxPooling2D,
    RandomBrightness,
    RandomFlip,
    RandomTranslation,
    Rescaling,
    Reshape,
    SeparableConv2D,
    SpatialDropout2D,
    UpSampling2D,
    ZeroPadding2D,
)
from cnnmagic.layers.phrase import phrase
from cnnmagic.layers.weight_rules import WeightRule

PHRASES = {
    "conv 32 3x3": Conv2D(filters=32, kernel_size=(3, 3)),
    "conv 32 3x5 /2 same relu": Conv2D(
        filters=32, kernel_size=(3, 5), strides=(2, 2), padding="same", activation="relu"
    ),
    "conv 8 1x1 /2x1": Conv2D(filters=8, kernel_size=(1, 1), strides=(2, 1)),
    "conv 8 3x3 dilation_rate=2x3 groups=4 use_bias=no": Conv2D(
        filters=8, kernel_size=(3, 3), dilation_rate=(2, 3), groups=4, use_bias=False
    ),
    "conv 8 3x3 kernel_initializer=he_normal": Conv2D(
        filters=8, kernel_size=(3, 3), extra=(("kernel_initializer", "he_normal"),)
    ),
    "sepconv 8 3x3 depth_multiplier=2": SeparableConv2D(filters=8, kernel_size=(3, 3), depth_multiplier=2),
    "dwconv 3x3 same": DepthwiseConv2D(kernel_size=(3, 3), padding="same"),
    "deconv 8 2x2 /2": Conv2DTranspose(filters=8, kernel_size=(2, 2), strides=(2, 2)),
    "maxpool 2": MaxPooling2D(),
    "avgpool 3 /1 same": AveragePooling2D(pool_size=(3, 3), strides=(1, 1), padding="same"),
    "globalavgpool": GlobalAveragePooling2D(),
    "globalavgpool keepdims=yes": GlobalAveragePooling2D(keepdims=True),
    "dense 10 softmax": Dense(units=10, activation="softmax"),
    "flatten": Flatten(),
    "reshape 7x7x64": Reshape(target_shape=(7, 7, 64)),
    "reshape 784": Reshape(target_shape=(784,)),
    "dropout 0.5": Dropout(rate=0.5),
    "dropout 0.1": Dropout(rate=0.1),
    "spatialdropout 0.2": SpatialDropout2D(rate=0.2),
    "relu": Activation(activation="relu"),
    "bn": BatchNormalization(),
    "bn center=no momentum=0.9": BatchNormalization(center=False, momentum=0.9),
    "bn epsilon=1e-5": BatchNormalization(epsilon=1e-5),
    "gn 8": GroupNormalization(groups=8),
    "ln scale=no": LayerNormalization(scale=False),
    "upsample": UpSampling2D(),
    "upsample 3x1 bilinear": UpSampling2D(size=(3, 1), interpolation="bilinear"),
    "pad 1": ZeroPadding2D(),
    "pad 0x1x2x3": ZeroPadding2D(padding=((0, 1), (2, 3))),
    "crop 2": Cropping2D(cropping=((2, 2), (2, 2))),
    "rescale 1/255": Rescaling(scale=1 / 255),
    "rescale 2 -1": Rescaling(scale=2.0, offset=-1.0),
    "rescale scale=(0.5, 1) offset=(-103.939, 2)": Rescaling(scale=(0.5, 1.0), offset=(-103.939, 2.0)),
    "dropout 0.5 noise_shape=?x1x1": Dropout(rate=0.5, extra=(("noise_shape", (None, 1, 1)),)),
    "dense 3 kernel_regularizer=l1_l2(0.5, l2=0.25)": Dense(
        units=3, extra=(("kernel_regularizer", WeightRule("regularizer", "L1L2", (("l1", 0.5), ("l2", 0.25)))),)
    ),
    "RandomFlip horizontal": RandomFlip(mode="horizontal"),
    "RandomTranslation 0.125 0.125 fill_mode=constant": RandomTranslation(
        height_factor=0.125, width_factor=0.125, fill_mode="constant"
    ),
    "RandomBrightness 0.2 value_range=0x1": RandomBrightness(factor=0.2, value_range=(0, 1)),
}


def read(text: str) -> Layer:
    statement = parse(text).statements[0]
    assert isinstance(statement, syntax.Layer)
    if statement.name == "relu":
        return Activation(activation="relu")
    kind = layer_class(statement.name)
    assert kind
    return expand(kind, statement).layers[0][0]


@pytest.mark.parametrize("text", PHRASES)
def test_a_layer_is_written_and_read_back(text):
    assert phrase(PHRASES[text]) == text
    assert read(text) == PHRASES[text]


@pytest.mark.parametrize("rate", [0.123456789, 2.123456789, -0.3333333, 1e-7, 1 / 3, 0.3333333, 1 / 255, 0.1])
def test_no_digit_of_a_number_is_lost(rate):
    assert read(phrase(Rescaling(scale=rate))) == Rescaling(scale=rate)


@pytest.mark.parametrize("layer, text", [(Add(), "add"), (Concatenate(), "concat"), (Maximum(), "max")])
def test_a_meeting_is_written_by_its_verb(layer, text):
    assert phrase(layer) == text


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind.example])
def test_an_example_is_its_own_phrase_or_means_the_same(kind):
    layer = read(kind.example)
    assert read(phrase(layer)) == layer
