"""A training whose numbers overflow: the batch, the layer and the weights it ends with, against a plain Keras loop."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from cnnmagic.engine import loop
from cnnmagic.engine.backend import load_keras
from cnnmagic.errors import RunError
from cnnmagic.events import EpochEnded, Event
from cnnmagic.lifecycle import work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.run import Run
from cnnmagic.state import RunState

NET = "data digits\nconv 4 3x3 relu\nflatten\ndense 32 relu\noutput 10\nseed 3\ntrain epochs=3 batch=64 {words}"
HUGE = (
    "data digits\nflatten\none <- dense 8 kernel_initializer=constant(1e25)\n"
    "two <- dense 8 kernel_initializer=constant(1e25)\noutput 10\nseed 3\ntrain epochs=1 batch=64"
)
SUDDEN = ["sgd lr=1e30", "adam lr=1e38", "sgd lr=1e20 momentum=0.9", "sgd lr=1e15 schedule=onecycle"]

keras = load_keras()


def diverged(text: str, **variables: Any) -> tuple[Run, str]:
    """A run that has failed, and what it said."""
    plan = make_plan(text, variables)
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))
    run.start(work_of(run))
    with pytest.raises(RunError) as caught:
        run.wait(60)
    return run, str(caught.value)


def first_overflow(run: Run) -> tuple[int, list[Any]]:
    """The batch of a plain loop whose loss or weights are not finite, and the last weights whose loss was finite."""
    model, training = build_model(run.plan, "net"), run.plan.training
    assert training is not None
    images, labels = run.dataset.train.images, run.dataset.train.labels
    order = np.random.default_rng((run.seed, 0)).permutation(len(images))
    good = model.get_weights()
    for start in range(0, len(order), training.batch_size):
        before, rows = model.get_weights(), order[start : start + training.batch_size]
        loss = model.train_on_batch(images[rows], labels[rows], class_weight=run.dataset.weights)[0]
        good = before if np.isfinite(loss) else good
        if not all(np.isfinite(array).all() for array in [np.array(loss), *model.get_weights()]):
            return start // training.batch_size + 1, good
    raise AssertionError("nothing overflows")


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the loss looked at as on a GPU, and hardly ever."""
    monkeypatch.setattr(loop, "device_name", lambda: "GPU")
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_REPORTS", 60.0)


@pytest.mark.parametrize("words", SUDDEN[:3])
def test_the_batch_is_named_and_the_last_good_weights_are_kept(words: str) -> None:
    run, text = diverged(NET.format(words=words))
    number, good = first_overflow(run)
    assert f"epoch 1, batch {number} of 21" in text
    assert "not finite" in text
    assert "%cnn train net lr=0.1" in text
    for expected, kept in zip(good, run.model.get_weights(), strict=True):
        np.testing.assert_allclose(kept, expected, rtol=1e-5)
    assert run.state.phase == "failed"


def test_the_search_trains_by_the_weights_of_the_classes(seldom: None) -> None:
    """Of one class there are few images: without the weights it is another training, which overflows elsewhere."""
    digits = load_digits()
    is_three = digits.target == 3
    few = ~is_three | (np.arange(len(is_three)) % 10 == 0)
    images = digits.images[few].astype("float32") * 1_000
    net = "flatten\ndense 32 relu\ndense 32 relu\noutput 2\nseed 3\ntrain epochs=1 batch=64 sgd lr=1e5 momentum=0.9"
    run, text = diverged(f"data {{{{x}}}} {{{{y}}}} balance=weights\n{net}", x=images, y=is_three[few].astype(int))
    number, good = first_overflow(run)
    assert number > 3 and f"epoch 1, batch {number} of 19" in text
    for expected, kept in zip(good, run.model.get_weights(), strict=True):
        np.testing.assert_allclose(kept, expected, rtol=1e-5)


def test_the_batch_is_found_where_the_loss_was_not_looked_at(seldom: None) -> None:
    run, text = diverged(NET.format(words=SUDDEN[0]))
    number, _ = first_overflow(run)
    assert f"epoch 1, batch {number} of 21" in text
    assert all(np.isfinite(array).all() for array in run.model.get_weights())


def test_the_layer_and_its_numbers() -> None:
    run, text = diverged(HUGE)
    images, first = run.dataset.train.images, np.random.default_rng((run.seed, 0)).permutation(1_294)[:64]
    hidden = images[first].reshape(64, -1).astype("float64") / 16 @ np.full((64, 8), 1e25)
    assert "epoch 1, batch 1 of 21" in text
    assert f"`two`: 512 of its 512 outputs are not finite, while what goes into it reaches {hidden.max():.3g}" in text
    assert "its weights reach 1e+25" in text


def test_a_schedule_is_followed_in_the_search() -> None:
    run, text = diverged(NET.format(words="sgd lr=1e30 schedule=onecycle"))
    assert "batch 2 of 21" in text
    assert "The learning rate was " in text
    assert "batch" in run.state.sentence()


def test_the_history_up_to_there_is_kept_and_the_search_goes_on_from_the_last_epoch() -> None:
    plan = make_plan(NET.format(words="sgd lr=0.01"), {})
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))

    def spoil(state: RunState, event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 2:
            run.set_learning_rate(1e30)

    run.listen(spoil)
    run.start(work_of(run))
    with pytest.raises(RunError, match="epoch 3, batch"):
        run.wait(60)
    assert len(run.history["loss"]) == 2
    assert np.isfinite(run.evaluate()["loss"])


def test_what_does_not_happen_again_is_told_so() -> None:
    plan = make_plan(NET.format(words=""), {})
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))
    weight = run.model.layers[-1].kernel

    def spoil(state: RunState, event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 1:
            weight.assign(np.full(weight.shape, np.nan))

    run.listen(spoil)
    run.start(work_of(run))
    with pytest.raises(RunError, match="at some time after epoch"):
        run.wait(60)
    assert np.isfinite(run.evaluate()["loss"])


def test_float16_is_told_of_its_end() -> None:
    _, text = diverged(HUGE + " precision=float16")
    assert "float16 ends at 65,504" in text
