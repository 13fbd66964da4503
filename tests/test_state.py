"""Events fold into a state: each event's effect, and what a state says of itself."""

from dataclasses import replace
from functools import reduce

import pytest

from cnnmagic.events import (
    BatchEnded,
    EpochEnded,
    Event,
    Failed,
    Finished,
    LearningRateSet,
    Paused,
    Resumed,
    Started,
    Validating,
)
from cnnmagic.state import MOST_POINTS, OVER, Point, RunState, advance, thinned

STARTED = Started(4, 10, 32, 320, "CPU", "float32", 0.001, 100.0)
LOGS = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.75}


def batch(epoch: int, number: int, loss: float = 1.0, accuracy: float = 0.5, time: float = 101.0) -> BatchEnded:
    return BatchEnded(epoch, number, loss, {"accuracy": accuracy}, 0.001, 640.0, time)


def ended(epoch: int, time: float = 110.0, **logs: float) -> EpochEnded:
    return EpochEnded(epoch, LOGS | logs, 0.001, 10.0, 600.0, time)


def fold(*events: Event) -> RunState:
    return reduce(advance, events, RunState("net"))


@pytest.mark.parametrize("end", [Finished("stopped", 4000.0), Failed(ValueError("no"), 4000.0)])
@pytest.mark.parametrize("before", [RunState("net", moment=100.0), fold(STARTED, batch(1, 5, time=200.0))])
@pytest.mark.parametrize("phase", ["queued", "reading"])
def test_waiting_for_a_turn_is_no_training(end: Event, before: RunState, phase: str) -> None:
    assert before.seconds == 100.0
    assert advance(replace(before, phase=phase), end).seconds == 100.0


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), {"phase": "queued", "epochs": 0, "progress": 0.0, "seconds_left": None, "best": None}),
        ((STARTED,), {"phase": "training", "epoch": 1, "batch": 0, "images": 320, "device": "CPU", "seconds": 0.0}),
        ((STARTED, batch(1, 5)), {"phase": "training", "batch": 5, "images_per_second": 640.0, "progress": 0.125}),
        ((STARTED, batch(1, 5)), {"seconds": 1.0, "seconds_left": 7.0}),
        ((STARTED, batch(2, 5)), {"epoch": 2, "progress": 0.375}),
        ((STARTED, batch(1, 10), Validating(102.0)), {"phase": "validating", "batch": 10, "progress": 0.25}),
        ((STARTED, ended(1)), {"phase": "training", "epoch": 1, "batch": 10, "best_epoch": 1, "seconds": 10.0}),
        ((STARTED, batch(1, 5), Paused(105.0)), {"phase": "paused", "batch": 5, "seconds": 5.0}),
        ((STARTED, Paused(105.0), Resumed(60.0, 165.0)), {"phase": "training", "seconds": 5.0}),
        ((STARTED, LearningRateSet(0.5, 0.5)), {"phase": "training", "learning_rate": 0.5}),
        ((STARTED, Finished("finished", 120.0)), {"phase": "finished", "is_over": True, "seconds": 20.0}),
        ((STARTED, batch(1, 5), Finished("stopped", 101.0)), {"phase": "stopped", "batch": 5, "seconds_left": None}),
        ((STARTED, batch(1, 5), Failed(ValueError("no"), 101.0)), {"phase": "failed", "batch": 5, "seconds": 1.0}),
        ((Failed(ValueError("no"), 999.0),), {"phase": "failed", "is_over": True, "seconds": 0.0}),
        ((Finished("stopped", 999.0),), {"phase": "stopped", "is_over": True, "seconds": 0.0}),
    ],
)
def test_advance(events: tuple[Event, ...], expected: dict[str, object]) -> None:
    state = fold(*events)
    assert {name: getattr(state, name) for name in expected} == expected


@pytest.mark.parametrize("reason", [reason for reason in OVER if reason != "failed"])
def test_finished_names_its_reason(reason: str) -> None:
    assert fold(STARTED, Finished(reason, 101.0)).phase == reason


def test_a_pause_in_validation_ends_in_validation() -> None:
    assert fold(STARTED, Validating(101.0), Paused(102.0), Resumed(1.0, 103.0)).phase == "validating"


def test_a_pause_does_not_lengthen_what_is_left() -> None:
    before, after = (fold(STARTED, batch(1, 10)), fold(STARTED, batch(1, 10), Paused(101.0), Resumed(500.0, 601.0)))
    assert before.seconds_left == after.seconds_left == 3.0


def test_a_whole_epoch_is_a_record() -> None:
    (record,) = fold(STARTED, ended(1)).history
    assert record == LOGS | {"learning_rate": 0.001, "seconds": 10.0, "images_per_second": 600.0}


@pytest.mark.parametrize(
    ("accuracies", "best"), [((0.7,), 1), ((0.7, 0.9, 0.8), 2), ((0.9, 0.9), 1), ((0.5, float("nan"), 0.6), 3)]
)
def test_best_epoch_is_the_first_of_the_highest(accuracies: tuple[float, ...], best: int) -> None:
    state = fold(STARTED, *(ended(epoch, val_accuracy=value) for epoch, value in enumerate(accuracies, 1)))
    assert state.best_epoch == best


def test_best_epoch_without_validation_is_of_the_training() -> None:
    events = [EpochEnded(n, {"loss": 1.0, "accuracy": a}, 0.001, 1.0, 1.0, 101.0) for n, a in ((1, 0.8), (2, 0.7))]
    assert fold(STARTED, *events).best_epoch == 1


def test_points_say_where_they_end_and_for_how_many_batches() -> None:
    state = fold(STARTED, batch(1, 3, 2.0), batch(1, 10, 1.0), batch(2, 1, 0.5))
    assert state.points == (Point(0.3, 2.0, 0.5, 3), Point(1.0, 1.0, 0.5, 7), Point(1.1, 0.5, 0.5, 1))


def test_thinned_keeps_means_weighted_by_batches() -> None:
    points = tuple(Point(n / 10, n * 0.1, 1 - n * 0.05, n) for n in range(1, 8))
    fewer = thinned(points)
    assert len(fewer) == 4
    assert fewer[-1] == points[-1]
    for name in ("loss", "accuracy"):
        one, other = (sum(getattr(p, name) * p.batches for p in some) for some in (points, fewer))
        assert one == pytest.approx(other)
    assert sum(point.batches for point in fewer) == sum(point.batches for point in points)
    assert [point.x for point in fewer] == [0.2, 0.4, 0.6, 0.7]


def test_points_are_bounded_and_keep_the_mean_of_all_batches() -> None:
    batches = 5_000
    state = advance(RunState("net"), replace(STARTED, batches=batches))
    for number in range(1, batches + 1):
        state = advance(state, batch(1, number, loss=number / batches))
        assert len(state.points) <= MOST_POINTS
    assert sum(point.batches for point in state.points) == batches
    mean = sum(point.loss * point.batches for point in state.points) / batches
    assert mean == pytest.approx((batches + 1) / 2 / batches)
    assert state.points[-1].x == 1.0


def test_a_state_is_never_changed() -> None:
    before = fold(STARTED, batch(1, 3))
    advance(before, batch(1, 4))
    assert len(before.points) == 1


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ((), "net: queued"),
        ((STARTED,), "net: training, epoch 1 of 4"),
        (
            (STARTED, ended(1)),
            "net: training, epoch 1 of 4, loss 0.5, validation loss 0.6, best validation accuracy 75.0% at epoch 1",
        ),
        (
            (STARTED, EpochEnded(1, {"loss": 0.5, "accuracy": 0.8}, 0.1, 1.0, 1.0, 1.0), Finished("stopped", 9.0)),
            "net: stopped, epoch 1 of 4, loss 0.5, best training accuracy 80.0% at epoch 1",
        ),
        ((Failed(ValueError("first\nsecond"), 1.0),), "net: failed: ValueError: first"),
        ((Failed(MemoryError(), 1.0),), "net: failed: MemoryError"),
    ],
)
def test_sentence(events: tuple[Event, ...], sentence: str) -> None:
    assert fold(*events).sentence() == sentence
