"""Trainings that several devices and several workers must carry out to the numbers of one."""

# Smooth on purpose: at a rate of 0.2 a ReLU whose input is 0 but for its last bit sends a training one way or another,
# and on JAX a noise of one bit in the first weights takes one device as far from itself (4e-3) as from two devices.
LAYERS = "data digits\nconv 8 3x3 tanh\nbn\nflatten\ndense 32 tanh\noutput 10\nseed 5\n"
RANDOM_LAYERS = LAYERS.replace("conv", "augment flip, rotate\nconv").replace("output", "dropout 0.4\noutput")
# 1,293 images in batches of 63: the last has 33, and no batch can be halved.
TRAIN = "train batch=63 precision=float32 tune=no "
# Adam divides by the size of a gradient: at ten times its usual rate one weight of 9,216, whose gradient is close to 0,
# goes 3e-5 astray by nothing but rounding.
RECIPES = (
    "epochs=3",
    "epochs=4 sgd lr=0.1 momentum=0.9 schedule=cosine global_clipnorm=0.5",
    "epochs=30 sgd lr=0.2 early_stop=1 validation=0.2",
    "epochs=2 adamw weight_decay=0.01 validation=0",
)


def text_of(words: str, layers: str = LAYERS) -> str:
    """The text of a training by these words."""
    return f"{layers}{TRAIN}{words}"
