"""Judgements against scikit-learn's and plain arithmetic, calibration against loops; outputs measured anew by NumPy."""

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from cnnmagic import build, plan
from cnnmagic.engine import probe_judging as judging
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.probe_activity import activity
from cnnmagic.engine.probe_cost import layer_costs
from cnnmagic.engine.probe_model import inner_layers
from cnnmagic.errors import DataError, RunError
from tests.engine.probe_nets import NETS, images_for, net

keras = load_keras()


def softmax(logits: Any) -> Any:
    """The shares of e to the power of each number, in Python's own arithmetic."""
    rows = [[math.exp(number - max(row)) for number in row] for row in logits.tolist()]
    return np.array([[one / math.fsum(row) for one in row] for row in rows])


def sigmoid(logits: Any) -> Any:
    return np.array([1 / (1 + math.exp(-number)) for number in logits.ravel().tolist()]).reshape(logits.shape)


def labels_for(model: Any, count: int) -> Any:
    return np.random.default_rng(1).integers(0, max(2, model.output.shape[-1]), count)


@pytest.fixture(scope="module")
def judged() -> judging.Judgement:
    model = net("plain")
    return judging.judge(model, images_for(model, 200), labels_for(model, 200))


@pytest.mark.parametrize("name", NETS)
def test_probabilities_are_what_the_model_answers(name: str) -> None:
    model = net(name)
    images = images_for(model, 10)
    told, direct = judging.answer(model, images), model.predict(images, verbose=0)
    if name == "single":
        direct = np.concatenate([1 - direct, direct], axis=1)
    elif name == "logits":
        direct = softmax(direct)
    assert np.allclose(told.probabilities, direct, atol=1e-5)
    assert (told.predicted == direct.argmax(axis=1)).all()


def test_the_loss_of_keras_has_the_same_probabilities() -> None:
    """Also where a network of several sigmoids answers, each for its own class."""
    model = net("sigmoids")
    images, rows = images_for(model, 10), np.eye(6)[labels_for(model, 10)]
    told = judging.answer(model, images).probabilities
    expected = float(keras.losses.BinaryCrossentropy()(rows, model.predict(images, verbose=0)))
    assert -np.log(np.where(rows, told, 1 - told)).mean() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("temperature", [0.5, 1, 3])
def test_temperature(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 4, (20, 5))
    expected = softmax(logits / temperature)
    assert np.allclose(judging.probabilities(logits, "softmax", temperature), expected)
    single = judging.probabilities(logits[:, :1], "sigmoid", temperature)
    assert np.allclose(single[:, 1], sigmoid(logits[:, 0] / temperature))
    assert np.allclose(judging.probabilities(logits, "sigmoid", temperature), sigmoid(logits / temperature))
    assert np.isfinite(judging.probabilities(logits * 1e4, "sigmoid", temperature)).all()


@pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
def test_no_such_temperature(temperature: float) -> None:
    with pytest.raises(RunError, match="above 0"):
        judging.probabilities(np.zeros((1, 2)), "softmax", temperature)


def test_confusions_and_scores_are_scikit_learn_s(judged: judging.Judgement) -> None:
    actual, predicted = judged.labels, judged.answers.predicted
    assert (judged.confusion == confusion_matrix(actual, predicted, labels=range(5))).all()
    assert judged.accuracy == pytest.approx(accuracy_score(actual, predicted))
    expected = precision_recall_fscore_support(actual, predicted, labels=range(5), zero_division=np.nan)
    scores = judged.scores
    for one, other in zip((scores.precision, scores.recall, scores.f1, scores.counts), expected, strict=True):
        assert np.allclose(one, other, equal_nan=True)


def test_scores_of_classes_that_nobody_saw_are_not_numbers() -> None:
    scores = judging.class_scores(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 0]]))
    assert scores.precision[:2].tolist() == [1, 0]
    assert np.isnan([scores.precision[2], scores.recall[1], scores.recall[2], scores.f1[2]]).all()
    assert scores.f1[1] == 0


def test_the_worst_mistakes_are_the_surest(judged: judging.Judgement) -> None:
    given, actual = judged.answers.probabilities, judged.labels
    wrong = [n for n in range(len(actual)) if given[n].argmax() != actual[n]]
    wrong.sort(key=lambda n: -given[n].max())
    told = judged.worst_mistakes(10)
    assert [mistake.index for mistake in told] == wrong[:10]
    for mistake in told:
        assert (mistake.actual, mistake.predicted) == (actual[mistake.index], given[mistake.index].argmax())
        assert mistake.probability == given[mistake.index].max()
        assert mistake.probability_of_actual == given[mistake.index, mistake.actual]
    assert len(judged.worst_mistakes(10_000)) == len(wrong)


def test_calibration_by_loops(judged: judging.Judgement) -> None:
    given, actual, told = judged.answers.probabilities, judged.labels, judged.calibration
    error = 0.0
    for number in range(15):
        inside = [n for n in range(len(actual)) if number / 15 < given[n].max() <= (number + 1) / 15]
        assert told.counts[number] == len(inside)
        if inside:
            accuracy = np.mean([given[n].argmax() == actual[n] for n in inside])
            confidence = np.mean([given[n].max() for n in inside])
            assert told.accuracy[number] == pytest.approx(accuracy)
            assert told.confidence[number] == pytest.approx(confidence)
            error += len(inside) / len(actual) * abs(accuracy - confidence)
    assert told.error == pytest.approx(error)


def test_calibration_at_the_edges() -> None:
    sure = np.array([[1.0, 0.0], [0.5, 0.5], [0.75, 0.25]])
    told = judging.calibrate(np.array([0, 1, 0]), sure, bins=4)
    assert told.counts.tolist() == [0, 1, 1, 1]
    assert told.error == pytest.approx((0.5 + 0.25 + 0) / 3)
    assert np.isnan(told.accuracy[0])


def test_two_classes_of_one_number() -> None:
    model = net("single")
    images, labels = images_for(model, 60), labels_for(model, 60)
    judged = judging.judge(model, images, labels)
    answers = model.predict(images, verbose=0)[:, 0] > 0.5
    assert (judged.confusion == confusion_matrix(labels, answers)).all()


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnmagic.engine.probe_model.MOST_AT_ONCE", 4)
    model, told = net("plain"), []
    images = images_for(model, 10)
    parts = judging.answer(model, images, lambda done, of: told.append((done, of)))
    assert told == [(4, 10), (8, 10), (10, 10)]
    assert np.allclose(parts.probabilities, model.predict(images, verbose=0), atol=1e-5)


def test_what_can_t_be_judged() -> None:
    model = net("plain")
    for labels in ([0], [0, 1, 5], [0, -1, 2], []):
        with pytest.raises(DataError, match="don't fit"):
            judging.judge(model, images_for(model), labels)
    with pytest.raises(RunError, match="does not answer with classes"):
        judging.answer(build("input 8x8x1\nconv 2 3x3"), np.zeros((1, 8, 8, 1)))


@pytest.mark.parametrize("name", ["plain", "norms", "branches", "grown"])
def test_activity_of_every_layer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnmagic.engine.probe_model.MOST_AT_ONCE", 3)
    model = net(name)
    images, layers = images_for(model, 8), inner_layers(model)
    told = activity(model, images)
    direct = keras.Model(model.input, [layer.output for layer in layers]).predict(images, verbose=0)
    for one, layer, values in zip(told, layers, direct, strict=True):
        flat = values.reshape(-1, values.shape[-1]).astype("float64")
        assert (one.layer, one.images) == (layer.name, 8)
        assert (one.mean, one.deviation) == pytest.approx((flat.mean(), flat.std()), abs=1e-5)
        assert (one.smallest, one.largest) == pytest.approx((flat.min(), flat.max()), abs=1e-5)
        assert one.zeros == pytest.approx((flat == 0).mean(), abs=1e-3)
        assert np.allclose(one.channel_means, flat.mean(axis=0), atol=1e-5)
        assert np.allclose(one.channel_largest, flat.max(axis=0), atol=1e-5)
        dead = [k for k in range(flat.shape[1]) if one.has_relu and not flat[:, k].any()]
        assert list(one.dead) == dead
        assert one.has_relu == ("relu" in layer.name or "relu" in str(getattr(layer, "activation", "")))


def test_dead_channels_are_found() -> None:
    model = build("input 6x6x1\nconv 3 3x3 relu\nconv 2 3x3 tanh\nflatten\noutput 3\nseed 1")
    bias = np.array([0, -1e3, 0], "float32")
    model.layers[1].bias.assign(bias)
    told = {one.layer: one for one in activity(model, np.abs(images_for(model, 5)))}
    assert 1 in told["line2_conv"].dead
    assert told["line2_conv"].channel_zeros[1] == 1
    assert told["line3_conv"].dead == ()


@pytest.mark.parametrize("name", ["plain", "residual", "free"])
def test_costs_stand_beside_the_plan(name: str) -> None:
    model, planned = net(name), plan(NETS[name])
    images = images_for(model, 4)
    told = layer_costs(model, images, planned, repeats=2)
    assert [cost.layer for cost in told] == [step.name for step in planned.steps]
    assert [cost.parameters for cost in told] == [step.parameters for step in planned.steps]
    assert all(cost.seconds > 0 and cost.call_seconds > 0 and cost.images == 4 for cost in told)
    sized = plan(NETS[name].replace("?x?", "10x10"))
    assert [cost.flops for cost in told] == [step.flops for step in sized.steps]
    assert [cost.numbers for cost in told] == [step.elements for step in sized.steps]
    assert all(cost.flops is None for cost in layer_costs(model, images, repeats=1))


def test_a_large_layer_takes_longer() -> None:
    model = build("input 64x64x3\nconv 64 5x5 same\nconv 1 1x1\nact relu")
    seen: list[tuple[int, int]] = []
    large, _, small = layer_costs(model, images_for(model, 8), progress=lambda *done: seen.append(done))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert large.seconds > 3 * small.seconds


def test_no_times_are_taken_in_training() -> None:
    from cnnmagic.engine.guard import guard

    model = build("input 4x4x1\nflatten\noutput 3")
    release = guard(model, "net", lambda: None)
    with pytest.raises(RunError, match="times taken meanwhile"):
        layer_costs(model, images_for(model))
    release()
    assert layer_costs(model, images_for(model))
