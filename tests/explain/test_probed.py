"""Numbers of trained networks, worked out again from Keras's own answers, and from the history."""

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnmagic
from cnnmagic import network_probe
from cnnmagic.errors import CnnError
from cnnmagic.explain.language import set_language
from cnnmagic.explain.questions.overfitting import judged
from cnnmagic.network_probe import NetworkProbe
from cnnmagic.run import Run
from cnnmagic.state import RunState
from tests.explain.reading import numbers, value

TEXT = """
data digits
conv 8 3x3 same bn relu
maxpool 2
conv 16 3x3 same relu
flatten
dense 16 relu
output 10
train epochs=2 batch=64 lr=0.01 precision=float32
seed 1
"""


@pytest.fixture(scope="module")
def run() -> Run:
    """A small network on the digits, trained for two epochs."""
    return cnnmagic.train(TEXT, name="asked")


@functools.cache
def passed(run: Run, layer: str) -> np.ndarray:
    """What Keras itself gives for all validation images up to a layer."""
    import keras

    inner = keras.Model(run.model.inputs, run.model.get_layer(layer).output)
    return np.asarray(inner.predict(run.dataset.validation.images, verbose=0))


def logits(run: Run) -> np.ndarray:
    weights, biases = run.model.get_layer("output").get_weights()
    return passed(run, "line7_dense") @ weights + biases


def test_softmax(run: Run) -> None:
    found, z = run.ask("why softmax"), logits(run)[0].astype(float)
    top = int(z.argmax())
    assert found.id == "softmax" and f"answers {run.dataset.classes[top]}" in found.text
    assert value(found, "logit") == pytest.approx(z[top], abs=1e-4)
    shares = [np.exp(z / t)[top] / np.exp(z / t).sum() for t in (0.5, 1, 2)]
    assert [n.value for n in numbers(found, "share")] == pytest.approx([100 * share for share in shares], abs=1e-3)
    assert value(found, "sum") == pytest.approx(1)
    assert value(found, "sigmoids") == pytest.approx((1 / (1 + np.exp(-z))).sum(), abs=1e-4)
    assert "validation split" in numbers(found, "logit")[0].source


def test_temperature(run: Run) -> None:
    found, z = run.ask("softmax", temperature=3), logits(run)[0].astype(float)
    top = int(z.argmax())
    shares = [np.exp(z / t)[top] / np.exp(z / t).sum() for t in (0.5, 1, 2, 3)]
    assert [n.value for n in numbers(found, "share")] == pytest.approx([100 * share for share in shares], abs=1e-3)
    at_three = np.sort(np.exp(z / 3) / np.exp(z / 3).sum())[::-1]
    assert all(f"{share:.1%}" in str(found.figure) for share in at_three)
    assert [control.value for control in found.controls] == [0, 3.0]


@pytest.mark.parametrize(
    ("question", "choices", "told"),
    [
        ("softmax", {"temperature": 0}, "from 0.1 to 10"),
        ("softmax", {"temperature": "hot"}, "from 0.1 to 10"),
        ("softmax", {"temprature": 2}, "did you mean `temperature`"),
        ("softmax", {"image": 10_000}, "has 0 to"),
        ("softmax", {"image": "nosuch.png"}, "`nosuch.png` is not there"),
        ("gradcam", {"layer": "line5_con"}, "did you mean `line5_conv`"),
        ("gradcam", {"target": "zebra"}, "There are `likeliest`"),
        ("convolution", {"filter": 8}, "from 0 to 7"),
        ("convolution", {"step": 64}, "from 0 to 63"),
        ("next", {"layer": "x"}, "nothing to set"),
    ],
)
def test_what_can_not_be_set_is_told(question: str, choices: dict[str, object], told: str, run: Run) -> None:
    with pytest.raises(CnnError) as caught:
        run.ask(question, **choices)
    assert told in str(caught.value)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
def test_logits_far_from_0(run: Run, scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.array([-2.0, -0.5, 0.0, 0.7, 2.5] * 2) * scale
    monkeypatch.setattr(NetworkProbe, "logits", lambda probe: z.tolist())
    found = run.ask("softmax")
    with np.errstate(over="ignore"):
        assert value(found, "sigmoids") == pytest.approx((1 / (1 + np.exp(-z))).sum(), rel=1e-9)
    assert value(found, "sum") == pytest.approx(1)


def test_another_image_is_another_answer(run: Run) -> None:
    one, other = run.ask("softmax"), run.ask("softmax", image=3)
    z = logits(run)[3]
    assert one.numbers != other.numbers and value(other, "logit") == pytest.approx(z.max(), abs=1e-4)


def test_convolution_is_worked_out_as_keras_does(run: Run) -> None:
    found = run.ask("convolution")
    expected = passed(run, "line3_conv")[0, 4, 4, 0]
    assert value(found, "pixel") == pytest.approx(expected, abs=1e-4)
    assert value(found, "sum") + value(found, "bias") == pytest.approx(value(found, "pixel"))
    window = run.dataset.validation.images[0].astype(float)[3:6, 3:6, 0] / 16
    kernel = run.model.get_layer("line3_conv").get_weights()[0][:, :, 0, 0]
    assert value(found, "sum") == pytest.approx((window * kernel).sum(), abs=1e-4)
    assert f"{window[0, 0]:7.3f}" in found.text


@pytest.mark.parametrize(
    ("layer", "filter", "step"), [("line3_conv", 5, 0), ("line5_conv", 15, 15), ("line5_conv", 2, 5)]
)
def test_any_step_of_a_convolution(layer: str, filter: int, step: int, run: Run) -> None:
    found = run.ask("convolution", layer=layer, filter=filter, step=step, image=2)
    expected = passed(run, layer)[2]
    assert value(found, "activated") == pytest.approx(expected[..., filter].reshape(-1)[step], abs=1e-4)
    before = {"line3_conv": None, "line5_conv": "line4_maxpool"}[layer]
    given = passed(run, before)[2] if before else run.dataset.validation.images[2].astype(float) / 16
    weights, *biases = run.model.get_layer(layer).get_weights()
    padded = np.pad(given, ((1, 1), (1, 1), (0, 0)))
    row, column = divmod(step, expected.shape[1])
    total = (padded[row : row + 3, column : column + 3] * weights[..., filter]).sum()
    assert value(found, "sum") == pytest.approx(total, abs=1e-4)
    assert value(found, "bias") == (biases[0][filter] if biases else 0)
    assert "<svg" in str(found.figure)


def test_even_windows_move_an_image(run: Run) -> None:
    """A dot that goes through even windows lands half a pixel up and left each time, through odd ones where it was."""
    from cnnmagic.engine.probe_steps import blurred

    found = run.ask("odd-filters")
    assert value(found, "moved") == 2 * 0.5 and str(found.figure).count("<img") == 3
    dot = np.zeros((15, 15))
    dot[7, 7] = 1
    places = np.arange(15)
    for kernel, moved in ((2, 0.5), (3, 0.0)):
        went = blurred(dot, kernel, 4)
        assert went.sum() == pytest.approx(1)
        assert (went.sum(axis=1) * places).sum() == pytest.approx(7 - 4 * moved)
        assert (went.sum(axis=0) * places).sum() == pytest.approx(7 - 4 * moved)


def test_an_own_image(run: Run, tmp_path: Path) -> None:
    pixels = run.dataset.validation.images[4].astype(float)
    by_number, by_array = run.ask("softmax", image=4), run.ask("softmax", image=pixels)
    assert value(by_array, "logit") == pytest.approx(value(by_number, "logit"), abs=1e-4)
    assert "your own image" in by_array.text and "your own image" in numbers(by_array, "logit")[0].source
    Image.fromarray(np.round(pixels[..., 0] * 255 / 16).astype(np.uint8)).save(tmp_path / "<b>four.png")
    by_file = run.ask("softmax", image=tmp_path / "<b>four.png")
    assert value(by_file, "logit") == pytest.approx(value(by_number, "logit"), abs=0.02)
    by_bytes = run.ask("softmax", image=(tmp_path / "<b>four.png").read_bytes())
    assert [n.value for n in by_bytes.numbers] == [n.value for n in by_file.numbers]
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(CnnError, match="is text and no image"):
        run.ask("gradcam", image=tmp_path / "text.png")


def test_confusion(run: Run) -> None:
    found = run.ask("which classes are confused")
    split = run.dataset.validation
    answered, actual = logits(run).argmax(axis=1), split.labels.ravel()
    assert value(found, "right") == pytest.approx(100 * (answered == actual).mean())
    assert value(found, "wrong") == (answered != actual).sum()
    wrong = [pair for pair in zip(actual.tolist(), answered.tolist(), strict=True) if pair[0] != pair[1]]
    most = sorted((wrong.count(pair) for pair in set(wrong)), reverse=True)[:3]
    assert [n.value for n in numbers(found, "pair")] == most
    z = logits(run).astype(float)
    shares = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).max(axis=1)[answered != actual]
    assert numbers(found, "image")[0].value == pytest.approx(100 * shares.max(), abs=1e-3)
    assert "uneven" not in found.text and "are few" not in found.text and "no image among" not in found.text
    assert "<svg" in str(found.figure) and "data:image/png" in str(found.figure)
    recalls = [(answered[actual == number] == number).mean() for number in range(10)]
    assert value(found, "recall") == pytest.approx(100 * min(recalls))
    sure, right = (np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)).max(axis=1), answered == actual
    bins = np.ceil(sure * 15)
    gaps = [abs(right[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    assert value(found, "calibration") == pytest.approx(100 * sum(gaps), abs=1e-3)


def test_answers_look_at_a_sample_of_all_classes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that lie class by class, and answers that may look at a third of them alone."""
    z, maps, split = logits(run), passed(run, "line5_conv"), run.dataset.validation
    count = len(split)
    order = np.argsort(split.labels.ravel(), kind="stable")
    monkeypatch.setattr(run, "dataset", replace(run.dataset, validation=split.take(order)))
    monkeypatch.setattr(network_probe, "MOST_JUDGED", count // 3)
    monkeypatch.setattr(network_probe, "MOST_SAMPLED", count // 3)
    rows = order[np.sort(np.random.default_rng(0).permutation(count)[: count // 3])]
    answered, actual = z.argmax(axis=1)[rows], split.labels.ravel()[rows]
    assert len(set(actual.tolist())) == 10
    probe = NetworkProbe("asked", run.plan, run)
    found = probe.confusion()
    assert found is not None and (found.images, found.whole) == (count // 3, count)
    assert np.array_equal(
        found.matrix, [[((actual == a) & (answered == b)).sum() for b in range(10)] for a in range(10)]
    )
    worst = probe.worst()
    assert 0 < len(worst) <= (actual != answered).sum()
    for picked, taken, _ in worst:
        place = order[picked.index]
        assert np.allclose(picked.pixels, split.images[place] / 16)
        assert (picked.label, taken) == (str(split.labels.ravel()[place]), str(z[place].argmax()))
    told = {one.layer: one for one in probe.activity()}
    assert told["line5_conv"].images == count // 3
    assert told["line5_conv"].zeros == pytest.approx((maps[rows] == 0).mean())


def rare(count: int, epochs: int) -> Run:
    """A training on images of two classes, of which only three are of the second."""
    pixels = np.random.default_rng(0).random((count + 3, 8, 8, 1)).astype("float32")
    labels = np.array(["many"] * count + ["few"] * 3)
    train = f"train epochs={epochs} batch=4 lr=0.02 tune=no"
    cell = f"data {{{{x}}}} {{{{y}}}}\nconv 4 3x3 relu\nglobalavgpool\noutput\n{train}\nseed 1"
    return cnnmagic.train(cell, name="rare", x=pixels, y=labels)


def test_few_images_and_classes_without_any_are_told() -> None:
    found = rare(60, 2)
    told = found.ask("confusion").text
    assert "Not one of the 5 images counted, of 5 in the validation split, is told wrong." in told
    # The shares p that lie within 1.96 of their own deviations of 5 right in 5, tried one by one.
    shares = np.linspace(0.0001, 0.9999, 9999)
    within = shares[1 - shares <= 1.96 * np.sqrt(shares * (1 - shares) / 5)]
    assert "one of them is 20 points of the accuracy, and of all images of the kind anything from " in told
    assert f"from {100 * within.min():.0f} % to {100 * within.max():.0f} % may be told right" in told
    assert "no image among them of these classes: few." in told
    assert "5 images of many and 0 of few: one who answers many to everything is right in 100 %" in told
    overfitting = found.ask("overfitting").text
    assert "Too few validation images to tell: after 2 epochs" in overfitting and "No sign" not in overfitting
    assert f"anything from {100 * within.min():.0f} % to 100 %" in overfitting
    assert "rests on 5 images, each of which is 20 points" in overfitting and "these classes: few." in overfitting
    set_language("ko")
    assert "다음 클래스의 이미지는 그 가운데 한 장도 없습니다: few." in found.ask("confusion").text


@pytest.mark.parametrize(
    ("accuracy", "right", "images", "verdict"),
    [
        (0.912, 0.8, 5, "unsure"),  # 11.2 points, where one image is 20
        (1.0, 0.2, 5, "gap"),
        (0.9, 0.88, 49, "unsure"),
        (0.9, 0.88, 50, "no"),
        (0.95, 0.5, 40, "gap"),
        (0.95, 0.8, 1000, "gap"),
    ],
)
def test_a_gap_of_few_images_is_no_verdict(accuracy: float, right: float, images: int, verdict: str) -> None:
    history = ({"loss": 0.5, "val_loss": 0.6, "accuracy": accuracy, "val_accuracy": right},)
    assert judged(RunState("net", history=history), images)[0] == verdict


def test_features(run: Run) -> None:
    found, maps = run.ask("features"), passed(run, "line5_conv")[0]
    assert value(found, "strongest") == pytest.approx(maps.max(), abs=1e-4)
    assert value(found, "silent") == (maps.max(axis=(0, 1)) <= 0).sum()
    assert str(found.figure).count("<img") == 1 + 16 + 16  # the image, the first 16 filters, their maps
    first = run.ask("features", layer="line3_conv", image=1)
    assert value(first, "strongest") == pytest.approx(passed(run, "line3_conv")[1].max(), abs=1e-4)
    assert str(first.figure).count("<img") == 1 + 8 + 8
    pooled = run.ask("features", layer="line4_maxpool")
    assert str(pooled.figure).count("<img") == 1 + 8


def test_gradcam(run: Run) -> None:
    """Grad-CAM of the last convolution, by hand from the dense layers' weights: no gradient tape is used."""
    heats = [_heat(run, maps, z) for maps, z in zip(passed(run, "line5_conv"), logits(run), strict=True)]
    image = next(number for number, heat in enumerate(heats) if heat.max() > 0)
    found, heat = run.ask("gradcam", image=image), heats[image]
    assert [value(found, "row"), value(found, "column")] == [*np.unravel_index(heat.argmax(), heat.shape)]
    assert value(found, "hot") == pytest.approx(100 * (heat >= heat.max() / 2).mean())


def _heat(run: Run, maps: np.ndarray, z: np.ndarray) -> np.ndarray:
    hidden, biases = run.model.get_layer("line7_dense").get_weights()
    last, _ = run.model.get_layer("output").get_weights()
    alive = (maps.reshape(-1) @ hidden + biases) > 0
    slope = (hidden @ (alive * last[:, int(z.argmax())])).reshape(maps.shape)
    return np.asarray(np.maximum((maps.astype(float) * slope.mean(axis=(0, 1))).sum(axis=-1), 0))


def test_overfitting(run: Run) -> None:
    found, history = run.ask("overfitting"), run.history
    assert value(found, "loss") == history["loss"][-1] and value(found, "val_loss") == history["val_loss"][-1]
    assert value(found, "lowest") == min(history["val_loss"])
    assert value(found, "accuracy") == 100 * history["accuracy"][-1]
    gap = 100 * (history["accuracy"][-1] - history["val_accuracy"][-1])
    assert value(found, "gap") == pytest.approx(gap)
    assert value(found, "per") == run.model.count_params() / len(run.dataset.train)
    assert "<svg" in str(found.figure)


def test_learning_rate(run: Run) -> None:
    found, history = run.ask("is my learning rate right"), run.history
    assert value(found, "rate") == pytest.approx(0.01, rel=1e-6)  # a float32 of the optimizer
    assert [value(found, "first"), value(found, "last")] == [history["loss"][0], history["loss"][-1]]
    shares = np.bincount(run.dataset.train.labels.ravel()) / len(run.dataset.train)
    assert value(found, "chance") == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-3)
    assert "Too early to tell" in found.text  # 42 batches


def test_layers(run: Run) -> None:
    found = run.ask("layers")
    images = run.dataset.validation.images
    channels = [passed(run, name) for name in ("line3_relu", "line5_conv", "line7_dense")]
    dead = sum(int((maps.reshape(-1, maps.shape[-1]).max(axis=0) == 0).sum()) for maps in channels)
    assert value(found, "dead") == dead
    assert f"{len(images)} images" in numbers(found, "dead")[0].source
    zeros = [100 * (maps == 0).mean() for maps in channels]
    assert [n.value for n in numbers(found, "zeros")] == pytest.approx(zeros, abs=1e-6)
    assert value(found, "before") == pytest.approx(passed(run, "line3_conv").std(), rel=1e-4)
    assert value(found, "after") == pytest.approx(passed(run, "line3_bn").std(), rel=1e-4)


def test_the_slowest_layer_is_one_of_the_network(run: Run) -> None:
    (slowest,) = numbers(run.ask("cost"), "seconds")
    assert slowest.value > 0 and slowest.source.split()[0] in {layer.name for layer in run.model.layers}


def test_architecture_tells_the_best_and_pooling_the_gap(run: Run) -> None:
    history = run.history
    assert value(run.ask("architecture"), "best") == 100 * max(history["val_accuracy"])
    gap = 100 * (history["accuracy"][-1] - history["val_accuracy"][-1])
    assert value(run.ask("pooling"), "gap") == pytest.approx(gap)


def test_sizes_are_counted(run: Run) -> None:
    found = run.ask("sizes")
    assert value(found, "images") == sum(len(getattr(run.dataset, s)) for s in ("train", "validation", "test")) == 1797
    assert value(found, "kinds") == 1 and "1  different size among them (" in str(found) and "8x8" in str(found.figure)


def test_in_korean_with_the_same_numbers(run: Run) -> None:
    english = run.ask("softmax")
    set_language("ko")
    korean = run.ask("왜 소프트맥스를 쓰나요?")
    assert [n.value for n in korean.numbers] == [n.value for n in english.numbers]
    assert "검증 데이터의 0번 이미지" in korean.text


def test_a_loaded_run_answers_too(run: Run) -> None:
    again = cnnmagic.load("asked")
    assert [n.value for n in again.ask("softmax").numbers] == pytest.approx(
        [n.value for n in run.ask("softmax").numbers], abs=1e-4
    )


def test_nonsense_raises(run: Run) -> None:
    with pytest.raises(CnnError, match="no question fits"):
        run.ask("two large pizzas with mushrooms please")


def test_a_layer_that_says_nothing_for_a_class(run: Run) -> None:
    import keras

    silent = cnnmagic.train(TEXT.replace("epochs=2", "epochs=1"), name="silent")
    layer = next(one for one in silent.model.layers if isinstance(one, keras.layers.Dense) and one.name != "output")
    layer.set_weights([np.zeros_like(weights) for weights in layer.get_weights()])
    answer = silent.ask("gradcam")
    assert "nothing in this layer speaks for the class that the network finds likeliest" in answer.text
    assert [number.label for number in answer.numbers] == ["places that can be told apart"]
    assert "nothing in this layer" not in run.ask("gradcam").text


def test_maps_of_a_free_size_are_told_as_they_are(tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((40, 23, 14, 3)).astype("float32")
    cell = "data {{x}} {{y}}\ninput ?x?x3\nconv 4 3x3 same relu\nglobalavgpool\noutput\ntrain epochs=1"
    from cnnmagic.session import Session

    session = Session()
    session.shell = type(
        "Shell", (), {"user_ns": {"x": images, "y": np.arange(40) % 2}, "push": lambda *a, **b: None}
    )()
    session.run_cell("free", cell, wait=True)
    answer = session.find_run("free").ask("gradcam")
    assert "so many places: 23x14" in answer.text
    assert value(answer, "places") == 23 * 14


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        ("1000", "No, it is too high: after 1 epoch the training loss is"),
        ("1e30", "No, it is too high for these numbers: the loss"),
    ],
)
def test_a_rate_that_is_far_too_high(rate: str, told: str) -> None:
    cell = f"data digits\nconv 4 3x3 relu\noutput\ntrain epochs=1 sgd lr={rate} tune=no precision=float32\nseed 1"
    found = cnnmagic.train(cell, name="wild", wait=False)
    found.wait_quietly(120)
    assert told in found.ask("learning rate").text
