"""Reads answers in tests: the numbers of a key, and cells of many kinds."""

from __future__ import annotations

import re

from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.texts import table
from cnnmagic.wording import well_formed

LENET = """
data mnist
input 28x28x1
conv 6 5x5 same tanh
avgpool 2
conv 16 5x5 tanh
avgpool 2
flatten
dense 120 tanh
dense 84 tanh
output 10
train epochs=12 batch=128 optimizer=adam
"""
DIGITS = """
data digits
conv 8 3x3 same bn relu     # the first
maxpool 2
conv 16 3x3 same relu
flatten
dropout 0.25
dense 32 relu
output 10
train epochs=3 batch=64 lr=0.005
seed 1
"""
BLOCKS = """
data cifar10
input 32x32x3
block vgg(filters, times):
    repeat times:
        conv filters 3x3 same bn relu
    maxpool 2
vgg 16 2
vgg 32 2
globalavgpool
dropout 0.5
output 10
train epochs=2
"""
KERAS_WORDS = """
data cifar10
Conv2D(16, 3, activation=relu)
MaxPooling2D(2)
Conv2D(filters=32, kernel_size=3, strides=2, activation=relu)
Flatten()
Dense(10, activation=softmax)
"""
RESIDUAL = """
data digits
stem <- conv 8 3x3 same relu
residual relu:
    conv 8 3x3 same bn relu
    conv 8 3x3 same bn
branches -> concat:
    branch one:
        conv 4 1x1 relu
    branch two:
        maxpool 3 /1 same
        conv 4 1x1 relu
maxpool 2
globalavgpool
output
train epochs=1 batch=256
"""
USED = "data mnist\nuse lenet5\ntrain epochs=1\n"
FREE = "data digits\ninput ?x?x1\nconv 8 3x3 relu\nglobalavgpool\noutput\ntrain epochs=1\n"
DENSE = "data digits\nflatten\ndense 16 relu\noutput\ntrain epochs=1\n"
EVEN = "data digits\nconv 4 4x4 relu\nconv 4 2x2 /2 relu\nglobalavgpool\noutput\n"
SWEPT = "data digits\nconv {8, 16} 3x3 relu\nflatten\noutput\ntrain lr={0.1, 0.01}\nsweep random trials=2\n"
CELLS = {
    "lenet": LENET,
    "digits": DIGITS,
    "blocks": BLOCKS,
    "keras words": KERAS_WORDS,
    "residual": RESIDUAL,
    "used": USED,
    "free": FREE,
    "dense": DENSE,
    "even": EVEN,
    "swept": SWEPT,
}


def numbers(answer: Answer, key: str) -> list[Number]:
    """The numbers of an English answer that bear the label of a key."""
    label = table("en", answer.id)["numbers"][key]["label"]
    labels = [label, well_formed(f"1 {label}")[2:]]  # of one it is told as of one
    pattern = "|".join(".*".join(re.escape(part) for part in re.split(r"\{[^}]*\}", one)) for one in labels)
    return [number for number in answer.numbers if re.fullmatch(pattern, number.label)]


def value(answer: Answer, key: str) -> float:
    """The one number of a key."""
    (number,) = numbers(answer, key)
    return number.value
