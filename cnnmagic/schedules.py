"""The learning rate over a training: the peak rate times a factor that depends only on how far the training is."""

from __future__ import annotations

from math import cos, pi

WARM_UP = 0.3
START = 1 / 25
FINAL = 1e-4


def factor(schedule: str, progress: float) -> float:
    """Factor of the peak rate at `progress`, from 0 (first batch) to 1 (last).

    `cosine`: I. Loshchilov and F. Hutter, "SGDR" (2017), one cycle without restart. `onecycle`: L. Smith and N. Topin,
    "Super-convergence" (2018), with cosine flanks: up from 1/25 over the first 30 %, then down to 1/10,000. `step`: a
    tenth after one half and a hundredth after three quarters, as in K. He et al., "Deep residual learning" (2016).
    """
    match schedule:
        case "cosine":
            return (1 + cos(pi * progress)) / 2
        case "step":
            return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01
        case "onecycle" if progress < WARM_UP:
            return _between(START, 1.0, progress / WARM_UP)
        case "onecycle":
            return _between(1.0, FINAL, (progress - WARM_UP) / (1 - WARM_UP))
    return 1.0


def _between(start: float, end: float, progress: float) -> float:
    """From `start` to `end` along half a cosine."""
    return end + (start - end) * (1 + cos(pi * progress)) / 2
