"""What Keras's further layers take: their arguments in Keras's order, with defaults; checked without Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnmagic.layers.argument_kinds import kind_of
from cnnmagic.layers.base import Misfit
from cnnmagic.layers.written import value_text
from cnnmagic.wording import closest, listed, sentence

NEEDED = object()  # the default of an argument that has none
COLOURS = {"value_range": (0, 255), "data_format": None, "seed": None}
PIXELS = {"value_range": (0, 255), "seed": None, "data_format": None}
WEIGHTS = {"kernel_initializer": "glorot_uniform", "bias_initializer": "zeros"}
HELD = {"kernel_regularizer": None, "bias_regularizer": None}
BOUND = {"kernel_constraint": None, "bias_constraint": None}
CELL = {
    "kernel_initializer": "glorot_uniform",
    "recurrent_initializer": "orthogonal",
    "bias_initializer": "zeros",
}
CELL_HELD = {
    "kernel_regularizer": None,
    "recurrent_regularizer": None,
    "bias_regularizer": None,
    "activity_regularizer": None,
    "kernel_constraint": None,
    "recurrent_constraint": None,
    "bias_constraint": None,
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
}
STATES = {"return_sequences": False, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False}
SIZE = {"height": NEEDED, "width": NEEDED}
POOL = {"strides": None, "padding": "valid", "data_format": None}
SIGNATURES: Mapping[str, Mapping[str, Any]] = {
    "ActivityRegularization": {"l1": 0.0, "l2": 0.0},
    "AdaptiveAveragePooling2D": {"output_size": NEEDED, "data_format": None},
    "AdaptiveMaxPooling2D": {"output_size": NEEDED, "data_format": None},
    "AlphaDropout": {"rate": NEEDED, "noise_shape": None, "seed": None},
    "AugMix": {
        "value_range": (0, 255),
        "num_chains": 3,
        "chain_depth": 3,
        "factor": 0.3,
        "alpha": 1.0,
        "all_ops": True,
        "interpolation": "bilinear",
        "seed": None,
        "data_format": None,
    },
    "AutoContrast": {"value_range": (0, 255)},
    "AveragePooling1D": {"pool_size": NEEDED, **POOL},
    "CenterCrop": {**SIZE, "data_format": None},
    "Conv1D": {
        "filters": NEEDED,
        "kernel_size": NEEDED,
        "strides": 1,
        "padding": "valid",
        "data_format": None,
        "dilation_rate": 1,
        "groups": 1,
        "activation": None,
        "use_bias": True,
        **WEIGHTS,
        **HELD,
        "activity_regularizer": None,
        **BOUND,
    },
    "ELU": {"alpha": 1.0},
    "EinsumDense": {
        "equation": NEEDED,
        "output_shape": NEEDED,
        "activation": None,
        "bias_axes": None,
        **WEIGHTS,
        **HELD,
        **BOUND,
    },
    "Equalization": {"value_range": (0, 255), "bins": 256, "data_format": None},
    "GRU": {
        "units": NEEDED,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        **CELL,
        **CELL_HELD,
        "seed": None,
        **STATES,
        "reset_after": True,
        "use_cudnn": "auto",
    },
    "GaussianDropout": {"rate": NEEDED, "seed": None},
    "GaussianNoise": {"stddev": NEEDED, "seed": None},
    "GlobalAveragePooling1D": {"data_format": None, "keepdims": False},
    "GlobalMaxPooling1D": {"data_format": None, "keepdims": False},
    "Identity": {},
    "LSTM": {
        "units": NEEDED,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        **CELL,
        "unit_forget_bias": True,
        **CELL_HELD,
        "seed": None,
        **STATES,
        "use_cudnn": "auto",
    },
    "LeakyReLU": {"negative_slope": 0.3},
    "Masking": {"mask_value": 0.0},
    "MaxPooling1D": {"pool_size": 2, **POOL},
    "Normalization": {"axis": -1, "mean": None, "variance": None, "invert": False},
    "PReLU": {"alpha_initializer": "Zeros", "alpha_regularizer": None, "alpha_constraint": None, "shared_axes": None},
    "Permute": {"dims": NEEDED},
    "RMSNormalization": {"axis": -1, "epsilon": 1e-6},
    "RandomColorDegeneration": {"factor": NEEDED, **COLOURS},
    "RandomColorJitter": {
        "value_range": (0, 255),
        "brightness_factor": None,
        "contrast_factor": None,
        "saturation_factor": None,
        "hue_factor": None,
        "seed": None,
        "data_format": None,
    },
    "RandomCrop": {**SIZE, "seed": None, "data_format": None},
    "RandomElasticTransform": {
        "factor": 1.0,
        "scale": 1.0,
        "interpolation": "bilinear",
        "fill_mode": "reflect",
        "fill_value": 0.0,
        **PIXELS,
    },
    "RandomErasing": {"factor": 1.0, "scale": (0.02, 0.33), "fill_value": None, **PIXELS},
    "RandomGaussianBlur": {
        "factor": 1.0,
        "kernel_size": 3,
        "sigma": 1.0,
        **COLOURS,
    },
    "RandomGrayscale": {"factor": 0.5, "data_format": None, "seed": None},
    "RandomHue": {"factor": NEEDED, **COLOURS},
    "RandomInvert": {"factor": 1.0, **PIXELS},
    "RandomPerspective": {
        "factor": 1.0,
        "scale": 1.0,
        "interpolation": "bilinear",
        "fill_value": 0.0,
        "seed": None,
        "data_format": None,
    },
    "RandomPosterization": {"factor": NEEDED, **COLOURS},
    "RandomSaturation": {"factor": NEEDED, **COLOURS},
    "RandomSharpness": {"factor": NEEDED, **COLOURS},
    "RandomShear": {
        "x_factor": 0.0,
        "y_factor": 0.0,
        "interpolation": "bilinear",
        "fill_mode": "reflect",
        "fill_value": 0.0,
        "data_format": None,
        "seed": None,
    },
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "RepeatVector": {"n": NEEDED},
    "Resizing": {
        **SIZE,
        "interpolation": "bilinear",
        "crop_to_aspect_ratio": False,
        "pad_to_aspect_ratio": False,
        "fill_mode": "constant",
        "fill_value": 0.0,
        "antialias": False,
        "data_format": None,
    },
    "SimpleRNN": {
        "units": NEEDED,
        "activation": "tanh",
        "use_bias": True,
        **CELL,
        **CELL_HELD,
        **STATES,
        "seed": None,
    },
    "Softmax": {"axis": -1},
    "Solarization": {"addition_factor": 0.0, "threshold_factor": 0.0, "value_range": (0, 255), "seed": None},
    "UnitNormalization": {"axis": -1},
}
OURS = {"name": "Label the layer: `name <- …`.", "dtype": "Write `precision=` in the `train` line."}
OF_EVERY_LAYER = ("activity_regularizer", "trainable")


def bound(name: str, positional: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """All arguments of a class of Keras by their names, the defaults filled in.

    Raises `Misfit` where it does not take them, lacks one, or gets one of another kind than its default.
    """
    signature = SIGNATURES[name]
    names = list(signature)
    for argument in given:
        _check_name(argument, names)
    _check_positional(names, positional, given)
    told = dict(zip(names, positional, strict=False)) | dict(given)
    missing = [argument for argument in names if signature[argument] is NEEDED and argument not in told]
    if missing:
        raise Misfit(f"lacks {listed(missing)}.", remedy=f"Write `{name} … {missing[0]}=…`.")
    for argument, value in told.items():
        word = argument if argument in given else value_text(value)
        _check_kind(name, argument, value, word)
    if "variance" in signature and (told.get("mean") is None) != (told.get("variance") is None):
        raise Misfit("takes `mean` and `variance` together.", remedy="Give both, or neither.")
    return {**signature, **told}


def _check_name(argument: str, names: list[str]) -> None:
    if argument in OURS:
        raise Misfit(f"can't be given `{argument}` here.", remedy=OURS[argument], word=argument)
    known = [*names, *(name for name in OF_EVERY_LAYER if name not in names)]
    if argument not in known:
        near = closest(argument, known)
        remedy = "" if near else f"It takes {listed(known)}."
        raise Misfit(sentence(f"has no argument `{argument}`{near}"), remedy=remedy, word=argument)


def _check_positional(names: list[str], positional: tuple[Any, ...], given: Mapping[str, Any]) -> None:
    if len(positional) > len(names):
        words = "word" if len(names) == 1 else "words"
        message = f"takes {len(names)} {words} without a name at most, and gets {len(positional)}."
        remedy = f"It takes {listed(names)}; a size is one word, `3x3`." if names else ""
        raise Misfit(message, remedy=remedy)
    twice = next((name for name in names[: len(positional)] if name in given), "")
    if twice:
        message = f"has `{twice}` twice: the words without a name are {listed(names[: len(positional)])}."
        raise Misfit(message, remedy="Keep one of them.", word=twice)


def _check_kind(name: str, argument: str, value: Any, word: str) -> None:
    """Raise `Misfit` where a value is of another kind than its argument, or the default of it; `word` is the place."""
    default = SIGNATURES[name].get(argument)
    if argument == "data_format" and value not in (None, "channels_last"):
        raise Misfit(
            f"can't be given `{value_text(value)}`: images are height x width x channels.",
            remedy="Leave `data_format` out.",
            word=argument,
        )
    known = kind_of(name, argument)
    if known is not None:
        is_right, kind = known.takes(value), str(known)
    elif isinstance(default, bool):
        is_right, kind = isinstance(value, bool), "yes or no"
    elif isinstance(default, int | float):
        is_right, kind = isinstance(value, int | float | tuple) and not isinstance(value, bool), "a number"
    else:
        return
    if not is_right and (value is not None or default is NEEDED):
        message = f"takes {kind} as `{argument}`, and gets `{value_text(value)}`."
        remedy = "" if default is NEEDED or default is None else f"Keras's own is `{argument}={value_text(default)}`."
        raise Misfit(message, remedy=remedy, word=word)
