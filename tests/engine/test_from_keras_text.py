"""The text of a model as a reader would write it: order of lines, blocks, and labels only where they are needed."""

from typing import Any

import pytest

from cnnmagic import build, from_keras
from cnnmagic.engine.backend import load_keras
from tests.engine.round_trip import check, same_answers
from tests.lang.cells import CELLS

keras = load_keras()
layers = keras.layers

# Texts that come back word for word.
AS_WRITTEN = {
    "bn_in_a_line": "conv 8 3x3 same bn relu\nsepconv 8 3x3 bn\ndwconv 3x3 bn gelu use_bias=yes\nconv 8 1x1 relu\nbn",
    "residual": "conv 8 3x3 same bn relu\nresidual relu:\n    conv 8 3x3 same bn relu\n    conv 8 3x3 same bn",
    "projection": "residual relu:\n    conv 8 3x3 /2 same bn relu\n    conv 8 3x3 same bn\nresidual:\n    conv 16 1x1",
    "residual_in_residual": "residual:\n    conv 4 3x3 same\n    residual tanh:\n        conv 4 1x1\n    relu",
    "excited_residual": "residual:\n    conv 4 3x3 same\n    se 2",
    "labelled_end_of_residual": "residual:\n    conv 4 3x3 same\nlast <- relu\nmaxpool 2\nupsample\nadd last",
    "branches": "branches -> concat:\n    branch:\n        conv 4 1x1\n    branch:\n        conv 4 1x1\n        relu\n"
    "    branch\nbranches -> max:\n    branch:\n        conv 4 1x1 bn relu\n    branch:\n        avgpool 3 /1 same\n"
    "        conv 4 1x1",
    "branches_in_branches": "branches -> concat:\n    branch:\n        conv 4 1x1\n    branch:\n"
    "        branches -> average:\n            branch:\n                conv 4 1x1\n            branch:\n"
    "                conv 4 3x3 same\n        relu",
    "graph_of_the_guide": "stem <- conv 8 3x3 same relu\nleft <- conv 8 3x3 same relu\nfrom stem\n"
    "conv 8 5x5 same relu\nboth <- add left\nglobalavgpool keepdims=yes\nconv 8 1x1 sigmoid\nmultiply both\n"
    "concat left",
    "past_smaller_images": "large <- conv 4 3x3 same\nmaxpool 2\nmiddle <- conv 8 3x3 same\nmaxpool 2\n"
    "conv 16 3x3 same\ndeconv 8 2x2 /2\nconcat middle\ndeconv 4 2x2 /2\nconcat large",
    "the_input_again": "conv 4 3x3 same\nmaxpool 2\nupsample\nadd input",
    "weights": "conv 4 3x3 kernel_regularizer=l2(0.0001) bn relu\n"
    "conv 4 3x3 kernel_initializer=variance_scaling(2, mode=fan_out) kernel_constraint=max_norm(3, axis=0x1x2)\n"
    "conv 4 3x3 kernel_initializer=he_normal(seed=1) bias_regularizer=l1(1e-5)",
    "channels": "rescale scale=(0.5, 1, 1/255, 2) offset=(-103.939, 0, 1, -2)\nrescale 1/255\nrescale 2 -1",
    "sizes": "dropout 0.2 noise_shape=?x1x1x1\nNormalization mean=(0.1, 0.2, 0.3, 0.4) variance=(1.5, 2, 3, 4)",
}


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_a_text_comes_back_as_it_was_written(name: str) -> None:
    text = f"input 16x16x4\n{AS_WRITTEN[name]}\nflatten\noutput 3\n"
    model = build(text)
    assert from_keras(model) == text
    same_answers(model, check(model))


def test_the_names_of_layers_become_labels() -> None:
    entry = keras.Input((16, 12, 4))
    stem = layers.Conv2D(8, 3, padding="same", name="stem")(entry)
    side = layers.Conv2D(8, 1, name="side")(entry)
    both = layers.Concatenate()([layers.Add()([stem, side]), stem, entry])
    end = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(layers.ReLU(max_value=6.0)(both)))
    assert from_keras(keras.Model(entry, end)) == (
        "input 16x12x4\n"
        "stem <- conv 8 3x3 same\n"
        "from input\n"
        "side <- conv 8 1x1\n"
        "from stem\n"
        "add side\n"
        "concat stem input\n"
        "ReLU max_value=6\n"
        "globalavgpool\n"
        "output 1\n"
    )


@pytest.mark.parametrize("name, labels, lines", [("inception3a", 0, 15), ("resnet20", 0, 32)])
def test_cells_need_no_labels(name: str, labels: int, lines: int) -> None:
    text = from_keras(build(CELLS[name].split("\n", 1)[1]))
    assert (text.count("<-"), len(text.splitlines())) == (labels, lines)


def difficult_names() -> Any:
    entry = x = keras.Input((8, 8, 4))
    ends = []
    for name in (
        "my-conv.1",
        "my_conv_1",
        "input",
        "output",
        "rescale",
        "any",
        "line7_any",
        "for",
        "line3_conv",
        "conv",
        "3x3",
    ):
        x = layers.Conv2D(4, 1, name=name)(x)
        ends.append(x)
    return keras.Model(entry, layers.Concatenate()([layers.ReLU()(x), *ends]))


def test_labels_are_no_words_of_another_meaning() -> None:
    text = from_keras(check(difficult_names()))
    assert [line.split()[0] for line in text.splitlines() if "<-" in line] == [
        *("my_conv_1", "my_conv_1_2", "layer_input", "layer_output", "layer_rescale", "layer_any", "layer_any_2"),
        *("layer_for", "conv", "conv_2", "layer_3x3"),
    ]


def test_the_order_of_weights_is_kept_by_sums_of_two_ways() -> None:
    """Layers of the same shape on both ways would answer wrongly if they changed places."""
    for turn in (1, -1):
        entry = keras.Input((8, 8, 4))
        ways = [layers.Conv2D(4, 1)(entry), layers.Conv2D(4, 1, activation="relu")(layers.Conv2D(4, 1)(entry))]
        model = keras.Model(entry, layers.Add()(ways[::turn]))
        same_answers(model, check(model))
