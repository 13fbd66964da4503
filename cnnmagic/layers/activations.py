"""The activations that Keras knows by name, and the names that other habits give them.

Without `threshold`, which needs numbers that a name can't give, and `glu`, which halves the channels.
"""

ACTIVATIONS = [
    "celu",
    "elu",
    "exponential",
    "gelu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
]

SYNONYMS = {
    "leaky": "leaky_relu",
    "leakyrelu": "leaky_relu",
    "logistic": "sigmoid",
    "identity": "linear",
    "none": "linear",
}
