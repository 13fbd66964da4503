"""What is told of Keras's further layers without Keras is what Keras tells."""

import inspect
import math
import subprocess
import sys

import keras
import numpy as np
import pytest

from cnnmagic import CnnError, build, plan
from cnnmagic.layers import KERAS_LAYERS, KerasLayer, Misfit, Shape
from cnnmagic.layers.further import ALONG_AXIS, BY_PLACE, RULES
from cnnmagic.layers.signatures import NEEDED, OURS, SIGNATURES
from cnnmagic.table import rows

NUMBERS = ("rate", "stddev", "factor")
KERAS = tuple(map(int, keras.__version__.split(".")[:2]))
# (layer, its words, named words, what goes in)
TOLD: list[tuple[str, tuple[object, ...], dict[str, object], Shape]] = [
    ("Resizing", (5, 7), {}, (8, 9, 3)),
    ("Resizing", (), {"width": 7, "height": 5}, (None, None, 3)),
    ("Resizing", (5, 7), {"interpolation": "nearest", "pad_to_aspect_ratio": True}, (8, 9, 3)),
    ("CenterCrop", (4, 20), {}, (8, 9, 3)),
    ("RandomCrop", (4,), {"width": 5, "seed": 3}, (8, 9, 3)),
    ("AdaptiveAveragePooling2D", (4,), {}, (8, 9, 3)),
    ("AdaptiveMaxPooling2D", ((2, 3),), {"data_format": "channels_last"}, (8, 9, 3)),
    ("Permute", ((2, 1, 3),), {}, (8, 9, 3)),
    ("Permute", ((2, 1, 3),), {}, (8, None, 3)),
    ("Permute", ((2, 1),), {}, (8, 9)),
    ("RepeatVector", (4,), {}, (6,)),
    ("PReLU", (), {}, (8, 9, 3)),
    ("PReLU", (), {"shared_axes": (1, 2)}, (8, 9, 3)),
    ("PReLU", (), {"shared_axes": (1, 2)}, (None, None, 3)),
    ("RMSNormalization", (), {}, (8, 9, 3)),
    ("RMSNormalization", (), {"axis": (2, 3), "epsilon": 0.001}, (8, 9, 3)),
    ("Normalization", (), {}, (8, 9, 3)),
    ("Normalization", (), {"axis": (1, -1)}, (8, 9, 3)),
    ("Normalization", (), {"axis": None}, (8, 9, 3)),
    ("Normalization", (), {"mean": 0.5, "variance": 0.2}, (8, 9, 3)),
    ("Conv1D", (5, 3), {}, (9, 4)),
    ("Conv1D", (5, 3), {}, (None, 4)),
    ("Conv1D", (5, 3, 2), {"padding": "same", "activation": "relu"}, (9, 4)),
    ("Conv1D", (6, 3), {"padding": "causal", "dilation_rate": 2, "groups": 2, "use_bias": False}, (9, 4)),
    ("Conv1D", (6, 3), {"dilation_rate": 2}, (9, 4)),
    ("MaxPooling1D", (2,), {}, (9, 4)),
    ("MaxPooling1D", (), {}, (9, 4)),
    ("AveragePooling1D", (3,), {"strides": 2, "padding": "same"}, (9, 4)),
    ("GlobalAveragePooling1D", (), {}, (9, 4)),
    ("GlobalMaxPooling1D", (), {"keepdims": True}, (9, 4)),
    ("SimpleRNN", (5,), {"use_bias": False}, (9, 4)),
    ("LSTM", (5,), {"return_sequences": True}, (9, 4)),
    ("LSTM", (5, "relu"), {"dropout": 0.1, "recurrent_dropout": 0.1, "unit_forget_bias": False}, (9, 4)),
    ("GRU", (5,), {}, (9, 4)),
    ("GRU", (5,), {"reset_after": False, "go_backwards": True}, (9, 4)),
    ("GRU", (5,), {"use_bias": False}, (None, 4)),
    ("GRU", (), {"units": 3, "return_sequences": True}, (9, 4)),
    ("EinsumDense", ("ab,bc->ac", 64), {}, (32,)),
    ("EinsumDense", ("ab,bc->ac", 64), {"bias_axes": "c", "activation": "relu"}, (32,)),
    ("EinsumDense", ("abc,cd->abd", (32, 64)), {"bias_axes": "d"}, (32, 128)),
    ("EinsumDense", ("abc,cde->abde", (8, 4, 6)), {"bias_axes": "be"}, (8, 9)),
    ("EinsumDense", ("...x,xy->...y", 64), {"bias_axes": "y"}, (8, 9, 3)),
    ("EinsumDense", ("...x,xy->...y", 64), {}, (None, 3)),
    ("EinsumDense", ("ax...,xy->ay...", 6), {"bias_axes": "y"}, (8, 9, 3)),
]


def layer_of(name: str, positional: tuple[object, ...], extra: dict[str, object]) -> KerasLayer:
    return KerasLayer(class_name=name, positional=positional, extra=tuple(extra.items()))


def asked(layer: KerasLayer, shape: Shape) -> tuple[Shape, int, int]:
    """What Keras itself says of a layer."""
    made = getattr(keras.layers, layer.kind)(*layer.positional, **layer.arguments())
    output = made(keras.Input(shape))
    if None not in shape:
        output = made(
            np.zeros((1, *(size or 1 for size in shape)))
        )  # a symbolic EinsumDense turns axes that pass through around
    frozen = sum(math.prod(weight.shape) for weight in made.non_trainable_weights)
    return tuple(output.shape[1:]), made.count_params(), frozen


@pytest.mark.parametrize("name, positional, extra, shape", TOLD)
def test_keras_says_the_same(name: str, positional: tuple[object, ...], extra: dict[str, object], shape: Shape) -> None:
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    if KERAS == (3, 12) and name == "RMSNormalization" and isinstance(extra.get("axis"), tuple):
        pytest.skip("in Keras 3.12 RMSNormalization takes one axis")
    layer = layer_of(name, positional, extra)
    told = layer.output_shape(shape), layer.parameters(shape), layer.frozen_parameters(shape)
    assert told == asked(layer, shape)


def test_every_rule_is_held_against_keras() -> None:
    assert {name for name, *_ in TOLD} == set(RULES)


@pytest.mark.parametrize("name", [name for name in KERAS_LAYERS if name not in RULES])
def test_the_others_keep_the_shape_and_have_no_weights(name: str) -> None:
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    needed: dict[str, object] = {argument: 1 for argument, value in SIGNATURES[name].items() if value is NEEDED}
    layer = layer_of(name, (), needed)
    assert asked(layer, (8, 9, 3)) == ((8, 9, 3), 0, 0)


@pytest.mark.parametrize("name", KERAS_LAYERS)
def test_arguments_are_those_of_keras_in_their_order(name: str) -> None:
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    parameters = inspect.signature(getattr(keras.layers, name).__init__).parameters.values()
    theirs = {
        each.name: NEEDED if each.default is each.empty else each.default
        for each in parameters
        if each.kind is each.POSITIONAL_OR_KEYWORD and each.name != "self" and each.name not in OURS
    }
    not_ours = ("lora_rank", "lora_alpha", "gptq_unpacked_column_size", "quantization_config")
    theirs = {argument: value for argument, value in theirs.items() if argument not in not_ours}
    ours = {argument: value for argument, value in SIGNATURES[name].items() if argument in theirs}
    assert list(ours.items()) == list(theirs.items())


REFUSED = {
    "Resizing 5 0": "takes a whole number, at least 1, as `width`, and gets `0`.",
    "Resizing a b": "takes a whole number, at least 1, as `height`, and gets `a`.",
    "Resizing 5 7 data_format=channels_first": "Leave `data_format` out.",
    "Resizing 5 7 crop_to_aspect_ratio=3": "takes yes or no as `crop_to_aspect_ratio`, and gets `3`.",
    "AdaptiveMaxPooling2D 2x3x4": "takes a whole number, at least 1, as `output_size`, and gets `2x3x4`.",
    "Permute 2x2x1": "takes each axis of 8x8x3 once, and gets `2x2x1`.",
    "PReLU shared_axes=4": "takes axes from 1 to 3 as `shared_axes`, and gets `4`.",
    "RMSNormalization axis=4": "takes axes from -4 to 3 as `axis`, and gets `4`.",
    "reshape 64x3\nConv1D 5 90": "needs at least 90 steps, and gets 64.",
    "reshape 64x3\nConv1D 5 3 padding=full": "There are `valid`, `same` and `causal`.",
    "reshape 64x3\nGRU 4 dropout=foo": "takes a number from 0 to 1 as `dropout`, and gets `foo`.",
    "reshape 64x3\nGRU 4 return_state=yes": "a line gives one output",
    "reshape 64x3\nGRU 4 stateful=yes": "a batch can have any number of images",
    "reshape 64x3\nGRU units=-3": "takes a whole number, at least 1, as `units`, and gets `-3`.",
    "GRU 4": "needs a list of steps, each of as many numbers, and gets 8x8x3",
    "LeakyReLU relu": "takes a number of at least 0 as `negative_slope`, and gets `relu`.",
    'EinsumDense "ab->ac" 4': "can't read the equation `ab->ac`.",
    'EinsumDense "ab,bc->ac" 4': "has 2 axes on the left of `ab,bc->ac`, and gets 8x8x3 and the batch.",
    'EinsumDense "abcd,de->abce" 4': "takes 3 sizes as `output_shape` by `abcd,de->abce`, and gets 4.",
    'EinsumDense "abcd,de->abce" 8x9x4': "gives `c` 9 places, and 8 come in.",
    'EinsumDense "abcd,dx->abce" 8x8x4': "has an axis `e` that nothing else has.",
    'EinsumDense "...d,dxe->...e" 4': "has an axis `x` that nothing else has.",
    'EinsumDense "abcd,de->abce" 8x8x5 bias_axes=2': "takes a text as `bias_axes`, and gets `2`.",
    "GaussianNoise hello": "takes a number from 0 to 1 as `stddev`, and gets `hello`.",
    "GaussianNoise 2": "takes a number from 0 to 1 as `stddev`, and gets `2`.",
    "AlphaDropout 0.5 seed=0.5": "takes a whole number as `seed`, and gets `0.5`.",
    "ReLU max_value=-1": "takes a number of at least 0 as `max_value`, and gets `-1`.",
    "AutoContrast 3": "takes two numbers as `value_range`, and gets `3`.",
    "RandomPosterization 9": "takes a number from 1 to 8, or two as `factor`, and gets `9`.",
    "RandomShear 0.1 interpolation=cubic": "takes one of `nearest`, `bilinear` as `interpolation`, and gets `cubic`.",
    "reshape 64x3\nGRU 4 use_cudnn=3": "takes one of `auto`, `yes`, `no` as `use_cudnn`, and gets `3`.",
    "Normalization mean=0.5": "takes `mean` and `variance` together.",
    "Softmax axis=0.5": "takes a whole number, or several as `axis`, and gets `0.5`.",
}
# A class of Keras, its arguments, and one that neither Keras nor the plan takes: no other rule is made up.
WRONG: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("GaussianNoise", {"stddev": 0.1}, {"stddev": "hello"}),
    ("GaussianNoise", {"stddev": 1}, {"stddev": 1.5}),
    ("AlphaDropout", {"rate": 0.1}, {"rate": -0.1}),
    ("GaussianDropout", {"rate": 0.1, "seed": 3}, {"seed": 0.5}),
    ("ActivityRegularization", {"l1": 0.1}, {"l1": -0.1}),
    ("ReLU", {"max_value": 6}, {"max_value": "six"}),
    ("ReLU", {"negative_slope": 0.5}, {"negative_slope": -0.5}),
    ("LeakyReLU", {"negative_slope": 0}, {"negative_slope": -0.5}),
    ("AutoContrast", {"value_range": (0, 1)}, {"value_range": (0, 1, 2)}),
    ("RandomHue", {"factor": (0.1, 0.2)}, {"factor": 1.1}),
    ("RandomPosterization", {"factor": 8}, {"factor": 9}),
    ("RandomSharpness", {"factor": 1}, {"factor": -0.1}),
    ("RandomColorJitter", {"brightness_factor": -1}, {"brightness_factor": -1.1}),
    ("RandomErasing", {"scale": (0.1, 0.2)}, {"scale": "large"}),
    ("RandomGaussianBlur", {"sigma": 0.5}, {"sigma": 1.5}),
    ("RandomShear", {"interpolation": "nearest"}, {"interpolation": "bicubic"}),
    ("RandomShear", {"fill_mode": "wrap"}, {"fill_mode": "white"}),
    ("Solarization", {"threshold_factor": 0.5}, {"threshold_factor": 1.5}),
    ("Normalization", {"mean": 0.5, "variance": 1.0}, {"variance": None}),
    ("LSTM", {"units": 3, "use_cudnn": "auto"}, {"use_cudnn": "never"}),
]


@pytest.mark.parametrize("name, good, wrong", WRONG)
def test_keras_takes_and_refuses_what_the_plan_does(
    name: str, good: dict[str, object], wrong: dict[str, object]
) -> None:
    if not hasattr(keras.layers, name):
        pytest.skip(f"this Keras has no {name}")
    assert layer_of(name, (), good).bound()
    getattr(keras.layers, name)(**good)
    with pytest.raises(Misfit):
        layer_of(name, (), good | wrong).bound()
    with pytest.raises((TypeError, ValueError, NotImplementedError)):
        getattr(keras.layers, name)(**good | wrong)


@pytest.mark.parametrize("lines", REFUSED)
def test_what_can_not_be_is_told_in_the_plan(lines: str) -> None:
    with pytest.raises(CnnError) as caught:
        plan(f"input 8x8x3\n{lines}\nflatten\noutput 2")
    assert REFUSED[lines] in str(caught.value)


def test_a_net_for_images_of_any_size() -> None:
    with pytest.raises(CnnError, match="needs a fixed size") as caught:
        plan("input ?x?x3\nPReLU\ngap\noutput 2")
    assert "shared_axes=1x2" in str(caught.value)
    planned = plan("input ?x?x3\nPReLU shared_axes=1x2\ngap\noutput 2")
    assert build(planned).count_params() == planned.parameters


@pytest.mark.parametrize(
    "lines",
    ["Resizing 6 6\\nreshape 36x3\\nGRU 4 dropout=0.1", "PReLU shared_axes=1x2", 'EinsumDense \\"...x,xy->...y\\" 5'],
)
def test_a_plan_with_them_imports_no_keras(lines: str) -> None:
    text = f"input 8x8x3\\n{lines}\\nflatten\\noutput 2"
    code = f"import sys, cnnmagic; cnnmagic.plan('{text}'); print('keras' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_a_layer_that_this_keras_has_not_yet_is_told_at_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(keras.layers, "AdaptiveMaxPooling2D", raising=False)
    planned = plan("input 8x8x3\nAdaptiveMaxPooling2D 2\nflatten\noutput 2")
    message = f"line 2: `AdaptiveMaxPooling2D 2` is not in Keras {keras.__version__}"
    with pytest.raises(CnnError, match=message) as caught:
        build(planned)
    assert "%pip install --upgrade keras" in str(caught.value)


@pytest.mark.parametrize("name", [*BY_PLACE, *ALONG_AXIS, "AutoContrast"])
def test_layers_that_look_at_each_place_by_itself(name: str) -> None:
    kind = getattr(keras.layers, name)
    needed = [p.name for p in inspect.signature(kind.__init__).parameters.values() if p.default is p.empty]
    given = {argument: 4 if name == "RandomPosterization" else 0.5 for argument in needed if argument in NUMBERS}
    layer, one = kind(**given), np.random.default_rng(0).random((1, 9, 9, 3)).astype("float32") * 200 + 20
    other = one.copy()
    other[0, 4, 4] = 3, 250, 120
    training = {"training": False} if "training" in inspect.signature(layer.call).parameters else {}
    answers = [np.asarray(layer(image, **training))[0] for image in (one, other)]
    places = np.argwhere((answers[0] != answers[1]).any(axis=-1)).tolist()
    told = plan(f"input 9x9x3\n{name}{tuple(given.values())}\nconv 1 3x3\nglobalavgpool\noutput 2".replace(",)", ")"))
    if name == "AutoContrast":
        assert len(places) > 1 and [row[5] for row in rows(told)] == ["whole"] * 4
    else:
        assert places == [[4, 4]] and [row[5] for row in rows(told)[:2]] == ["1x1", "3x3"]
