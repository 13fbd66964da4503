"""Words of other tools at the head of a line that mean something else here, or nothing: what to write instead."""

from __future__ import annotations

import re

from cnnmagic.errors import PlanError
from cnnmagic.lang import syntax
from cnnmagic.lang.lines import PYTHON

_PREFIX = re.compile(r"^(torch\.)?(nn|f)\.", re.IGNORECASE)
_OF_VGG = re.compile(r"(?P<kind>conv|fc)(?P<kernel>\d)?-(?P<count>\d{1,6})", re.IGNORECASE)
INSTEAD = {
    "linear": "Write `dense 10`: the numbers that come in are known.",
    "conv1d": "Write `Conv1D` for Keras's, or `conv 32 3x3` for images.",
    "conv2d": "Write `conv 32 3x3`: the channels that come in are known, and the filters stand first.",
    "convtranspose2d": "Write `deconv 32 3x3 /2`: the channels that come in are known.",
    "batchnorm1d": "Write `bn`: the channels are known.",
    "batchnorm2d": "Write `bn`: the channels are known.",
    "batchnorm": "Write `bn`: the channels are known.",
    "adaptiveavgpool2d": "Write `globalavgpool`.",
    "adaptivemaxpool2d": "Write `globalmaxpool`.",
    "dropout2d": "Write `spatialdropout 0.2`.",
    "zeropad2d": "Write `pad 1`.",
    "max": "Write `maxpool 3 /2`.",
    "avg": "Write `avgpool 3 /2`.",
    "pool": "Say which: `maxpool 2` or `avgpool 2`.",
    "pooling": "Say which: `maxpool 2` or `avgpool 2`.",
    "compile": "What `compile` says stands in the `train` line: `train epochs=5 optimizer=adam`.",
    "fit": "Write `train epochs=5`.",
    "keras": "A cell is the model: write its layers, one a line.",
    "model": "A cell is the model: write its layers, one a line.",
    "sequential": "A cell is the model: write its layers, one a line.",
    "lambda": "A cell runs no code: build on the model of `cnnmagic.build` for that.",
    "multiheadattention": "It takes several inputs, and layers of one are what a line can hold.",
    "layer": "A line is a layer: `conv 32 3x3 relu`.",
    "shortcut": "Write `residual:` and indent the lines that it goes around, or `add` and the label of a layer.",
    "eltwise": "Write `add` and the label of a layer.",
    "route": "Write `from` or `concat` and the label of a layer.",
    "softmaxwithloss": "Write `output 10`: it picks the loss that fits.",
    "loss": "`output 10` picks the loss that fits.",
}
# Arguments of other layers that have a line, or a sign, of their own here.
ARGUMENTS = {
    "in_channels": "Leave it out: the channels that come in are known.",
    "in_features": "Leave it out: the numbers that come in are known.",
    "num_features": "Leave it out: the channels that come in are known.",
    "input_dim": "Leave it out: the numbers that come in are known.",
    "input_shape": "Leave it out, and write a line of its own before the layers: `input 28x28x1`.",
    "name": "Leave it out; `stem <- conv 32 3x3` labels a layer.",
    "data_format": "Leave it out: images are height x width x channels.",
    "pool": "Leave it out, and say `maxpool 2` or `avgpool 2`.",
}

LINES = {
    **dict.fromkeys(("test", "bad", "balance"), "data"),
    **dict.fromkeys(("trials", "goal", "prune"), "sweep"),
    **dict.fromkeys(("validation", "batch", "epochs", "lr", "optimizer"), "train"),
}
PICKED = {
    "loss": "Leave it out: `output` picks the loss that fits.",
    "metrics": "Leave it out: accuracy is always told.",
    "shuffle": "Leave it out: each epoch has an order of its own, that of `seed`.",
    "verbose": "Leave it out.",
}


def argument_of_another(subject: str, key: str, value: syntax.Value) -> str:
    """What to write instead of an argument that has another line, or none; empty where nothing is known of it."""
    if subject in syntax.DIRECTIVES:
        if key in syntax.DIRECTIVES:
            return f"It is a line of its own: `{key} {value}`."
        if key in PICKED:
            return PICKED[key]
        if LINES.get(key, subject) != subject:
            return f"It stands in the `{LINES[key]}` line: `{LINES[key]} … {key}={value}`."
    return ARGUMENTS.get(key, "")


def instead_of(name: str) -> str:
    """What to write instead of a word of another tool, or of a file's `[section]`; empty where it is none."""
    if name.startswith("["):
        return "A section is one line here, with its arguments after it: `convolutional filters=32 size=3 pad=1`."
    written = _OF_VGG.fullmatch(name)
    if written is not None:
        kernel = written["kernel"] or "3"
        count = written["count"]
        is_dense = written["kind"].lower() == "fc"
        return f"Write `{f'dense {count} relu' if is_dense else f'conv {count} {kernel}x{kernel} same relu'}`."
    return INSTEAD.get(_PREFIX.sub("", name).lower(), "") or PYTHON.get(name, "")


def check_order(statement: syntax.Layer) -> None:
    """Raise `PlanError` for PyTorch's `Conv2d(3, 6, 5)`: in Keras's order it would be 3 filters of 6x6, stride 5."""
    numbers = [word.value for word in statement.words if word.key is None and isinstance(word.value, int)]
    named = {word.key: word.value for word in statement.words if word.key}
    if statement.name != "Conv2d" or len(numbers) + ("kernel_size" in named) < 3:
        return
    kernel = named.get("kernel_size", numbers[-1]) if len(numbers) < 3 else numbers[2]
    told = f"{kernel}x{kernel}" if isinstance(kernel, int) else str(kernel)
    message = "`Conv2d` with channels in, channels out and kernel is PyTorch's."
    remedy = f"Write `conv {numbers[1]} {told}`: that {numbers[0]} come in is known."
    raise PlanError(message, place=statement.place, remedy=remedy)
