"""Training with real Keras: every number reported is Keras's own, every command obeyed within a batch."""

import queue
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cnnmagic.engine import loop
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.fit import fit
from cnnmagic.engine.keeper import Keeper
from cnnmagic.errors import DataError, RunError
from cnnmagic.events import (
    BatchEnded,
    ClassesSeen,
    EpochEnded,
    Event,
    Finished,
    LayersSeen,
    LearningRateSet,
    Pause,
    Paused,
    Resume,
    Resumed,
    SetLearningRate,
    Started,
    Stop,
    Validating,
)
from cnnmagic.lifecycle import work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.state import RunState, cause
from tests.waiting import LATE, wait_until

TEXT = "data digits\nconv 4 3x3 relu\nflatten\noutput 10\nseed 3\ntrain epochs={epochs} batch=64 {words}"
BATCHES = 21  # of 64 out of 1,294 images, the last one of 14
GRAPH_ERROR = """Graph execution error:

Detected at node compile_loss/SparseSoftmaxCrossEntropyWithLogits defined at (most recent call last):
  File "/usr/lib/python3.11/threading.py", line 1002, in _bootstrap

  File "/usr/lib/python3.11/site-packages/keras/src/losses/loss.py", line 67, in __call__

Received a label value of 99 which is outside the valid range of [0, 10).  Label values: 99 99
\t [[{{node compile_loss/SparseSoftmaxCrossEntropyWithLogits}}]] [Op:__inference_multi_step_on_iterator_2110]"""

keras = load_keras()


def planned(epochs: int = 2, words: str = "") -> Plan:
    return make_plan(TEXT.format(epochs=epochs, words=words), {})


def prepared(epochs: int = 2, words: str = "", name: str = "net") -> Run:
    """A run that is built, and has not begun."""
    plan = planned(epochs, words)
    return Run(name, plan, build_model(plan, name), load_data(plan))


def started(epochs: int = 2, words: str = "", name: str = "net") -> Run:
    run = prepared(epochs, words, name)
    run.start(work_of(run))
    return run


def waited(run: Run) -> Run:
    """The run at its end; fails where that doesn't come."""
    run.wait(LATE)
    assert run.is_done
    return run


@pytest.fixture(scope="module")
def reference() -> Run:
    """An undisturbed training of two epochs, at its end."""
    return waited(started())


def hooked(run: Run, before_batch: Callable[[int], object]) -> list[int]:
    """Call `before_batch(number)` in the training's thread before each batch; the list names the batches trained."""
    trained: list[int] = []
    function = run.model.make_train_function

    def make_train_function(force: bool = False) -> None:
        function(force)
        step = run.model.train_function

        def train_function(iterator: Any) -> Any:
            before_batch(len(trained) + 1)
            trained.append(len(trained) + 1)
            return step(iterator)

        run.model.train_function = train_function

    object.__setattr__(run.model, "make_train_function", make_train_function)
    return trained


def events_of(run: Run, *commands: Any) -> list[Event]:
    """What a fit in this thread tells, with these commands given before its first batch."""
    told: list[Event] = []
    box: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for command in commands:
        box.put(command)
    assert run.plan.training is not None
    keeper = Keeper(run.model, None, float("inf"), lambda: run.state, lambda text: None)
    fit(run.model, run.dataset, run.plan.training, keeper, told.append, box, seed=run.seed)
    return told


def of(told: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in told if isinstance(event, kind)]


def reason(told: list[Event]) -> str:
    assert isinstance(told[-1], Finished)
    return told[-1].reason


def weights(run: Run) -> list[Any]:
    return [np.array(weight) for weight in run.model.get_weights()]


@pytest.fixture
def every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a report after every batch instead of five a second."""
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_REPORTS", 0.0)


def plain_history(run: Run, **options: Any) -> dict[str, list[float]]:
    """Keras's own history of the same model, data and seed."""
    model = build_model(run.plan, "net")
    train, validation, training = run.dataset.train, run.dataset.validation, run.plan.training
    assert training is not None
    history: dict[str, list[float]] = {}
    for epoch in range(training.epochs):
        order = np.random.default_rng((run.seed, epoch)).permutation(len(train))
        found = model.fit(
            train.images[order],
            train.labels[order],
            batch_size=training.batch_size,
            shuffle=False,
            validation_data=(validation.images, validation.labels) if len(validation) else None,
            verbose=0,
            **options,
        ).history
        history = {name: history.get(name, []) + values for name, values in found.items()}
    return history


@pytest.mark.parametrize("words", ["", "sgd lr=0.1 momentum=0.9", "validation=0"])
def test_history_is_keras_s_own(words: str) -> None:
    run = waited(started(2, words))
    expected = plain_history(run)
    assert {name: run.history[name] for name in expected} == expected
    assert run.model.history.history == expected


def test_a_seed_makes_a_training_repeatable(reference: Run) -> None:
    again = waited(started())
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert again.history[name] == reference.history[name]


def test_a_seed_holds_for_a_training_that_waited_for_its_turn(reference: Run) -> None:
    first, second = prepared(3), prepared()
    for run in (first, second):
        run.start(work_of(run))
    assert second.state.phase == "queued"
    waited(first)
    assert waited(second).history["loss"] == reference.history["loss"]


def test_a_schedule_is_followed_batch_by_batch(every_batch) -> None:
    told = events_of(prepared(2, "lr=0.01 schedule=cosine"))
    rates = [event.learning_rate for event in of(told, BatchEnded)]
    decay = keras.optimizers.schedules.CosineDecay(0.01, decay_steps=2 * BATCHES - 1)
    assert rates == pytest.approx([float(decay(step)) for step in range(2 * BATCHES)], rel=1e-5, abs=1e-8)


def test_interval_means_are_those_of_each_batch(every_batch) -> None:
    """Weights frozen by a rate of almost nothing: each batch's loss and accuracy are computed anew from its images."""
    run = prepared(1, "sgd lr=1e-30")
    seen: list[tuple[Any, Any]] = []
    step = run.model.train_step

    def train_step(data: Any) -> Any:
        import tensorflow

        tensorflow.py_function(lambda x, y: seen.append((x.numpy(), y.numpy())), [data[0], data[1]], [])
        return step(data)

    object.__setattr__(run.model, "train_step", train_step)
    told = of(events_of(run), BatchEnded)
    assert len(told) == len(seen) == BATCHES
    for event, (images, labels) in zip(told, seen, strict=True):
        answers = run.model.predict(images, verbose=0)
        chosen = answers[np.arange(len(labels)), labels.ravel().astype(int)]
        assert event.loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4)
        assert event.metrics["accuracy"] == pytest.approx((answers.argmax(axis=1) == labels.ravel()).mean(), abs=1e-4)


@pytest.mark.parametrize("seconds", [0.0, 0.02, 9.0])
def test_interval_means_make_keras_s_epoch_mean(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_REPORTS", seconds)
    told = events_of(prepared())
    for number, epoch in enumerate(of(told, EpochEnded), 1):
        parts = [event for event in of(told, BatchEnded) if event.epoch == number]
        seen = [0, *(min(64 * event.batch, 1_294) for event in parts)]
        counts = np.diff(seen)
        assert counts.sum() == 1_294
        assert (counts * [event.loss for event in parts]).sum() / 1_294 == pytest.approx(epoch.logs["loss"], rel=1e-5)
        accuracies = [event.metrics["accuracy"] for event in parts]
        assert (counts * accuracies).sum() / 1_294 == pytest.approx(epoch.logs["accuracy"], rel=1e-5)


def test_the_order_of_events(every_batch) -> None:
    told = events_of(prepared(2))
    kinds = {Started: "s", BatchEnded: "b", Validating: "v", EpochEnded: "e", Finished: "f"}
    names = "".join({**kinds, ClassesSeen: "l", LayersSeen: "l"}[type(event)] for event in told)
    assert re.sub("(?<=e)l{1,2}", "", names) == "s" + ("b" * BATCHES + "ve") * 2 + "f"  # looks as far as time allows
    start = told[0]
    assert isinstance(start, Started)
    assert (start.epochs, start.batches, start.batch_size, start.images) == (2, BATCHES, 64, 1_294)
    assert start.precision == "float32"
    assert start.learning_rate == pytest.approx(0.001)
    times = [
        event.time for event in told if isinstance(event, Started | BatchEnded | EpochEnded | Validating | Finished)
    ]
    assert times == sorted(times)


@pytest.mark.parametrize("number", [1, 5, BATCHES, BATCHES + 3])
def test_stop_takes_effect_within_one_batch(number: int, every_batch) -> None:
    run = prepared(50)
    trained = hooked(run, lambda batch: run.stop() if batch == number else None)
    run.start(work_of(run))
    waited(run)
    assert trained[-1] == number
    assert run.state.phase == "stopped"
    assert (run.state.epoch, run.state.batch) == (1 + (number - 1) // BATCHES, 1 + (number - 1) % BATCHES)
    assert len(run.state.points) == number
    assert {len(values) for values in run.history.values()} <= {number // (BATCHES + 1), number // BATCHES}
    assert run.evaluate()["loss"] > 0


def test_stop_in_an_epoch_without_validation_set_keeps_the_epochs_before() -> None:
    run = prepared(50, "validation=0")
    hooked(run, lambda batch: run.stop() if batch == 2 * 23 + 1 else None)  # of 1,438 images
    run.start(work_of(run))
    assert len(waited(run).history["loss"]) == 2
    assert run.state.batch == 1


def test_stop_in_validation() -> None:
    run = prepared(50, "validation=0.5")
    judged: list[int] = []

    def listener(state: RunState, event: Event) -> None:
        if isinstance(event, Validating):
            judged.append(state.epoch)
            if state.epoch == 2:
                run.stop()

    run.listen(listener)
    run.start(work_of(run))
    waited(run)
    assert run.state.phase == "stopped"
    assert judged == [1, 2]
    assert len(run.history["val_loss"]) == len(run.history["loss"]) == 1


def test_a_stopped_training_does_not_seem_to_validate(every_batch) -> None:
    told = events_of(prepared(), Stop())
    assert not of(told, Validating)
    assert [type(event) for event in told] == [Started, BatchEnded, Finished]


def test_pause_holds_and_resume_gives_the_same_history(reference: Run) -> None:
    run = prepared()
    trained = hooked(run, lambda batch: run.pause() if batch == 7 else None)
    run.start(work_of(run))
    wait_until(lambda: run.state.phase == "paused")
    before = weights(run)
    time.sleep(0.3)
    assert trained[-1] == 7
    assert all((one == other).all() for one, other in zip(before, weights(run), strict=True))
    with pytest.raises(RunError, match="net is paused"):
        run.evaluate()
    run.resume()
    waited(run)
    assert run.state.pauses > 0.3
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert run.history[name] == reference.history[name]


def test_a_pause_counts_for_no_speed(every_batch) -> None:
    run = prepared(1)
    hooked(run, lambda batch: run.pause() if batch == 7 else None)
    run.start(work_of(run))
    wait_until(lambda: run.state.phase == "paused")
    time.sleep(0.3)
    run.resume()
    waited(run)
    assert run.state.pauses > 0.3
    assert run.state.seconds == pytest.approx(run.state.moment - run.state.started - run.state.pauses)
    assert run.history["seconds"][0] <= run.state.seconds + 0.01


def test_stop_ends_a_pause() -> None:
    run = prepared(50)
    hooked(run, lambda batch: run.pause() if batch == 2 else None)
    run.start(work_of(run))
    wait_until(lambda: run.state.phase == "paused")
    run.stop()
    assert waited(run).state.phase == "stopped"


def test_a_pause_in_validation_holds_and_ends() -> None:
    run = prepared(2, "validation=0.5")
    run.listen(lambda state, event: run.pause() if isinstance(event, Validating) and state.epoch == 1 else None)
    run.start(work_of(run))
    wait_until(lambda: run.state.phase == "paused")
    run.resume()
    waited(run)
    assert run.state.phase == "finished"
    assert len(run.history["val_loss"]) == 2


def test_a_rate_is_in_force_from_the_next_batch(every_batch) -> None:
    run = prepared(1)
    rates: list[float] = []
    rate = run.model.optimizer.learning_rate

    def before_batch(batch: int) -> None:
        rates.append(float(rate))
        if batch == 5:
            run.set_learning_rate(0.25)

    hooked(run, before_batch)
    run.start(work_of(run))
    waited(run)
    assert rates == pytest.approx([0.001] * 5 + [0.25] * (BATCHES - 5))
    assert run.state.learning_rate == pytest.approx(0.25)


def test_a_rate_of_nothing_holds_the_weights() -> None:
    run = prepared(1, "sgd")
    kept: list[Any] = []

    def before_batch(batch: int) -> None:
        if batch == 5:
            run.set_learning_rate(1e-30)
        elif batch == 6:
            kept[:] = weights(run)

    hooked(run, before_batch)
    run.start(work_of(run))
    waited(run)
    assert all((one == other).all() for one, other in zip(kept, weights(run), strict=True))


def test_under_a_schedule_a_rate_is_the_new_peak_and_the_state_tells_the_rate_in_force(every_batch) -> None:
    run = prepared(2, "lr=0.01 schedule=step")
    told: list[tuple[float, float]] = []
    rate = run.model.optimizer.learning_rate
    run.listen(
        lambda state, event: (
            told.append((state.learning_rate, float(rate))) if isinstance(event, LearningRateSet) else None
        )
    )
    hooked(run, lambda batch: run.set_learning_rate(0.5) if batch == 2 * BATCHES - 1 else None)
    run.start(work_of(run))
    waited(run)
    assert len(told) == 1
    assert told[0] == pytest.approx((0.005, 0.005))
    assert run.state.learning_rate == pytest.approx(0.005)


def test_early_stop() -> None:
    told = events_of(prepared(50, "early_stop=1 sgd lr=1e-30"))
    assert reason(told) == "stopped early"
    assert len(of(told, EpochEnded)) == 2


def test_many_presses_from_many_threads_lead_to_an_end() -> None:
    run = started(200)
    presses = [run.pause, run.resume, lambda: run.set_learning_rate(0.01), run.resume] * 25
    threads = [threading.Thread(target=press) for press in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.stop()
    assert waited(run).state.phase == "stopped"
    assert np.isfinite(run.evaluate()["loss"])


def test_a_model_in_training_refuses_what_would_corrupt_it() -> None:
    run = prepared(50)
    images, labels = run.dataset.test.images, run.dataset.test.labels
    hooked(run, lambda batch: run.pause() if batch == BATCHES + 2 else None)
    run.start(work_of(run))
    wait_until(lambda: run.state.phase == "paused")
    assert len(run.history["val_loss"]) == 1
    model = run.model
    for act in (
        lambda: model.evaluate(images, labels, verbose=0),
        lambda: model.fit(images, labels, verbose=0),
        lambda: model.train_on_batch(images, labels),
        lambda: model.test_on_batch(images, labels),
        lambda: model.set_weights(model.get_weights()),
        lambda: model.compile(loss="mse"),
    ):
        with pytest.raises(RunError, match="a model in training"):
            act()
    assert model.predict(images[:3], verbose=0).shape == (3, 10)
    run.stop()
    waited(run)
    assert model.evaluate(images, labels, verbose=0, return_dict=True) == run.evaluate()
    assert not {"fit", "evaluate", "save"} & set(model.__dict__)
    model.fit(images, labels, verbose=0)


def test_saving_waits_for_the_end(tmp_path: Any) -> None:
    run = prepared(50)
    hooked(run, lambda batch: run.pause() if batch == 3 else None)
    run.start(work_of(run))
    wait_until(lambda: run.state.phase == "paused")
    saved = threading.Event()

    def save() -> None:
        run.model.save(tmp_path / "net.keras")
        saved.set()

    threading.Thread(target=save, daemon=True).start()
    assert not saved.wait(0.3)
    run.stop()
    waited(run)
    assert saved.wait(LATE)
    again = keras.models.load_model(tmp_path / "net.keras")
    assert all((one == other).all() for one, other in zip(weights(run), again.get_weights(), strict=True))


def test_evaluate_is_keras_s_and_counts_right(reference: Run) -> None:
    test = reference.dataset.test
    answers = reference.predict(test.images)
    assert reference.evaluate()["accuracy"] == pytest.approx((answers.argmax(axis=1) == test.labels).mean())
    assert reference.evaluate("validation")["loss"] == pytest.approx(reference.history["val_loss"][-1], rel=1e-5)


@pytest.mark.parametrize(("index", "shape"), [(0, (1, 10)), (slice(5), (5, 10))])
def test_predict_takes_one_image_and_many(index: Any, shape: tuple[int, int], reference: Run) -> None:
    some = reference.dataset.test.images[index]
    for images in (some, some[..., 0], some.tolist()):
        answers = reference.predict(images)
        assert answers.shape == shape
        assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)
    with pytest.raises(DataError):
        reference.predict("cat.png")


def test_a_training_that_fails_says_why_and_leaves_the_next_one_alone() -> None:
    def fail(batch: int) -> None:
        if batch == 3:
            raise OSError("the device is gone")

    run = prepared()
    hooked(run, fail)
    run.start(work_of(run))
    for _ in range(2):
        with pytest.raises(OSError, match="the device is gone"):
            run.wait(LATE)
    assert run.state.phase == "failed"
    assert "OSError: the device is gone" in repr(run)
    assert "evaluate" not in run.model.__dict__
    assert np.isfinite(run.evaluate()["loss"])
    assert waited(started(1)).state.phase == "finished"


def test_the_cause_that_is_shown_is_tensorflow_s_and_not_its_headline() -> None:
    def fail(batch: int) -> None:
        raise ValueError(GRAPH_ERROR)

    run = prepared(1)
    hooked(run, fail)
    run.start(work_of(run))
    wait_until(lambda: run.is_done)
    expected = "ValueError: Received a label value of 99 which is outside the valid range of [0, 10)."
    assert cause(run.state.error).startswith(expected)
    assert expected in repr(run)


def test_bfloat16_trains_with_float32_answers() -> None:
    run = waited(started(1, "precision=bfloat16"))
    assert run.state.precision == "bfloat16"
    assert run.model.layers[2].compute_dtype == "bfloat16"
    assert run.predict(run.dataset.test.images[:2]).dtype == np.float32
    assert np.isfinite(run.history["loss"][0])


def test_unused_commands_do_no_harm(every_batch) -> None:
    told = events_of(prepared(1), Resume(), Pause(), Pause(), Resume(), Resume(), SetLearningRate(0.5))
    assert [len(of(told, kind)) for kind in (Paused, Resumed, LearningRateSet)] == [1, 1, 1]
    assert reason(told) == "finished"
