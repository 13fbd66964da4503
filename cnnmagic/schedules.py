"""The learning rate over a training: the peak rate times a factor that depends only on how far the training is."""

from __future__ import annotations

from math import cos, pi

WARM_UP = 0.3
START = 1 / 25
FINAL = 1e-4


def factor(schedule: str, progress: float, warm_up: float = 0.0) -> float:
    """Factor of the peak rate at `progress`, from 0 (first batch) to 1 (last).

    In the part `warm_up` of the way the rate rises from 1/25 to the peak, by equal amounts from batch to batch as in
    P. Goyal et al., "Accurate, large minibatch SGD" (2017); the schedule follows over the rest. `cosine`: I. Loshchilov
    and F. Hutter, "SGDR" (2017), one cycle without restart. `onecycle`: L. Smith and N. Topin, "Super-convergence"
    (2018), with cosine flanks: up from 1/25 over the first 30 %, or over `warm_up`, then down to 1/10,000. `step`: a
    tenth after one half and a hundredth after three quarters, as in K. He et al., "Deep residual learning" (2016).
    """
    rise = warm_up or (WARM_UP if schedule == "onecycle" else 0.0)
    if rise and progress <= rise:
        return (_curve if schedule == "onecycle" else _line)(START, 1.0, progress / rise)
    rest = (progress - rise) / (1 - rise)
    match schedule:
        case "cosine":
            return (1 + cos(pi * rest)) / 2
        case "step":
            return 1.0 if rest < 0.5 else 0.1 if rest < 0.75 else 0.01
        case "onecycle":
            return _curve(1.0, FINAL, rest)
    return 1.0


def _line(start: float, end: float, part: float) -> float:
    """From `start` to `end` in a straight line."""
    return start + (end - start) * part


def _curve(start: float, end: float, part: float) -> float:
    """From `start` to `end` along half a cosine."""
    return end + (start - end) * (1 + cos(pi * part)) / 2
