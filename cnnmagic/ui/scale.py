"""Turns values into places along an axis, and into short text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from math import ceil, floor, log10

# Far beyond what float32 holds, and far enough from the end of float64 that sums and differences stay finite.
LIMIT = 1e100

MULTIPLES = (1, 2, 5)
MOST_INTERVALS = 5


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis: its share of the axis from the low end, 0 to 1."""

    place: float
    text: str


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, in the values' unit, or in powers of ten where it is logarithmic."""

    low: float
    high: float
    ticks: tuple[Tick, ...]
    log: bool = False

    def places(self, values: Iterable[float]) -> list[float]:
        """Give the share of the axis below each value; ValueError for zero or less on a logarithmic axis."""
        span = self.high - self.low
        return [(height - self.low) / span for height in (map(log10, values) if self.log else values)]


@dataclass(frozen=True)
class Step:
    """The distance between two ticks: 1, 2 or 5 times a power of ten."""

    multiple: int
    exponent: int

    @property
    def size(self) -> float:
        return self.multiple * 10.0**self.exponent

    # The allowance keeps a value that is a tick but for its rounding from being taken for its neighbour.
    def around(self, low: float, high: float) -> range:
        """Number the ticks from the last at or below `low` to the first at or above `high`."""
        return range(floor(low / self.size + 1e-6), ceil(high / self.size - 1e-6) + 1)

    def within(self, low: float, high: float) -> range:
        """Number the ticks from `low` to `high`, both included."""
        return range(ceil(low / self.size - 1e-6), floor(high / self.size + 1e-6) + 1)


def linear(low: float, high: float, percent: bool = False) -> Scale:
    """Make an axis that begins and ends at a tick and holds both values, which lie within ±LIMIT."""
    low, high = _parted(low, high, percent)
    step = next(step for step in _steps(high - low) if len(step.around(low, high)) <= MOST_INTERVALS + 1)
    numbers = step.around(low, high)
    return Scale(low := numbers[0] * step.size, high := numbers[-1] * step.size, _ticks(low, high, step, percent))


def tight(low: float, high: float) -> Scale:
    """Make an axis that begins and ends at the values themselves, which lie within ±LIMIT, with ticks between."""
    low, high = _parted(low, high, percent=False)
    step = next(step for step in _steps(high - low) if (high - low) / step.size <= MOST_INTERVALS + 1.01)
    return Scale(low, high, _ticks(low, high, step, percent=False))


def logarithmic(low: float, high: float, percent: bool = False) -> Scale:
    """Make a logarithmic axis that holds both values, which are above zero, and begins and ends at a tick."""
    bottom, top = log10(low), log10(high)
    marks = _log_marks(bottom, top)
    heights = [log10(multiple) + exponent for multiple, exponent in marks]
    first = max(i for i, height in enumerate(heights) if height <= bottom + 1e-9)
    last = min(i for i, height in enumerate(heights) if height >= top - 1e-9 and i > first)
    bottom, top = heights[first], heights[last]
    chosen = zip(marks[first : last + 1], heights[first : last + 1], strict=True)
    ticks = (Tick((height - bottom) / (top - bottom), _log_text(*mark, percent)) for mark, height in chosen)
    return Scale(bottom, top, tuple(ticks), log=True)


def tight_logarithmic(low: float, high: float) -> Scale:
    """Make a logarithmic axis that begins and ends at the values themselves, which are above zero, with ticks between.

    Where fewer than two ticks lie between them, it reaches to the ticks around.
    """
    bottom, top = log10(low), log10(high)
    heights = {mark: log10(mark[0]) + mark[1] for mark in _log_marks(bottom, top)}
    inside = {mark: height for mark, height in heights.items() if bottom - 1e-9 <= height <= top + 1e-9}
    if len(inside) < 2:
        return logarithmic(low, high)
    ticks = [
        Tick((height - bottom) / (top - bottom), _log_text(*mark, percent=False)) for mark, height in inside.items()
    ]
    return Scale(bottom, top, tuple(ticks), log=True)


def number_text(value: float, percent: bool = False) -> str:
    """Write a value with three significant digits, or a fraction in per cent with one decimal, two above 99 %."""
    if percent and abs(value) < 10:
        decimals = 0 if value in (0, 1) else 2 if 0.99 < value < 1 else 1
        return f"{100 * value:.{decimals}f} %"
    if percent:
        return f"{number_text(100 * value)} %"
    if 999.5 <= abs(value) < 99_999.5:
        return f"{value:.0f}"
    mantissa, mark, exponent = f"{value:.3g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else mantissa


def _parted(low: float, high: float, percent: bool) -> tuple[float, float]:
    """Move two values apart that lie too close for labels of a few digits to tell them from each other."""
    size = max(abs(low), abs(high))
    if size < 1e-100:
        return 0.0, 1.0
    least = 1e-3 * size if low < high else size
    room = max(0.0, least - (high - low)) / 2
    # No share of the images lies beyond 0 and 100 %.
    bottom, top = (min(low, 0.0), max(high, 1.0)) if percent else (low - room, high + room)
    return max(low - room, bottom), min(high + room, top)


def _steps(span: float) -> Iterator[Step]:
    """Yield all steps, ascending, from one that divides the span into at least ten."""
    return (Step(multiple, exponent) for exponent in count(floor(log10(span)) - 1) for multiple in MULTIPLES)


def _ticks(low: float, high: float, step: Step, percent: bool) -> tuple[Tick, ...]:
    exponent, factor, unit = (step.exponent + 2, 100, " %") if percent else (step.exponent, 1, "")
    write = _plain_text if exponent >= -5 and factor * max(abs(low), abs(high)) < 99_999 else _short_text
    return tuple(
        Tick((number * step.size - low) / (high - low), write(number * step.multiple, exponent) + unit)
        for number in step.within(low, high)
    )


def _log_marks(bottom: float, top: float) -> list[tuple[int, int]]:
    """List (multiple, exponent) of the ticks from below `bottom` to above `top`, both exponents of ten."""
    if top - bottom < 2:
        return [(multiple, exponent) for exponent in range(floor(bottom), ceil(top) + 1) for multiple in MULTIPLES]
    stride = ceil((top - bottom) / MOST_INTERVALS)
    return [(1, exponent) for exponent in range(floor(bottom / stride) * stride, ceil(top) + stride, stride)]


def _log_text(multiple: int, exponent: int, percent: bool) -> str:
    if percent:
        return f"{_log_text(multiple, exponent + 2, percent=False)} %"
    return (_plain_text if abs(exponent) < 5 else _short_text)(multiple, exponent)


def _plain_text(digits: int, exponent: int) -> str:
    """Write digits · 10^exponent with all decimals of the exponent, so that neighbours line up."""
    return f"{digits * 10.0**exponent:.{max(0, -exponent)}f}" if digits else "0"


def _short_text(digits: int, exponent: int) -> str:
    """Write digits · 10^exponent as 1.5e30."""
    places = len(str(abs(digits))) - 1
    return f"{digits / 10**places:g}e{places + exponent}" if digits else "0"
