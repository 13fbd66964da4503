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

# The words of `augment`: what each does in training, and how it is written; a number left out is the one shown.
AUGMENTATIONS_HELP = {
    "flip": ("Mirror images at random: `horizontal`, `vertical` or `both`.", "augment flip | augment flip vertical"),
    "rotate": ("Turn images at random, by at most so many degrees either way.", "augment rotate 10"),
    "zoom": ("Make images larger or smaller at random, by at most this part of their size.", "augment zoom 0.1"),
    "shift": ("Shift images at random, by at most this part of their height and width.", "augment shift 0.1"),
    "crop": ("Shift images at random by at most so many pixels; black comes in at the border.", "augment crop 4"),
    "brightness": ("Make images lighter or darker at random, by at most this part.", "augment brightness 0.2"),
    "contrast": ("Change the contrast of images at random, by at most this part.", "augment contrast 0.2"),
    "randaugment": (
        "Two changes of many, picked for each image: colour, light, shape; a strength from 0 to 1.",
        "augment randaugment 0.5",
    ),
    "mixup": (
        "Blend pairs of images, and their labels by the same parts (H. Zhang et al., 2018); above 0 and up to 1.",
        "augment mixup 0.2",
    ),
    "cutmix": (
        "Put a part of one image into another, and weigh their labels by the areas (S. Yun et al., 2019); up to 1.",
        "augment cutmix 1",
    ),
}
# Values that a name alone does not explain.
VALUES_HELP = {
    "constant": "The rate stays what it is.",
    "step": "The rate falls to a tenth after one half of the training, and to a hundredth after three quarters.",
    "cosine": "The rate falls to 0 along half a wave of the cosine.",
    "onecycle": "The rate rises over the first 30 % of the training, or over `warmup`, then falls to 1/10,000.",
    "auto": "What this machine does best, told in the plan.",
    "bfloat16": "Half the memory of float32 and the same range; fast on processors and GPUs that have units for it.",
    "float16": "Half the memory of float32; the loss is scaled, so that small gradients are not lost.",
    "float32": "Full precision.",
    "random": "Combinations are picked at random.",
    "grid": "All combinations, in a random order.",
    "tpe": "Combinations are picked by what the trainings before have shown.",
    "stop": "An image that can't be read ends the training, by name.",
    "skip": "Images that can't be read are left out and listed.",
    "weights": "Each class counts the same in the loss, however few its images.",
    "same": "The image is padded with zeros, so that its size stays, or is divided by the strides.",
    "valid": "No padding: the window stays within the image, which shrinks.",
    "stretch": "Images are stretched to the size, whatever their own proportions.",
    "crop": "The largest part of the size's proportions is cut from the middle, then brought to the size.",
    "pad": "The whole image is brought into the size, with black margins.",
}
OTHER_VALUES = {
    **dict.fromkeys(("stretch", "crop", "pad"), "resize 224x224 {}"),
    **dict.fromkeys(("horizontal", "vertical", "both"), "augment flip {}"),
    **dict.fromkeys(("imagenet", "freeze"), "use resnet50 imagenet freeze"),
    "images": "data images:FOLDER",
    "table": "data table:CATALOG.SCHEMA.TABLE image=COLUMN label=COLUMN",
    "all": "train devices=all",
    "log": "train lr={{1e-4 .. 1e-1 log}}",
    "project": "residual project=no:",
    **dict.fromkeys(("yes", "no"), "train tune={}"),
}
