"""Every number of the answers that rest on a plan, worked out again by other code: by hand, by NumPy, by Keras."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest

import cnnmagic
from cnnmagic.asking import ask, can_be_planned
from cnnmagic.errors import CnnError
from cnnmagic.explain.catalogue import QUESTIONS, answer, applying, listing
from cnnmagic.explain.questions.architecture import suggested
from cnnmagic.explain.questions.odd_filters import pads, shift
from cnnmagic.explain.sliding import zeros
from tests.explain.reading import BLOCKS, CELLS, DENSE, DIGITS, EVEN, FREE, LENET, RESIDUAL, numbers, value
from tests.lang.cells import CELLS as WRITTEN

# LeNet-5's layers by hand: (numbers in, numbers out, weights, multiplications, numbers held) of one image.
BY_HAND = [
    (784, 784, 0, 0),
    (784, 4704, 6 * 26, 28 * 28 * 6 * 25),
    (4704, 1176, 0, 0),
    (1176, 1600, 16 * 151, 10 * 10 * 16 * 150),
    (1600, 400, 0, 0),
    (400, 400, 0, 0),
    (400, 120, 401 * 120, 400 * 120),
    (120, 84, 121 * 84, 120 * 84),
    (84, 10, 85 * 10, 84 * 10),
]
WEIGHTS = sum(layer[2] for layer in BY_HAND)
WORK = sum(layer[3] for layer in BY_HAND)
HELD = 784 + sum(layer[1] for layer in BY_HAND)


def memory(weights: int, batch: int) -> int:
    """Weights, gradients, Adam's two numbers for each, and activations, 4 bytes each."""
    return 4 * (4 * weights + HELD * batch)


def test_mathematics() -> None:
    found = answer("mathematics", cnnmagic.plan(LENET))
    assert value(found, "weights") == WEIGHTS == 61_706
    assert value(found, "products") == WORK
    assert value(found, "guessing") == pytest.approx(-np.log(np.full(10, 0.1)).mean())
    for told in ("(5·5·1 + 1)·6 = 156", "⌈(14 − 5 + 1) / 1⌉ = 10", "400·120 + 120 = 48,120", "W: 10×84"):
        assert told in found.text
    assert "2.303" in found.text


def test_formulas_of_mathematics_come_to_the_weights_of_the_plan() -> None:
    for cell in CELLS.values():
        plan = cnnmagic.plan(cell)
        lines = [line for line in answer("mathematics", plan).text.split("\n") if line.strip().startswith("weights:")]
        for line in lines:
            left, _, right = line.split(": ", 1)[1].partition(" = ")
            assert eval(left.replace("·", "*")) == int(right.replace(",", ""))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("rescale 1/4", "y = x·0.25 + 0"),
        ("rescale 1 offset=(-3, -2, -1)", "y[i, j, k] = x[i, j, k]·1 + b[k],  b = (-3, -2, -1)"),
        ("rescale scale=(1, 2, 3) offset=0.5", "y[i, j, k] = x[i, j, k]·a[k] + 0.5,  a = (1, 2, 3)"),
    ],
)
def test_the_formula_of_a_rescaling(line: str, told: str) -> None:
    plan = cnnmagic.plan(f"input 8x8x3\n{line}\nconv 2 3x3\nflatten\noutput 3")
    assert told in [row.strip() for row in answer("mathematics", plan).text.split("\n")]


@pytest.mark.parametrize("name", ["vgg16", "resnet50"])
def test_a_network_with_means_of_its_channels_has_all_questions(name: str, caplog: pytest.LogCaptureFixture) -> None:
    plan = cnnmagic.plan(f"input 64x64x3\nuse {name} imagenet\nglobalavgpool\noutput 10")
    assert {"mathematics", "why-cnn", "cost"} <= set(applying(plan)) and not caplog.records
    assert "b = (-123.68, -116.779, -103.939)" in answer("mathematics", plan).text


def test_an_answer_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*given: object) -> None:
        raise ZeroDivisionError("of our own")

    plan = cnnmagic.plan(LENET)
    monkeypatch.setitem(QUESTIONS, "pooling", fail)
    assert applying(plan) == list(QUESTIONS) and len(listing(plan).split("\n")) == len(QUESTIONS)
    assert "the answer to pooling failed" in caplog.text and "ZeroDivisionError: of our own" in caplog.text
    assert answer("cost", plan).numbers
    with pytest.raises(ZeroDivisionError):
        answer("pooling", plan)


def test_why_cnn() -> None:
    found = answer("why-cnn", cnnmagic.plan(LENET))
    dense = 784 * 4704 + 4704 + 1176 * 1600 + 1600
    twin = WEIGHTS - 156 - 2416 + dense
    assert value(found, "classic") == 200 * 200 * 3 == 120_000
    assert value(found, "neuron") == 28 * 28
    assert value(found, "own") == WEIGHTS and value(found, "twin") == twin
    assert value(found, "ratio") == pytest.approx(twin / WEIGHTS)
    assert value(found, "own_flops") == 2 * WORK
    assert value(found, "twin_flops") == 2 * (WORK - 117_600 - 240_000 + 784 * 4704 + 1176 * 1600)
    assert value(found, "own_memory") == memory(WEIGHTS, 128)
    assert value(found, "twin_memory") == memory(twin, 128)
    assert f"{twin:,}" in found.text and f"{twin:,}" in str(found.figure)


def test_the_fully_connected_twin_has_as_many_weights_in_keras() -> None:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(8 * 8 * 8, use_bias=False),
            layers.Reshape((8, 8, 8)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(4 * 4 * 16),
            layers.Dense(32),
            layers.Dense(10),
        ]
    )
    found = answer("why-cnn", cnnmagic.plan(DIGITS))
    assert value(found, "twin") == model.count_params()


def test_architecture() -> None:
    found = answer("architecture", cnnmagic.plan(LENET))
    assert value(found, "layers") == 5 and value(found, "weights") == WEIGHTS
    assert value(found, "images") == 60_000 - 6_000
    assert numbers(found, "per")[0].value == pytest.approx(WEIGHTS / 54_000)
    assert value(found, "dense") == pytest.approx(100 * (48_120 + 10_164 + 850) / WEIGHTS)
    held = answer("architecture", cnnmagic.plan(DIGITS))
    rest = 1797 - round(1797 * 0.2)
    assert value(held, "images") == rest - round(rest * 0.1)


@pytest.mark.parametrize(
    ("size", "images", "name"),
    [
        ("8x8x1", 1_400, "digits_cnn"),
        ("28x28x1", 10_000, "lenet5"),
        ("28x28x1", 54_000, "mnist_cnn"),
        ("32x32x3", 45_000, "resnet20"),
        ("224x224x3", 5_000, "resnet18"),
        ("224x224x3", 1_200_000, "resnet50"),
    ],
)
def test_the_suggested_network_fits_the_data(size: str, images: int, name: str) -> None:
    plan = cnnmagic.plan(f"input {size}\nconv 2 3x3\nglobalavgpool\noutput 10")
    assert suggested(plan, images) == name
    assert cnnmagic.plan(f"input {size}\nuse {name}").output is not None


def test_softmax_of_a_plan() -> None:
    assert value(answer("softmax", cnnmagic.plan(LENET)), "classes") == 10
    single = answer("softmax", cnnmagic.plan("input 8x8x1\nconv 2 3x3\nflatten\noutput 1"))
    assert value(single, "classes") == 1 and "sigmoid" in single.text


def test_odd_filters() -> None:
    found = answer("odd-filters", cnnmagic.plan(LENET))
    assert value(found, "odd") == 2
    assert [n.value for n in numbers(found, "shift")] == [0.0, 0.5]
    assert [n.value for n in numbers(found, "weights")] == [156, 6 * 37]
    even = answer("odd-filters", cnnmagic.plan(EVEN))
    assert value(even, "odd") == 0 and "no pixel in its middle" in even.text


@pytest.mark.parametrize("kernel", range(1, 9))
def test_zeros_around_are_those_of_keras(kernel: int) -> None:
    import keras

    size = 12
    layer = keras.layers.Conv2D(1, kernel, padding="same", use_bias=False, kernel_initializer="ones")
    counted = np.asarray(layer(np.ones((1, size, size, 1), "float32")))[0, :, :, 0]
    whole = counted.max() / kernel
    before = round(kernel - counted[0].max() / kernel) if kernel > 1 else 0
    assert whole == kernel
    assert (
        pads(kernel)
        == zeros(size, kernel, 1, "same")
        == (round(kernel - counted[0, size // 2] / kernel), kernel - 1 - before)
    )
    middle = np.arange(kernel).mean() - pads(kernel)[0]
    assert shift(kernel) == middle


def test_volumes() -> None:
    found = answer("volumes", cnnmagic.plan(LENET))
    assert [value(found, key) for key in ("height", "width", "depth")] == [28, 28, 6]
    assert value(found, "largest") == 28 * 28 * 6
    assert "10x10x16" in found.text
    free = answer("volumes", cnnmagic.plan(FREE))
    assert numbers(free, "height") == [] and value(free, "depth") == 8


def test_convolution() -> None:
    found = answer("convolution", cnnmagic.plan(LENET))
    assert value(found, "products") == 25 and value(found, "weights") == 156
    assert value(found, "height") == 28 and value(found, "positions") == 784
    assert value(found, "multiplies") == 117_600
    assert (value(found, "before"), value(found, "after")) == (2, 2)
    strided = answer("convolution", cnnmagic.plan("input 9x9x4\nconv 6 3x3 /2 valid groups=2\nflatten\noutput 3"))
    assert value(strided, "height") == len(range(0, 9 - 3 + 1, 2)) and value(strided, "products") == 3 * 3 * 2
    assert "⌈(9 − 3 + 1) / 2⌉ = 4" in strided.text


def test_one_is_told_as_one() -> None:
    plan = cnnmagic.plan("input 1x4x1\nconv 1 1x3 same relu\nmaxpool 1x2\nbn\nflatten\noutput 3")
    told = {question: str(answer(question, plan)) for question in ("layers", "pooling", "mathematics")}
    assert "used 1 time here" in told["layers"] and "1  batch normalisation (" in told["layers"]
    assert "1  pooling layer (" in told["pooling"]
    strided = str(answer("convolution", cnnmagic.plan("input 3x3x1\nconv 1 3x3\nflatten\noutput 3")))
    assert "1 pixel  height that goes out" in strided and "1  place of the window" in strided
    assert "1  row of zeros above" in str(answer("convolution", cnnmagic.plan(LENET.replace("5x5", "3x3"))))


def test_pooling() -> None:
    found = answer("pooling", cnnmagic.plan(LENET))
    assert value(found, "count") == 2
    assert (value(found, "before"), value(found, "after")) == (4704, 1176)
    flat = (28 - 4) // 2
    assert value(found, "twin") == 156 + 2416 + (flat * flat * 16 + 1) * 120 + 121 * 84 + 850
    assert value(answer("pooling", cnnmagic.plan("input 8x8x1\nconv 2 3x3\nflatten\noutput 3")), "count") == 0


def test_cost() -> None:
    found = answer("cost", cnnmagic.plan(LENET))
    assert value(found, "weights") == 48_120 and value(found, "all") == WEIGHTS
    assert value(found, "parameters") == pytest.approx(100 * 48_120 / WEIGHTS)
    assert value(found, "flops") == 480_000 and value(found, "all_flops") == 2 * WORK
    assert numbers(found, "flops")[0].label == "work of the layer that works most, for one image"
    assert value(found, "work") == pytest.approx(100 * 480_000 / (2 * WORK))
    assert value(found, "activations") == 4704 * 128 * 4
    assert value(found, "memory") == memory(WEIGHTS, 128)


def test_layers() -> None:
    found = answer("layers", cnnmagic.plan(DIGITS))
    assert value(found, "scale") == pytest.approx(1 / 0.75)
    assert value(found, "dropped") == 0.25 * 4 * 4 * 16
    assert value(found, "norms") == 1 and value(found, "norm_weights") == 4 * 8 and value(found, "moving") == 2 * 8
    assert value(found, "active") == 3
    blocks = answer("layers", cnnmagic.plan(BLOCKS))
    assert value(blocks, "norm_weights") == 4 * (16 + 16 + 32 + 32)


def test_sizes() -> None:
    found = answer("sizes", cnnmagic.plan(LENET))
    assert value(found, "tied") == 48_120
    flops, held = [n.value for n in numbers(found, "flops")], [n.value for n in numbers(found, "memory")]
    assert flops[0] == 2 * WORK and held[0] == memory(WEIGHTS, 128)
    small = cnnmagic.plan(LENET.replace("data mnist\n", "").replace("28x28x1", "14x14x1").split("train")[0])
    # The pixels of a data set are brought to 0 … 1 in a layer of their own, which holds as many numbers as the input.
    assert small.flops is not None and flops[1] == small.flops
    built = replace(small, training=cnnmagic.plan(LENET).training).memory(128)
    assert built is not None and held[1] == built + 4 * 14 * 14 * 128


def test_features_and_gradcam_of_a_plan() -> None:
    found = answer("features", cnnmagic.plan(LENET))
    assert [n.value for n in numbers(found, "sees")] == [5 * 5, 14 * 14]
    assert value(answer("gradcam", cnnmagic.plan(LENET)), "places") == 10 * 10


AUGMENTED = "data cifar10\naugment flip crop=4\nconv 8 3x3 same\nglobalavgpool\noutput\ntrain epochs=1\n"
SIZED = "data cifar10\nresize 24x24   # smaller\ninput 24x24x3\nconv 8 3x3\nflatten\noutput\n"
CALLED = "data cifar10\naugment(crop=8, flip)\nconv 8 3x3\nflatten\noutput\n"


@pytest.mark.parametrize("cell", [*CELLS.values(), WRITTEN["vgg8"], AUGMENTED, SIZED, CALLED])
def test_cells_for_other_sizes_can_be_planned(cell: str) -> None:
    text = answer("sizes", cnnmagic.plan(cell)).text
    cells = [part for part in text.split("\n\n") if part.startswith("    ")]
    assert len(cells) == sum(told in text for told in ("resizes to half", "The same with zeros", "cell for any size"))
    assert cells or "input ?x?x" in cell or "use lenet5" in cell
    for shown in cells:
        assert cnnmagic.plan("\n".join(line[4:] for line in shown.split("\n"))).steps


def test_a_crop_becomes_a_shift_as_wide() -> None:
    assert "    augment flip shift=0.125\n" in answer("sizes", cnnmagic.plan(WRITTEN["vgg8"])).text
    assert "    augment(shift=0.25, flip)\n" in answer("sizes", cnnmagic.plan(CALLED)).text


def test_a_cell_that_can_not_be_planned_is_not_shown() -> None:
    cell = AUGMENTED.replace("globalavgpool", "PReLU()\nglobalavgpool")  # which has a weight for each number
    plan = cnnmagic.plan(cell)
    assert "cell for any size" in answer("sizes", plan).text
    assert "cell for any size" not in ask("sizes", "net", plan).text
    assert can_be_planned(replace(plan, text="data {{gone}}\n" + cell), {}, {}, "data {{gone}}\nconv 8 3x3")


@pytest.mark.parametrize(
    ("text", "sees", "told"),
    [
        ("input 32x32x1\nconv 2 3x3\nconv 2 29x29 same\nconv 2 10x10 same", [9, 1024], ": 40x40, of which 32x32"),
        ("input 32x20x1\nconv 2 25x17\nconv 2 1x3", [25 * 17, 25 * 19], ": 25x19"),
        (
            "input 32x20x1\nconv 2 25x17\nconv 2 1x4 same\nconv 2 1x3 same",
            [25 * 17, 25 * 20],
            ": 25x22, of which 25x20",
        ),
        ("input ?x?x1\nconv 2 3x3\nconv 2 29x29 same\nconv 2 10x10 same", [9, 1600], ": 40x40"),
        ("input 32x32x1\nconv 2 3x3\nAdaptiveAveragePooling2D(9)\nconv 2 3x3", [9], ": 3x3"),
    ],
)
def test_no_layer_sees_more_than_the_image(text: str, sees: list[int], told: str) -> None:
    found = answer("features", cnnmagic.plan(f"{text}\nglobalavgpool\noutput 3"))
    seen = [number for number in found.numbers if number.label.startswith("input pixels")]
    assert [number.value for number in seen] == sees and told in seen[-1].source


@pytest.mark.parametrize("question", ["overfitting", "learning-rate", "confusion", "softmax", "features", "gradcam"])
def test_what_is_missing_is_said(question: str) -> None:
    text = answer(question, cnnmagic.plan(LENET)).text
    assert "train" in text and ("follow" in text or "waits" in text or "yet" in text)


def test_default_rates_are_those_of_keras() -> None:
    import keras

    from cnnmagic.explain.questions.learning_rate import DEFAULTS

    for name, rate in DEFAULTS.items():
        kind = {cls.lower(): cls for cls in dir(keras.optimizers)}.get(name.lower())
        if kind is not None:
            assert float(getattr(keras.optimizers, kind)().learning_rate) == pytest.approx(rate), name


@pytest.mark.parametrize(
    ("old", "new"),
    [("conv 6 5x5", "conv 7 3x3"), ("dense 120", "dense 90"), ("avgpool 2\nconv 16", "maxpool 4\nconv 16")],
)
def test_another_layer_gives_another_answer(old: str, new: str) -> None:
    one, other = cnnmagic.plan(LENET), cnnmagic.plan(LENET.replace(old, new).replace("16 5x5", "16 3x3"))
    for question in ("mathematics", "why-cnn", "architecture", "sizes", "pooling", "cost", "overfitting"):
        assert answer(question, one).numbers != answer(question, other).numbers


def test_questions_that_do_not_apply_are_left_out() -> None:
    assert applying(cnnmagic.plan(LENET)) == list(QUESTIONS)
    dense = set(applying(cnnmagic.plan(DENSE)))
    assert {"odd-filters", "convolution", "why-cnn", "features", "gradcam"}.isdisjoint(dense)
    assert {"softmax", "cost", "overfitting"} <= dense
    assert "softmax" not in listing(cnnmagic.plan("input 8x8x1\nconv 2 3x3"))
    with pytest.raises(CnnError, match="no answer for this network"):
        answer("odd-filters", cnnmagic.plan(DENSE))


def test_nonsense_lists_the_questions() -> None:
    with pytest.raises(CnnError) as caught:
        answer("pizza with <b>mushrooms</b>", cnnmagic.plan(LENET))
    told = str(caught.value)
    assert "no question fits" in told and all(question in told for question in QUESTIONS)


@pytest.mark.parametrize("cell", ["lenet", "residual", "blocks"])
def test_answers_of_a_plan_are_quick(cell: str) -> None:
    plan = cnnmagic.plan(CELLS[cell])
    answer("databricks", plan)  # looks at the machine once
    for question in applying(plan):
        took = []
        for _ in range(3):
            begun = time.perf_counter()
            answer(question, plan)._repr_html_()
            took.append(time.perf_counter() - begun)
        assert min(took) < 0.3, question


def test_no_number_is_not_a_number() -> None:
    for cell in CELLS.values():
        plan = cnnmagic.plan(cell)
        for question in applying(plan):
            for number in answer(question, plan).numbers:
                assert math.isfinite(number.value) and number.label and number.source and number.shown


def test_labels_and_branches_are_counted_too() -> None:
    found = answer("cost", cnnmagic.plan(RESIDUAL))
    plan = cnnmagic.plan(RESIDUAL)
    assert value(found, "all") == sum(step.parameters for step in plan.steps)
    assert value(answer("why-cnn", plan), "own") == cnnmagic.build(plan).count_params()
