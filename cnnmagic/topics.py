"""The words of the language that are no layers: what each says, how it is written, and a cell that shows it."""

from __future__ import annotations

from dataclasses import dataclass

from cnnmagic.lang.unfold import PRETRAINED


@dataclass(frozen=True)
class Topic:
    """A word that is no layer: what it says, how it is written, and a cell that shows it."""

    says: str
    written: str
    example: str


_SMALL = "data digits\nconv 8 3x3 relu\noutput"
TOPICS = {
    "data": Topic(
        "Where the images and their labels come from.",
        "data NAME | data PATH | data images:FOLDER | data {{images}} {{labels}} | data {{frame}} image=… label=… | "
        "data table:CATALOG.SCHEMA.TABLE image=… label=…",
        _SMALL,
    ),
    "input": Topic(
        "The size of the images: height x width x channels, `?` for any. Not needed where the data tell it.",
        "input 28x28x1 | input ?x?x3",
        "input ?x?x3\nconv 8 3x3 relu\nglobalavgpool\noutput 10",
    ),
    "resize": Topic(
        "Bring all images to one size before they reach the network.",
        "resize HEIGHTxWIDTH [stretch | crop | pad]",
        "data digits\nresize 16x16 pad\nconv 8 3x3 relu\noutput",
    ),
    "augment": Topic(
        "Random changes of the images in training, against overfitting; none in use.",
        "augment flip, rotate 15, crop=4 | augment mixup, cutmix, randaugment",
        "data cifar10\naugment flip, crop=4\nconv 8 3x3 relu\noutput",
    ),
    "train": Topic(
        "Train the network, and how; the word alone will do. Without it a cell is planned and kept.",
        "train [name=value …]",
        f"{_SMALL}\ntrain epochs=5 lr=0.01 schedule=cosine",
    ),
    "sweep": Topic(
        "Try the choices in braces, each in a training of its own.",
        "sweep [random | grid | tpe] [trials=N] [goal=…] [prune=no] [seed=N] [workers=N]",
        "data digits\nconv {8, 16} 3x3 relu\noutput\nsweep random trials=2",
    ),
    "seed": Topic(
        "The number that all chance starts from: the same seed, the same weights at the start.",
        "seed N",
        f"{_SMALL}\nseed 7",
    ),
    "block": Topic(
        "A name for lines that come again, with parameters; a call gives their values in order or by name.",
        "block NAME(parameter, parameter=default): and indented lines",
        "input 32x32x3\nblock twice(filters):\n    conv filters 3x3 same relu\n    conv filters 3x3 same relu\n"
        "    maxpool 2\ntwice 16\ntwice 32",
    ),
    "repeat": Topic(
        "The indented lines, so many times.",
        "repeat N: and indented lines",
        "input 32x32x3\nrepeat 2:\n    conv 16 3x3 same relu",
    ),
    "residual": Topic(
        "Add the input of the indented lines to what they give. Where the shapes differ, a 1x1 convolution with bn "
        "brings the input to the other's.",
        "residual [activation] [project=no]: and indented lines",
        "input 32x32x16\nresidual relu:\n    conv 16 3x3 same bn relu\n    conv 16 3x3 same bn",
    ),
    "branches": Topic(
        "Several ways from one input, which meet again: side by side (concat), or as sum, mean or largest.",
        "branches -> concat: (or add, average, max) and indented branches",
        "input 28x28x16\nbranches -> concat:\n    branch:\n        conv 8 1x1 relu\n    branch:\n"
        "        conv 8 3x3 same relu\n    branch",
    ),
    "branch": Topic(
        "One way of `branches`; without lines it is the input itself.",
        "branch [NAME]: and indented lines | branch",
        "input 28x28x16\nbranches -> add:\n    branch deep:\n        conv 16 3x3 same relu\n    branch",
    ),
    "from": Topic(
        "Go on from a layer that has a label, or from `input`.",
        "from LABEL",
        "input 28x28x3\nfirst <- conv 8 3x3 same relu\nconv 8 3x3 same relu\nsecond <- conv 8 3x3 same relu\n"
        "from first\nadd second",
    ),
    "add": Topic(
        "The sum of what comes in and of layers that have labels, number by number.",
        "add LABEL …",
        "input 28x28x3\nfirst <- conv 8 3x3 same relu\nconv 8 3x3 same\nadd first",
    ),
    "concat": Topic(
        "The channels of what comes in and of layers that have labels, one after the other.",
        "concat LABEL …",
        "input 28x28x3\nfirst <- conv 8 3x3 same relu\nconv 16 3x3 same\nconcat first",
    ),
    "average": Topic(
        "The mean of what comes in and of layers that have labels, number by number.",
        "average LABEL …",
        "input 28x28x3\nfirst <- conv 8 3x3 same relu\nconv 8 3x3 same\naverage first",
    ),
    "max": Topic(
        "The largest of what comes in and of layers that have labels, number by number.",
        "max LABEL …",
        "input 28x28x3\nfirst <- conv 8 3x3 same relu\nconv 8 3x3 same\nmax first",
    ),
    "multiply": Topic(
        "The product of what comes in and of layers that have labels, number by number.",
        "multiply LABEL …",
        "input 28x28x3\nfirst <- conv 8 3x3 same relu\nconv 8 3x3 same\nmultiply first",
    ),
    "use": Topic(
        "Take a studied network, or an earlier cell, as it is; or, with layers after it, without its head.",
        "use NAME [imagenet] [freeze] [weights=PATH]",
        "data mnist\nuse lenet5",
    ),
    "output": Topic(
        "The last layer: `dense` with softmax (`output 1`: sigmoid) and the loss that fits.",
        "output [classes] [activation]",
        "data digits\nflatten\noutput",
    ),
    "se": Topic(
        "Squeeze and excite: weigh each channel by what the whole image shows (J. Hu et al., 2018).",
        "se [ratio]",
        "input 28x28x32\nse 16",
    ),
}

FLAGS_HELP = {
    "bn": "batch normalisation between the layer and its activation; the layer's bias goes",
    "imagenet": "weights trained on ImageNet; for " + ", ".join(PRETRAINED),
    "freeze": "keep these weights as they are in training",
}
