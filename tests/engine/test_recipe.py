"""Options of `train` in real Keras: optimizers take what they are said to, losses and means are what they are named."""

import inspect
import queue
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import cnnmagic
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.fit import fit
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.recipe import make_loss, make_optimizer
from cnnmagic.engine.snapshot import Snapshot
from cnnmagic.errors import CnnError
from cnnmagic.events import BatchEnded, Event
from cnnmagic.optimizers import ALL, CLIPPINGS, OPTIMIZERS, OWN_OPTIONS, Optimizer
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.plans import Output, Training
from cnnmagic.run import Run

keras = load_keras()
NOT_ALONE = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"}
TEXT = "data digits\nconv 4 3x3 bn relu\nflatten\noutput\nseed 3\ntrain epochs=2 batch=128 {}"
BATCHES = 11


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.keras_name)
def test_optimizers_take_what_keras_s_take(kind: Optimizer) -> None:
    known = inspect.signature(getattr(keras.optimizers, kind.keras_name).__init__).parameters
    assert set(OWN_OPTIONS) & set(known) == set(kind.takes)
    assert {"learning_rate", "weight_decay", "use_ema", "ema_momentum", *CLIPPINGS} <= set(known)


def test_every_optimizer_of_keras_has_its_word() -> None:
    known = {name for name, value in vars(keras.optimizers).items() if inspect.isclass(value)}
    assert known - NOT_ALONE == {kind.keras_name for kind in ALL if hasattr(keras.optimizers, kind.keras_name)}


@pytest.mark.parametrize(
    "name", [name for name in OPTIMIZERS if name != "adafactor"]
)  # whose numbers have other shapes
def test_slots_are_counted(name: str) -> None:
    optimizer = make_optimizer(Training(optimizer=name, ema=0.9))
    variable = keras.Variable(np.zeros((3, 3, 2, 4), "float32"))
    optimizer.build([variable])
    own = [slot for slot in optimizer.variables if tuple(slot.shape) == (3, 3, 2, 4)]
    assert len(own) == Training(optimizer=name, ema=0.9).slots


@pytest.mark.parametrize(("since", "told"), [("3.99", "keras>=3.99"), ("", "another optimizer")])
def test_an_optimizer_that_this_keras_lacks(since: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OPTIMIZERS, "lamb", Optimizer("Sheep", since=since))
    with pytest.raises(CnnError, match="has no optimizer Sheep") as caught:
        make_optimizer(Training(optimizer="lamb"))
    assert told in str(caught.value)


@pytest.mark.parametrize(("smoothing", "activation"), product((0.0, 0.1, 0.9), ("softmax", "linear")))
def test_smoothed_loss_is_its_formula(smoothing: float, activation: str) -> None:
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(20, 5)), np.arange(20) % 5
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = (1 - smoothing) * np.eye(5)[labels] + smoothing / 5
    given = (chances if activation == "softmax" else logits).astype("float32")
    loss = make_loss(Training(label_smoothing=smoothing), Output(5, activation, "sparse_categorical_crossentropy"))
    found = keras.ops.convert_to_numpy(keras.losses.get(loss)(labels[:, np.newaxis], given))
    assert found.mean() == pytest.approx(-(truth * np.log(chances)).sum(axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_several_sigmoids_are_judged_each_against_the_rest(smoothing: float) -> None:
    random = np.random.default_rng(0)
    logits, labels = random.normal(size=(20, 5)), np.arange(20) % 5
    chances = 1 / (1 + np.exp(-logits))
    truth = (1 - smoothing) * np.eye(5)[labels] + smoothing / 5
    loss = make_loss(Training(label_smoothing=smoothing), Output(5, "sigmoid", "binary_crossentropy"))
    expected = -(truth * np.log(chances) + (1 - truth) * np.log(1 - chances)).mean(axis=1)
    for given in (chances.astype("float32"), keras.activations.sigmoid(logits.astype("float32"))):
        for told in (labels, labels[:, np.newaxis], np.eye(5)[labels].astype("float32")):
            found = keras.ops.convert_to_numpy(loss(told, given))
            np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("words", ["", "label_smoothing=0.1", "mixup"])
def test_a_training_of_several_sigmoids_is_another_than_that_of_softmax(words: str) -> None:
    augment, words = (f"augment {words}\n", "") if words == "mixup" else ("", words)
    text = f"data digits balance=weights\n{augment}flatten\n{{}}\nseed 1\ntrain 6 batch=32 lr=0.02 {words}"
    runs = [cnnmagic.train(text.format(last)) for last in ("output", "output sigmoid")]
    one, other = (run.history for run in runs)
    assert other["val_accuracy"][-1] > 0.8 and other["loss"][-1] != pytest.approx(one["loss"][-1], rel=0.05)
    test = runs[1].dataset.test
    found = runs[1].model.evaluate(test.images, test.labels, verbose=0, return_dict=True)
    right = runs[1].model.predict(test.images, verbose=0).argmax(axis=1) == test.labels
    assert found["accuracy"] == pytest.approx(right.mean(), abs=1e-6)


def test_a_model_of_several_sigmoids_is_saved_for_plain_keras(tmp_path: Path) -> None:
    run = cnnmagic.train("data digits\nflatten\noutput sigmoid\nseed 1\ntrain 1")
    run.model.save(tmp_path / "net.keras")
    loaded, test = keras.models.load_model(tmp_path / "net.keras"), run.dataset.test
    found = loaded.evaluate(test.images, np.eye(10)[test.labels], verbose=0)
    assert found == pytest.approx(run.model.evaluate(test.images, test.labels, verbose=0), rel=1e-5)


@pytest.mark.parametrize("last", ["output 1", "output 1 linear", "output 1 tanh"])
def test_the_accuracy_of_one_answer_is_that_of_its_sign_or_half(last: str, tmp_path: Path) -> None:
    digits = load_digits()
    chosen = digits.target < 2
    x, y = digits.images[chosen, ..., None] / 16 - 0.3, digits.target[chosen]
    run = cnnmagic.train(f"data {{{{x}}}} {{{{y}}}}\nflatten\n{last}\nseed 2\ntrain 1 batch=16 lr=3e-4", x=x, y=y)
    images, labels = run.dataset.train.images, run.dataset.train.labels
    answers = run.model.predict(images, verbose=0)[:, 0]
    expected = ((answers > (0.5 if last == "output 1" else 0)) == labels).mean()
    assert last == "output 1" or ((answers > 0) & (answers < 0.5)).any()
    assert run.model.evaluate(images, labels, verbose=0)[1] == pytest.approx(expected)
    run.model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert loaded.evaluate(images, labels, verbose=0)[1] == pytest.approx(expected)


def test_a_model_with_smoothed_labels_is_saved_for_plain_keras(tmp_path: Path) -> None:
    for last in ("output", "output linear"):
        text = f"data digits\nflatten\n{last}\ntrain label_smoothing=0.1"
        model = build_model(make_plan(text, {}))
        model.save(tmp_path / "net.keras")
        loaded = keras.models.load_model(tmp_path / "net.keras")
        images = np.zeros((2, 8, 8, 1), "float32")
        assert (loaded.predict(images, verbose=0) == model.predict(images, verbose=0)).all()
        assert loaded.evaluate(images, np.array([0, 1]), verbose=0)


class Keeping(Keeper):
    """Keeps every snapshot, one after each batch."""

    def __init__(self, run: Run):
        super().__init__(run.model, None, 0.0, lambda: run.state, lambda text: None)
        self.kept: list[Snapshot] = []

    def keep(self, *given: Any) -> Any:
        kept = super().keep(*given)
        assert self.last is not None
        self.kept.append(self.last)
        return kept


def prepared(words: str) -> Run:
    plan = make_plan(TEXT.format(words), {})
    return Run("net", plan, build_model(plan), load_data(plan))


def fitted(run: Run, start: Snapshot | None = None) -> tuple[list[Snapshot], list[Event]]:
    keeper, told = Keeping(run), list[Event]()
    assert run.plan.training is not None
    fit(run.model, run.dataset, run.plan.training, keeper, told.append, queue.SimpleQueue(), start, 3)
    return keeper.kept, told


@pytest.mark.parametrize("words", ["ema=0.9", "ema=0.9 early_stop=1 lr=0.3", "ema=0.5 validation=0"])
def test_the_mean_of_the_weights_is_what_stays_however_often_it_was_resumed(words: str) -> None:
    run = prepared(words)
    kept, _ = fitted(run)
    assert len(kept) > BATCHES
    expected = run.model.get_weights()
    raw = [np.array(value) for value in kept[-1].variables.model][: len(expected)]
    assert not all((one == other).all() for one, other in zip(expected, raw, strict=True))
    for snapshot in (kept[3], kept[-2], kept[-1]):
        again = prepared(words)
        fitted(again, snapshot)
        for one, other in zip(expected, again.model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_validation_and_early_stop_go_by_the_mean() -> None:
    run = prepared("ema=0.9 early_stop=5 lr=0.1")
    fitted(run)
    history = run.model.history.history["val_loss"]
    images = run.dataset.validation
    assert run.model.evaluate(images.images, images.labels, batch_size=128, verbose=0)[0] == pytest.approx(
        min(history), rel=1e-5
    )


def test_a_warm_up_is_followed_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnmagic.engine.loop.SECONDS_BETWEEN_REPORTS", 0.0)
    _, told = fitted(prepared("schedule=cosine warmup=0.5 lr=0.01"))
    rates = [event.learning_rate for event in told if isinstance(event, BatchEnded)]
    rise = 0.5 * BATCHES
    warm = [0.01 * (1 / 25 + 24 / 25 * step / rise) for step in range(6)]
    assert rates[:6] == pytest.approx(warm, rel=1e-5)
    assert max(rates) == rates[6] == pytest.approx(0.01, rel=2e-2)
    assert rates[-1] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_a_schedule_s_end_leaves_numbers_to_an_optimizer_that_divides_by_its_rate(schedule: str) -> None:
    text = f"data digits\nflatten\noutput\nseed 1\ntrain epochs=1 batch=128 ftrl schedule={schedule}"
    run = cnnmagic.train(text, name="ftrl")
    assert np.isfinite(run.history["val_loss"]).all()
