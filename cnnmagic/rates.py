"""What a learning-rate range test found: losses over rising rates, smoothed, and the rate that they suggest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BATCHES, LOWEST, HIGHEST = 200, 1e-7, 10.0
SMOOTHING = 0.9
BLOWN_UP = 4.0
LEAST_FALL = 0.05
LEAST_BATCHES = 5


@dataclass(frozen=True)
class RateCurve:
    """The losses of a range test at its rates, and the rate to take, None where they tell of none.

    `reason` is a sentence or two that say why.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggested: float | None
    reason: str


def rate_at(batch: int, batches: int = BATCHES) -> float:
    """The rate of a batch, counted from 0: the same factor from each batch to the next."""
    return float(LOWEST * (HIGHEST / LOWEST) ** (batch / (batches - 1)))


def smoothed(losses: Sequence[float]) -> tuple[float, ...]:
    """Exponentially weighted means of the losses so far, divided by the sum of the weights."""
    mean, means = 0.0, []
    for count, loss in enumerate(losses, 1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**count))
    return tuple(means)


def is_blown_up(means: Sequence[float]) -> bool:
    """Whether the loss has risen to four times its lowest, where S. Gugger's test ends (see `judged`)."""
    return means[-1] > BLOWN_UP * min(means)


def judged(rates: Sequence[float], losses: Sequence[float], ended: str) -> RateCurve:
    """The curve with the rate that it suggests: a tenth of the one at which the smoothed loss is lowest.

    The test is L. Smith's, "Cyclical learning rates for training neural networks" (2017), section 3.3; rates that rise
    by a factor, the smoothing and the rule are S. Gugger's, "How do you find a good learning rate" (2018). `ended` says
    why the test ended, as in "the loss blew up".
    """
    means = smoothed(losses)
    suggested, reason = (
        _suggestion(rates, means, ended) if len(means) >= LEAST_BATCHES else (None, _too_few(means, ended))
    )
    return RateCurve(tuple(rates), tuple(losses), means, suggested, reason)


def _suggestion(rates: Sequence[float], means: Sequence[float], ended: str) -> tuple[float | None, str]:
    lowest = min(range(len(means)), key=means.__getitem__)
    first, least, best = means[0], means[lowest], rates[lowest]
    if least > (1 - LEAST_FALL) * first:
        fell = f"the smoothed loss fell from {first:.3g} to no less than {least:.3g}, by under {LEAST_FALL:.0%}"
        return None, f"No rate is suggested: {fell}; {ended} at {rates[-1]:.3g}."
    suggested = float(f"{best / 10:.2g}")
    fell = f"The smoothed loss fell from {first:.3g} to its lowest, {least:.3g}, at a rate of {best:.3g}"
    return (
        suggested,
        f"{fell}; {ended} at {rates[-1]:.3g}. Suggested is a tenth of the rate at the lowest: {suggested:g}.",
    )


def _too_few(means: Sequence[float], ended: str) -> str:
    return f"No rate is suggested: {ended} after {len(means)} batches, too few to judge."
