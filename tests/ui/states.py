"""States of runs in every phase, made by hand, for tests of the views."""

from functools import reduce

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
from cnnmagic.state import RunState, advance

STARTED = Started(12, 422, 128, 54_000, "CPU", "bfloat16", 0.001, 1_000.0)
EPOCH = 20.0


def batch(epoch: int, number: int) -> BatchEnded:
    done = epoch - 1 + number / 422
    metrics = {"accuracy": 1 - 0.4 / (1 + done)}
    return BatchEnded(epoch, number, 1 / (1 + 2 * done), metrics, 0.001, 5_700.4, 1_000 + EPOCH * done)


def ended(epoch: int) -> EpochEnded:
    accuracy = 0.983 - 0.002 * abs(epoch - 2)
    logs = {"loss": 0.5 / epoch, "accuracy": 0.976, "val_loss": 0.061 + epoch / 100, "val_accuracy": accuracy}
    return EpochEnded(epoch, logs, 0.001, EPOCH, 5_600.6, 1_000 + EPOCH * epoch)


def without_validation(epoch: int) -> EpochEnded:
    return EpochEnded(epoch, {"loss": 0.5 / epoch, "accuracy": 0.9}, 0.001, EPOCH, 5_600.6, 1_000 + EPOCH * epoch)


def whole(epochs: int) -> list[Event]:
    """The events of so many whole epochs."""
    return [event for epoch in range(1, epochs + 1) for event in (batch(epoch, 211), batch(epoch, 422), ended(epoch))]


def fold(*events: Event, name: str = "lenet5") -> RunState:
    return reduce(advance, events, RunState(name))


LONG_CAUSE = "Graph execution error:\n\n" + "Detected at node …\n" * 50
STATES = {
    "queued": fold(),
    "started": fold(STARTED),
    "training": fold(STARTED, *whole(2), batch(3, 210)),
    "first_epoch": fold(STARTED, batch(1, 100), batch(1, 210)),
    "without_validation": fold(STARTED, batch(1, 422), without_validation(1), batch(2, 210)),
    "validating": fold(STARTED, *whole(2), batch(3, 422), Validating(1_060.0)),
    "paused": fold(STARTED, *whole(2), batch(3, 210), Paused(1_050.0)),
    "resumed": fold(STARTED, *whole(2), batch(3, 210), Paused(1_050.0), Resumed(3_600.0, 4_650.0)),
    "rate_set": fold(STARTED, *whole(2), batch(3, 210), LearningRateSet(0.0125, 0.0125)),
    "finished": fold(STARTED, *whole(12), Finished("finished", 1_240.0)),
    "stopped": fold(STARTED, *whole(2), batch(3, 210), Finished("stopped", 1_050.0)),
    "stopped_before_its_turn": fold(Finished("stopped", 9_999.0)),
    "stopped_early": fold(STARTED, *whole(7), Finished("stopped early", 1_140.0)),
    "failed": fold(STARTED, *whole(2), batch(3, 210), Failed(ValueError(LONG_CAUSE), 1_050.0)),
    "failed_at_once": fold(Failed(MemoryError(), 1_000.0)),
}
SCRIPT = "<script>alert('x')</script>"
HOSTILE = fold(STARTED, *whole(1), Failed(ValueError(f'{SCRIPT} & "quotes"'), 1_050.0), name=SCRIPT)
BIG_START = Started(50, 1_000, 32, 32_000, "GPU", "bfloat16", 0.001, 0.0)


def big() -> RunState:
    """50 epochs of 1,000 batches, with as many points as a state keeps."""
    events: list[Event] = [BIG_START]
    for epoch in range(1, 51):
        for number in range(125, 1_001, 125):
            loss = 2.3 / (epoch + (number * 7 % 11) / 10)
            events.append(BatchEnded(epoch, number, loss, {"accuracy": 0.9}, 0.001, 9e4, epoch * 60.0))
        events.append(ended(epoch))
    return fold(*events, name="resnet20")


BIG = big()
