"""Models put together by chance: whatever the graph, its text gives the same layers, weights and answers."""

import random
from typing import Any

import pytest

from cnnmagic.engine.backend import load_keras
from tests.engine.round_trip import check, same_answers

keras = load_keras()
layers = keras.layers
JOINS = (layers.Add, layers.Average, layers.Maximum, layers.Multiply)


def conv(x) -> Any:
    return layers.Conv2D(4, 3, padding="same")(x)


def normalized(x) -> Any:
    return layers.BatchNormalization()(layers.Conv2D(x.shape[-1], 3, padding="same", use_bias=False)(x))


def excited(x) -> Any:
    squeezed = layers.Dense(max(1, x.shape[-1] // 2), activation="relu")(
        layers.GlobalAveragePooling2D(keepdims=True)(x)
    )
    return layers.Multiply()([x, layers.Dense(x.shape[-1], activation="sigmoid")(squeezed)])


STEPS = (
    conv,
    normalized,
    excited,
    lambda x: layers.BatchNormalization()(x),
    lambda x: layers.Activation("relu")(x),
    lambda x: layers.ReLU()(x),
    lambda x: layers.Conv2D(8, 1, activation="relu", kernel_regularizer=keras.regularizers.L2(0.3))(x),
    lambda x: layers.Add()([normalized(x), x]),
    lambda x: layers.Add()([x, normalized(x)]),
    lambda x: layers.Concatenate()([conv(x), conv(x)]),
    lambda x: layers.Conv2D(4, 1)(layers.UpSampling2D()(layers.MaxPooling2D()(x))),
)


def model_by_chance(seed: int) -> Any:
    """Up to 20 steps, each from the last layer or from any, a third of them joins of two or three."""
    chance, entry = random.Random(seed), keras.Input((8, 8, 4))
    tensors = [entry]
    for _ in range(chance.randrange(6, 20)):
        last = tensors[-1] if chance.random() < 0.7 else chance.choice(tensors)
        if chance.random() < 0.65:
            tensors.append(chance.choice(STEPS)(last))
            continue
        joined = [last, *(chance.choice(tensors) for _ in range(chance.choice((1, 1, 2))))]
        chance.shuffle(joined)
        alike = len({tensor.shape for tensor in joined}) == 1 and chance.random() < 0.7
        tensors.append((chance.choice(JOINS) if alike else layers.Concatenate)()(joined))
    return keras.Model(entry, layers.Dense(3)(layers.GlobalAveragePooling2D()(tensors[-1])))


@pytest.mark.parametrize("seed", range(6))
def test_a_few(seed: int) -> None:
    model = model_by_chance(seed)
    same_answers(model, check(model))


@pytest.mark.long
@pytest.mark.parametrize("start", range(100, 300, 20))
def test_many(start: int) -> None:
    for seed in range(start, start + 20):
        test_a_few(seed)
