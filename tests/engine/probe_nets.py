"""Small networks of many kinds for the tests of probes, their numbers by chance so that none is 0 or 1 by birth."""

from functools import cache
from typing import Any

import numpy as np

from cnnmagic import build
from cnnmagic.engine.backend import load_keras
from cnnmagic.zoo import zoo_text

keras = load_keras()

NETS = {
    "plain": "input 9x8x1\nconv 4 3x3 same relu\nmaxpool 2\nconv 6 2x2 tanh\nflatten\ndense 7 relu\noutput 5",
    "norms": "input 8x8x2\nconv 4 3x3 bn relu\nconv 5 3x3 bn relu\nglobalavgpool\ndropout 0.4\noutput 4",
    "residual": "input 8x8x3\nconv 4 3x3 same relu\nresidual relu:\n    conv 4 3x3 same bn relu\n"
    "    conv 4 3x3 same bn\nglobalavgpool\noutput 3",
    "branches": "input 8x8x3\nbranches -> concat:\n    branch:\n        conv 3 1x1 relu\n    branch:\n"
    "        conv 2 3x3 same relu\n        conv 3 3x3 same relu\nmaxpool 2\nflatten\noutput 4",
    "free": "input ?x?x3\nconv 4 3x3 relu\nse 2\nconv 4 3x3 relu\nglobalavgpool\noutput 3",
    "single": "input 8x8x1\nconv 4 3x3 relu\nflatten\noutput 1",
    "logits": "input 8x8x1\naugment flip\nconv 4 3x3 relu\nflatten\noutput 6 linear",
    "sigmoids": "input 8x8x1\nconv 4 3x3 relu\nflatten\noutput 6 sigmoid",
    "apart": "input 8x8x1\nconv 4 3x3 relu\nconv 5 1x1\nglobalavgpool\nsoftmax",
    "grown": "input 6x6x2\nconv 3 3x3 /2 same relu\ndeconv 4 3x3 /2 same relu\nsepconv 3 3x3 relu\nflatten\noutput 3",
}
SHRUNK = {
    "lenet5": ("28x28x1", "16x16x1"),
    "resnet20": ("32x32x3", "12x12x3"),
    "mobilenet_v2": ("224x224x3", "32x32x3"),
}
FREE_SIDE = 10


def text_of(name: str) -> str:
    """The text of a network; those of the zoo with smaller images."""
    if name in NETS:
        return NETS[name]
    text = zoo_text(name)
    assert text is not None
    assert SHRUNK[name][0] in text
    return text.replace(*SHRUNK[name]).partition("\ntrain")[0]


@cache
def net(name: str) -> Any:
    """The model of a network."""
    model = build(f"{text_of(name)}\nseed 3" if name in NETS else text_of(name))
    scatter(model)
    return model


def scatter(model: Any) -> None:
    """Move biases and the numbers of batch norms away from 0 and 1."""
    chance = np.random.default_rng(5)
    for layer in model.layers:
        for variable in layer.weights:
            name, shape = variable.path.split("/")[-1], tuple(variable.shape)
            if name in ("bias", "beta", "moving_mean"):
                variable.assign(chance.normal(0, 0.2, shape))
            if name in ("gamma", "moving_variance"):
                variable.assign(chance.uniform(0.5, 1.5, shape))


def images_for(model: Any, count: int = 3) -> np.ndarray:
    """Images by chance that a model takes."""
    shape = [size or FREE_SIDE for size in model.inputs[0].shape[1:]]
    return np.random.default_rng(7).normal(size=(count, *shape)).astype("float32")
