"""The measures of an epoch: a pause is left out of them wherever it falls."""

import time

import pytest

from cnnmagic.engine.clock import Clock


@pytest.mark.parametrize("trained", [None, 10.0])
def test_a_pause_changes_no_measure(trained: float | None) -> None:
    """In the training after 12 of its seconds, or in the validation that follows 10 of them."""
    clock = Clock(images=1_000, batch_size=10, batches=100, epochs=2)
    clock.epoch_start, clock.trained, clock.last_report = 0.0, trained, 11.0
    before = clock.speed(12.0)
    assert before == pytest.approx(1_000 / (trained or 12.0))
    clock.skip(60.0)
    assert clock.speed(72.0) == pytest.approx(before)
    assert (72.0 - clock.epoch_start, 72.0 - clock.last_report) == (12.0, 1.0)


def test_a_pause_before_the_next_epoch_leaves_no_trace() -> None:
    clock = Clock(images=1_000, batch_size=10, batches=100, epochs=2)
    clock.trained = time.monotonic()
    clock.skip(60.0)
    clock.begin_epoch(1)
    assert clock.trained is None and clock.epoch_start == pytest.approx(time.monotonic(), abs=1.0)
