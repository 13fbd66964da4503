"""The judgement of a range test: smoothing by its definition, the rate by its rule, the reason with its numbers."""

from itertools import pairwise
from math import log10

import pytest

from cnnmagic.rates import BATCHES, HIGHEST, LOWEST, is_blown_up, judged, rate_at, smoothed

RATES = [10.0**power for power in range(-6, 2)]


def test_rates_rise_by_one_factor() -> None:
    powers = [log10(rate_at(batch)) for batch in range(BATCHES)]
    assert (powers[0], powers[-1]) == pytest.approx((log10(LOWEST), log10(HIGHEST)))
    assert [after - before for before, after in pairwise(powers)] == pytest.approx([8 / 199] * 199)


def test_smoothing_is_a_weighted_mean_of_the_losses_so_far() -> None:
    losses = [3.0, 1.0, 4.0, 1.5, 9.0]
    for count, mean in enumerate(smoothed(losses), 1):
        weights = [0.9 ** (count - 1 - number) for number in range(count)]
        expected = sum(w * loss for w, loss in zip(weights, losses, strict=False)) / sum(weights)
        assert mean == pytest.approx(expected)


@pytest.mark.parametrize(("means", "blown"), [([2.0], False), ([2.0, 1.0, 4.0], False), ([2.0, 1.0, 4.01], True)])
def test_blown_up(means: list[float], blown: bool) -> None:
    assert is_blown_up(means) is blown


def test_a_tenth_of_the_rate_at_the_lowest_is_suggested() -> None:
    curve = judged(RATES, [2.3, 2.3, 2.3, 1.2, 0.2, 0.1, 0.4, 30.0], "the loss blew up")
    assert curve.smoothed.index(min(curve.smoothed)) == 6
    assert curve.suggested == 0.1
    assert "2.3 to its lowest" in curve.reason and "a rate of 1;" in curve.reason
    assert "the loss blew up at 10. " in curve.reason and "0.1." in curve.reason


@pytest.mark.parametrize(
    ("losses", "told"),
    [
        ([2.3] * 8, "under 5%"),
        ([2.3, 2.4, 2.5, 2.6, 2.7, 3.0, 4.0, 9.0], "under 5%"),
        ([2.3, 2.2, 1.0], "after 3 batches"),
        ([], "after 0 batches"),
    ],
)
def test_no_rate_is_suggested_where_the_losses_tell_of_none(losses: list[float], told: str) -> None:
    curve = judged(RATES[: len(losses)], losses, "the test was ended")
    assert curve.suggested is None
    assert told in curve.reason and curve.reason.startswith("No rate is suggested")
