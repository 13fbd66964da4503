"""Unusual mixes of options: every step's shape, and all weights, are those of the Keras model that comes of them."""

import math

import pytest

from cnnmagic import PlanError, build, plan

LINES = [
    *("conv 8 3x3 same dilation_rate=2x3", "conv 8 3x3 groups=2 bn relu /2 same", "conv 8 13x1 same", "conv 8 12x12"),
    *("conv 8 2x3 /3x2", "conv 8 5 /7 same", "conv 8 1x1 /13 same", "conv 8 3x3 bn use_bias=yes"),
    *("conv 4 3x3 dilation_rate=2 pad=2", "deconv 8 3x3 /2", "deconv 8 2x2 /3", "deconv 8 2x2 /3 same"),
    *("deconv 8 1x1 /3x2 same", "deconv 8 5x2 /1x4 bn relu", "deconv 8 3x3 dilation_rate=2", "deconv 8 4x4 /2 pad=1"),
    *("deconv 8 3x3 same dilation_rate=2", "deconv 8 1x1 /2", "dwconv 3x3 depth_multiplier=3 bn relu"),
    *("dwconv 5x1 same", "dwconv 3x3 dilation_rate=2", "dwconv 3x3 /2x2 use_bias=no", "sepconv 8 3x1"),
    *("sepconv 8 3x3 depth_multiplier=2 use_bias=no bn swish", "sepconv 8 3x3 dilation_rate=2 same"),
    *("maxpool 5 same", "maxpool 2x1", "maxpool 13 same", "avgpool 2 /3 same", "avgpool 3x2 /2x5", "avgpool 3 pad=1"),
    *("globalmaxpool keepdims=yes", "pad 1x2", "pad 0x1x2x3", "crop 5x0", "crop 3x3x3x3", "reshape 144x4"),
    *("upsample 2x3 interpolation=bilinear", "gn 2", "gn 4 scale=no", "ln center=no", "bn center=no scale=no"),
    *("PReLU", "PReLU shared_axes=1x2", "Permute 3x1x2", "AdaptiveAveragePooling2D 5x3", "Resizing 7 9"),
    *("CenterCrop 3 4", "se 1", "se 100", "act softmax", "RMSNormalization", "flatten\nbn\nln"),
]
SUITES = [
    "flatten\nreshape 12x12x4\nconv 3 3",
    "gap\nresidual relu:\n    dense 4",
    "residual:\n    conv 8 3x3 /3 same\n    maxpool 2",
    "residual:\n    residual:\n        conv 8 1x1\n    conv 6 1x1",
    "residual:\n    deconv 4 3x3 /2 same\n    maxpool 2",
    "branches -> max:\n    branch:\n        repeat 2:\n            residual relu:\n                conv 4 3x3 same bn\n"
    "    branch:\n        residual:\n            conv 4 1x1",
    "repeat 3:\n    branches -> concat:\n        branch:\n            residual tanh:\n"
    "                conv 8 3x3 /2 same\n        branch:\n            maxpool 2 same",
    "branches -> concat:\n    branch:\n        flatten\n    branch:\n        gap",
    "block inner(f=2):\n    conv f 1x1\nblock outer(f, n=2):\n    repeat n:\n        inner f\n        inner\n"
    "outer 3\nouter 5 3",
    "block b(f):\n    x <- conv f 1x1\n    relu\n    add x\nb 4\nb 4",
    "x <- conv 4 1x1\nblock b:\n    relu\n    add x\nb\nadd x",
    "block b(f=4):\n    residual:\n        conv f 3x3 same\nrepeat 2:\n    b\nb 8\nb f=16",
    "a <- relu\nb <- tanh\nc <- add a\nadd a b c",
    "repeat 2:\n    x <- conv 4 1x1\nconcat x input input",
]
FREE = [
    *("conv 8 3x3 same", "maxpool 3 /2 same", "deconv 3 3x3 /2", "upsample 2", "pad 1", "gn 2", "ln", "se 2"),
    *("dwconv 3x3 /2 same", "residual:\n    conv 6 3x3 /2 same", "PReLU shared_axes=1x2", "gap\ndense 3"),
]
USED = {
    "resnet20": ("input 40x56x1", "input ?x?x2"),
    "mobilenet_v2": ("input 96x64x3",),
    "googlenet": ("input 64x64x2",),
}
TEXTS = [
    *(f"input 12x12x4\n{body}" for body in (*LINES, *SUITES)),
    *(f"input {size}\n{body}" for size in ("?x?x4", "?x9x4", "1x20x4") for body in FREE),
    *(f"{head}\nuse {name}" for name, heads in USED.items() for head in heads),
    *(f"{head}\nuse {name}\ngap\noutput 3" for name, heads in USED.items() for head in heads),
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_plan_is_what_keras_builds(text: str) -> None:
    planned = plan(text)
    model = build(planned)
    assert [model.get_layer(step.name).output.shape[1:] for step in planned.steps] == [
        step.output_shape for step in planned.steps
    ]
    assert model.count_params() == planned.parameters
    assert sum(math.prod(weight.shape) for weight in model.trainable_weights) == planned.trainable_parameters


@pytest.mark.parametrize("line", ["deconv 8 3x3 /2 dilation_rate=2", "conv 8 3x3 groups=3", "PReLU", "crop 6", "gn 3"])
def test_what_keras_refuses_is_refused_in_the_plan(line: str) -> None:
    with pytest.raises(PlanError) as caught:
        plan(f"input {'?x?x4' if line == 'PReLU' else '12x12x4'}\n{line}")
    assert caught.value.problems[0].place is not None
    assert caught.value.problems[0].remedy
