"""What no text can say: an error that names the layer and the reason, never a text of another network."""

from collections.abc import Callable
from typing import Any

import pytest

from cnnmagic import CnnError, from_keras
from cnnmagic.engine.backend import load_keras
from tests.engine.round_trip import functional, sequential

keras = load_keras()
layers = keras.layers


def two_inputs():
    one, two = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    return keras.Model([one, two], layers.Add()([one, two]))


def two_outputs():
    entry = keras.Input((8, 8, 3))
    return keras.Model(entry, [layers.Flatten()(entry), layers.ReLU()(entry)])


def shared():
    entry, conv = keras.Input((8, 8, 3)), layers.Conv2D(3, 1, name="conv")
    return keras.Model(entry, conv(conv(entry)))


def called_twice_inside():
    entry, inside = keras.Input((8, 8, 3)), functional(layers.Conv2D(3, 1), (8, 8, 3))
    inside.name = "inner"
    return keras.Model(entry, inside(inside(entry)))


def shared_by_two_inside():
    conv = layers.Conv2D(4, 1, name="conv")
    return functional(lambda x: layers.Add()([functional(conv)(x), functional(conv)(x)]))


class Conv2D(layers.Layer):  # type: ignore[name-defined]  # its name says Keras, its work does not
    def call(self, x):
        return -x


class Loose(keras.regularizers.Regularizer):  # type: ignore[name-defined]
    def __call__(self, weights):
        return 0.0

    def get_config(self):
        return {}


class Own(keras.Model):  # type: ignore[name-defined]  # Keras is known at run time only
    def call(self, x):
        return x


ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "within_own_class": (lambda: sequential(Own(name="mine"), layers.ReLU()), "`mine` is a model inside the model"),
    "called_twice_inside": (called_twice_inside, "`inner` is called more than once"),
    "shared_by_two_inside": (shared_by_two_inside, "`conv` is called more than once"),
    "two_inputs": (two_inputs, "2 inputs and 1 output"),
    "two_outputs": (two_outputs, "1 input and 2 outputs"),
    "shared": (shared, "`conv` is called more than once"),
    "lambda": (lambda: sequential(layers.Lambda(lambda x: x * 2, name="twice")), r"`Lambda` \(`twice`\)"),
    "own_layer": (lambda: sequential(Conv2D(name="mine")), r"`Conv2D` \(`mine`\) has no words"),
    "convnext": (
        lambda: keras.applications.ConvNeXtTiny(weights=None, input_shape=(32, 32, 3), classes=2),
        r"`LayerScale` \(`\w+`\) has no words",
    ),
    "own_regularizer": (
        lambda: sequential(layers.Conv2D(3, 1, kernel_regularizer=Loose(), name="c")),
        "`kernel_regularizer` of `c`.*Loose",
    ),
    "initializer_of_an_array": (
        lambda: sequential(layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant([0.5]), name="c")),
        "`bias_initializer` of `c`",
    ),
    "growth_out_of_step": (
        lambda: sequential(layers.Conv2DTranspose(3, 3, strides=2, output_padding=1, name="d")),
        "`output_padding` of `d`",
    ),
    "one_way_turns": (lambda: sequential(layers.RandomRotation((0.1, 0.2), name="r")), "`factor` of `r`"),
    "always_training": (
        lambda: functional(lambda x: layers.Dropout(0.5, name="d")(x, training=True)),
        "`d` is called with training=True",
    ),
    "no_layers": (lambda: functional(lambda x: x), "no layers"),
    "join_of_one": (lambda: functional(lambda x: layers.Concatenate(name="one")([x])), "`one` joins one input"),
    "subtract": (
        lambda: functional(lambda x: layers.Subtract()([x, layers.Conv2D(4, 1)(x)])),
        "`Subtract`",
    ),
    "dense_on_a_volume": (lambda: sequential(layers.Dense(4)), "a dense layer on a volume"),
    "operations": (lambda: functional(lambda x: keras.ops.relu(x) * 2 + x), "relu|operation"),
    "own_activation": (lambda: sequential(layers.Conv2D(3, 1, activation=keras.ops.square)), "activation of its own"),
    "channels_first": (
        lambda: functional(layers.Conv2D(4, 3, data_format="channels_first"), (3, 8, 8)),
        "channels_first",
    ),
    "axis_of_concat": (lambda: functional(lambda x: layers.Concatenate(axis=1)([x, layers.ReLU()(x)])), "axis"),
    "axis_of_bn": (lambda: sequential(layers.BatchNormalization(axis=1)), "axis"),
    "input_of_a_list": (lambda: functional(layers.Dense(3), (20,)), "input|image|20"),
    "input_of_a_row": (lambda: functional(layers.Conv1D(3, 3), (20, 3)), "input|image|20x3"),
    "not_built": (lambda: keras.Sequential([layers.Conv2D(4, 3)]), "not built|no input|input"),
    "own_class": (Own, "Functional|Sequential|inputs"),
    "no_model": (lambda: "net", "model"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_what_no_text_can_say(name: str) -> None:
    make, told = ERRORS[name]
    with pytest.raises(CnnError, match=told) as caught:
        from_keras(make())
    assert len(str(caught.value)) < 300
