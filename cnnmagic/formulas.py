"""The arithmetic of layers and activations as a text to be read, which a test computes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cnnmagic.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    GroupNormalization,
    Layer,
    LayerNormalization,
    MaxPooling2D,
    Reshape,
    SeparableConv2D,
    UpSampling2D,
    ZeroPadding2D,
)


@dataclass(frozen=True)
class Rule:
    """A layer's arithmetic in formulas; `units` where a list of numbers goes out, `shape` where a formula says less."""

    height: str = "height"
    channels: str = "channels"
    parameters: str = ""
    same: str = ""
    units: str = ""
    shape: str = "stays as it is"

    def lines(self) -> Iterator[str]:
        """The rule as it is read."""
        if self.units:
            yield f"shape: a list of {self.units} numbers"
        elif self.height != "height":
            also = f" with valid, {self.same} with same" if self.same else ""
            yield f"shape: height = {self.height}{also}"
            yield "       width likewise" + (f"; channels = {self.channels}" if self.channels != "channels" else "")
        else:
            yield f"shape: {self.shape}"
        yield f"parameters: {self.parameters or 'none'}"


_POOLING = Rule("ceil((height - kernel + 1) / stride)", same="ceil(height / stride)")
_DEPTHWISE = "kernel_height × kernel_width × channels × depth_multiplier"
_SLIDING = {"height": _POOLING.height, "same": _POOLING.same}
RULES: dict[type[Layer], Rule] = {
    Conv2D: Rule(
        channels="filters",
        parameters="kernel_height × kernel_width × channels / groups × filters + filters",
        **_SLIDING,
    ),
    SeparableConv2D: Rule(
        channels="filters",
        parameters=f"{_DEPTHWISE} + channels × depth_multiplier × filters + filters",
        **_SLIDING,
    ),
    DepthwiseConv2D: Rule(
        channels="channels × depth_multiplier",
        parameters=f"{_DEPTHWISE} + channels × depth_multiplier",
        **_SLIDING,
    ),
    Conv2DTranspose: Rule(
        height="height × stride + max(kernel - stride, 0)",
        same="height × stride",
        channels="filters",
        parameters="kernel_height × kernel_width × channels × filters + filters",
    ),
    MaxPooling2D: _POOLING,
    AveragePooling2D: _POOLING,
    GlobalAveragePooling2D: Rule(units="channels"),
    GlobalMaxPooling2D: Rule(units="channels"),
    Dense: Rule(units="units", parameters="inputs × units + units"),
    Reshape: Rule(shape="target_shape, which must hold as many numbers"),
    Flatten: Rule(units="height × width × channels"),
    BatchNormalization: Rule(parameters="4 × channels"),
    GroupNormalization: Rule(parameters="2 × channels"),
    LayerNormalization: Rule(parameters="2 × channels"),
    UpSampling2D: Rule("height × size"),
    ZeroPadding2D: Rule("height + top + bottom"),
    Cropping2D: Rule("height - top - bottom"),
}

# Each can be computed as it stands, number by number, except those of WHOLE, which look at all channels together.
FORMULAS = {
    "celu": "x if x > 0 else exp(x) - 1",
    "elu": "x if x > 0 else exp(x) - 1",
    "exponential": "exp(x)",
    "gelu": "x × (1 + erf(x / sqrt(2))) / 2",
    "hard_shrink": "x if abs(x) > 0.5 else 0",
    "hard_sigmoid": "min(max(x / 6 + 0.5, 0), 1)",
    "hard_silu": "x × min(max(x / 6 + 0.5, 0), 1)",
    "hard_swish": "x × min(max(x / 6 + 0.5, 0), 1)",
    "hard_tanh": "min(max(x, -1), 1)",
    "leaky_relu": "x if x > 0 else 0.2 × x",
    "linear": "x",
    "log_sigmoid": "-log(1 + exp(-x))",
    "mish": "x × tanh(log(1 + exp(x)))",
    "relu": "max(x, 0)",
    "relu6": "min(max(x, 0), 6)",
    "selu": "1.0507 × (x if x > 0 else 1.67326 × (exp(x) - 1))",
    "sigmoid": "1 / (1 + exp(-x))",
    "silu": "x / (1 + exp(-x))",
    "soft_shrink": "x - min(max(x, -0.5), 0.5)",
    "softplus": "log(1 + exp(x))",
    "softsign": "x / (1 + abs(x))",
    "sparse_plus": "0 if x <= -1 else x if x >= 1 else (x + 1) × (x + 1) / 4",
    "sparse_sigmoid": "min(max((x + 1) / 2, 0), 1)",
    "squareplus": "(x + sqrt(x × x + 4)) / 2",
    "swish": "x / (1 + exp(-x))",
    "tanh": "(exp(x) - exp(-x)) / (exp(x) + exp(-x))",
    "tanh_shrink": "x - tanh(x)",
}
WHOLE = {
    "log_softmax": "x - log(the sum of exp over all channels)",
    "softmax": "exp(x) / (the sum of exp over all channels): shares that add up to 1",
    "sparsemax": "shares that add up to 1, many of them 0",
}
