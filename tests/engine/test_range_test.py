"""The range test with real Keras: its losses are those of a plain loop, and nothing of the user's is touched."""

import random
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from cnnmagic.engine import range_test as module
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.range_test import copy_of, range_test
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.plans import Plan
from cnnmagic.rates import RateCurve

keras = load_keras()
DIGITS = load_digits()
TEXT = "data digits\nconv 4 3x3 relu\nflatten\ndropout 0.2\noutput\nseed 3\ntrain batch=64 {}"
WHOLE = 20  # whole batches of 64 in 1,294 images


def planned(words: str = "") -> Plan:
    return make_plan(TEXT.format(words), {})


def curve_of(words: str = "", **options: Any) -> RateCurve:
    plan = planned(words)
    return range_test(copy_of(plan), load_data(plan), 64, 3, **options)


def plain_losses(plan: Plan, batches: int) -> list[float]:
    """The same by Keras alone: an epoch's order after the other, a fit of one batch after the other."""
    model, dataset = build_model(plan), load_data(plan)
    train, weights = dataset.train, dataset.weights
    losses = []
    for number in range(batches):
        epoch, batch = divmod(number, WHOLE)
        order = np.random.default_rng((3, epoch)).permutation(len(train))[batch * 64 : batch * 64 + 64]
        model.optimizer.learning_rate = 1e-7 * (10 / 1e-7) ** (number / (batches - 1))
        images, labels = train.images[order], train.labels[order]
        history = model.fit(images, labels, batch_size=64, shuffle=False, verbose=0, class_weight=weights)
        losses += history.history["loss"]
    return losses


@pytest.mark.parametrize("words", ["sgd momentum=0.9", "adam label_smoothing=0.1"])
def test_losses_are_those_of_a_plain_loop(words: str) -> None:
    curve = curve_of(words, batches=45)
    expected = plain_losses(planned(words), 45)[: len(curve.losses)]
    assert len(curve.losses) > WHOLE
    assert curve.losses == pytest.approx(expected, rel=1e-5)
    assert curve.rates == pytest.approx([1e-7 * 1e8 ** (n / 44) for n in range(len(curve.rates))])
    assert curve.suggested == pytest.approx(curve.rates[int(np.argmin(curve.smoothed))] / 10, rel=0.05)


def test_classes_are_weighed_as_in_a_training() -> None:
    chosen = np.flatnonzero((DIGITS.target < 3) | (np.arange(len(DIGITS.target)) % 9 == 0))
    values = {"x": DIGITS.images[chosen, ..., None] / 16, "y": DIGITS.target[chosen]}
    text = TEXT.format("sgd").replace("data digits", "data {{x}} {{y}} balance=weights")
    plan = make_plan(text, values)
    weights = load_data(plan).weights
    assert weights is not None and max(weights.values()) > 2 * min(weights.values())
    curve = range_test(copy_of(plan), load_data(plan), 64, 3, batches=6)
    assert curve.losses == pytest.approx(plain_losses(plan, 6), rel=1e-5)


def test_the_copy_begins_as_a_training_would_and_leaves_chance_alone() -> None:
    random.seed(1)
    np.random.seed(2)
    states = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # the stub knows a dict too
    copy = copy_of(planned())
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # type: ignore[index]
    for one, other in zip(copy.get_weights(), build_model(planned()).get_weights(), strict=True):
        assert (one == other).all()


def test_it_ends_where_the_loss_blows_up() -> None:
    plan = make_plan(TEXT.format("").replace("output", "dense 64 relu\ndense 64 relu\noutput"), {})
    curve = range_test(copy_of(plan), load_data(plan), 64, 3, batches=120)
    assert len(curve.rates) < 120
    assert curve.smoothed[-1] > 4 * min(curve.smoothed)
    assert max(curve.smoothed[:-1]) <= 4 * min(curve.smoothed)
    assert "blew up" in curve.reason


def test_a_loss_that_is_no_number_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([2.0, 1.5, 1.0, 0.9, 0.8, float("nan")])
    monkeypatch.setattr(module, "_trained", lambda *given: next(losses))
    curve = curve_of()
    assert curve.losses == (2.0, 1.5, 1.0, 0.9, 0.8)
    assert "no number" in curve.reason


def test_it_can_be_ended_and_tells_how_far_it_is() -> None:
    told: list[tuple[int, int, float, float]] = []
    curve = curve_of(tell=lambda *numbers: told.append(numbers), stopped=lambda: len(told) == 7, batches=30)
    assert [numbers[0] for numbers in told] == [1, 2, 3, 4, 5, 6, 7]
    assert {numbers[1] for numbers in told} == {30}
    assert [numbers[3] for numbers in told] == list(curve.losses)
    assert "the test was ended" in curve.reason


@pytest.mark.parametrize(("seconds", "batches"), [(0.001, 200), (0.5, 120), (100.0, 50)])
def test_slow_batches_are_fewer(seconds: float, batches: int) -> None:
    assert module._affordable(seconds) == batches


def test_the_time_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    curve = curve_of()
    assert len(curve.losses) == 1
    assert "the time was up" in curve.reason


def test_an_optimizer_that_keras_builds_too_late_learns() -> None:
    curve = curve_of("schedulefreeadamw", batches=60)
    assert curve.suggested is not None and min(curve.losses) < 0.6 * curve.losses[0]


def test_a_batch_may_be_larger_than_the_data() -> None:
    plan = make_plan(TEXT.format("").replace("batch=64", "batch=4096"), {})
    assert len(range_test(copy_of(plan), load_data(plan), 4096, 3, batches=6).losses) == 6
