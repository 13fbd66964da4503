"""The factor of the learning rate, by its formula at known places; against Keras in engine/test_schedules.py."""

from math import cos, pi

import pytest

from cnnmagic.plans import SCHEDULES
from cnnmagic.schedules import factor


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("constant", 0, 1),
        ("constant", 1, 1),
        ("step", 0, 1),
        ("step", 0.499, 1),
        ("step", 0.5, 0.1),
        ("step", 0.75, 0.01),
        ("step", 1, 0.01),
        ("cosine", 0, 1),
        ("cosine", 0.25, 0.5 + cos(pi / 4) / 2),
        ("cosine", 0.5, 0.5),
        ("cosine", 1, 0),
        ("onecycle", 0, 1 / 25),
        ("onecycle", 0.15, (1 + 1 / 25) / 2),
        ("onecycle", 0.3, 1),
        ("onecycle", 0.65, (1 + 1e-4) / 2),
        ("onecycle", 1, 1e-4),
    ],
)
def test_factor(schedule: str, progress: float, expected: float) -> None:
    assert factor(schedule, progress) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("constant", 0, 1 / 25),
        ("constant", 0.1, (1 / 25 + 1) / 2),
        ("constant", 0.2, 1),
        ("constant", 1, 1),
        ("cosine", 0.05, 1 / 25 + 0.96 / 4),
        ("cosine", 0.2, 1),
        ("cosine", 0.6, 0.5),
        ("cosine", 1, 0),
        ("step", 0.59, 1),
        ("step", 0.61, 0.1),
        ("step", 0.81, 0.01),
        ("onecycle", 0, 1 / 25),
        ("onecycle", 0.1, (1 + 1 / 25) / 2),
        ("onecycle", 0.2, 1),
        ("onecycle", 0.6, (1 + 1e-4) / 2),
        ("onecycle", 1, 1e-4),
    ],
)
def test_factor_after_a_warm_up_of_a_fifth(schedule: str, progress: float, expected: float) -> None:
    assert factor(schedule, progress, 0.2) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_may_take_the_whole_way(schedule: str) -> None:
    for warm_up in (1.0, 1.5):
        factors = [factor(schedule, number / 10, warm_up) for number in range(11)]
        assert factors == sorted(factors)
        assert factors[-1] <= 1


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_factor_lies_between_nothing_and_the_peak(schedule: str) -> None:
    factors = [factor(schedule, number / 1000) for number in range(1001)]
    assert min(factors) >= 0
    assert max(factors) == pytest.approx(1, abs=1e-4)


def test_onecycle_rises_once_and_falls_once() -> None:
    factors = [factor("onecycle", number / 100) for number in range(101)]
    assert factors[:31] == sorted(factors[:31])
    assert factors[30:] == sorted(factors[30:], reverse=True)
