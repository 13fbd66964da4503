"""What a look at a run must tell, in words and numbers: is it learning, how far is it, how long still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnmagic.state import RunState
from cnnmagic.ui.chart import Chart, Curve
from cnnmagic.ui.line import Point

PHASES = {
    "queued": "waiting for the device",
    "reading": "reading and checking images",
    "training": "training",
    "validating": "validating",
    "paused": "paused",
    "finished": "finished",
    "stopped": "stopped",
    "stopped early": "stopped early",
    "failed": "failed",
}


@dataclass(frozen=True)
class Glance:
    """The words of the dashboard's head; `progress` goes from 0 to 1."""

    name: str
    phase: str
    where: str
    clock: str
    pace: str
    scores: str
    cause: str
    progress: float


def glance(state: RunState) -> Glance:
    """A run's state in words."""
    return Glance(
        name=state.name,
        phase=f"waits for {state.behind}" if state.phase == "queued" and state.behind else PHASES[state.phase],
        where=_where(state),
        clock=_clock(state),
        pace=_pace(state),
        scores=" · ".join(filter(None, (_loss(state), _accuracy(state), _best(state)))),
        cause=state.failure,
        progress=state.progress,
    )


def charts(
    state: RunState, log: bool = False, earlier: Mapping[str, tuple[tuple[Point, ...], ...]] | None = None
) -> tuple[Chart, Chart]:
    """The curves of loss and of accuracy, and by these names the lines of earlier runs.

    `training` has a point for every few batches, `epochs` the means that Keras gives for whole epochs; a point at 2.5
    lies in the middle of the third epoch.
    """
    whole = tuple(enumerate(state.history, 1))
    best = state.best or {}
    mark = (float(state.best_epoch or 0), best["val_accuracy"]) if "val_accuracy" in best else None
    span = (0.0, float(state.epochs or 1))
    before = earlier or {}
    pairs = []
    for name in ("loss", "accuracy"):
        curves = (
            Curve("training", tuple((point.x, getattr(point, name)) for point in state.points), "training"),
            Curve("epochs", tuple((float(x), record[name]) for x, record in whole if name in record), "fourth"),
            Curve(
                "validation",
                tuple((float(x), record[f"val_{name}"]) for x, record in whole if f"val_{name}" in record),
                "validation",
            ),
        )
        pairs.append(tuple(curve for curve in curves if curve.points) or curves[:1])
    return (
        Chart("loss", "epoch", "cross-entropy", pairs[0], x_range=span, log=log, earlier=before.get("loss", ())),
        Chart(
            *("accuracy", "epoch", "", pairs[1]),
            x_range=span,
            percent=True,
            best=mark,
            earlier=before.get("accuracy", ()),
        ),
    )


def duration(seconds: float) -> str:
    """`0:41`, `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _where(state: RunState) -> str:
    if state.phase == "reading":
        return f"{state.read[0]:,} of {state.read[1]:,}"
    if not state.epochs:
        return ""
    batch = "" if state.is_over and state.batch == state.batches else f"batch {state.batch:,} of {state.batches:,}"
    return " · ".join(filter(None, (f"epoch {state.epoch} of {state.epochs}", batch)))


def _clock(state: RunState) -> str:
    if state.is_over:
        return f"took {duration(state.seconds)}"
    return "" if state.seconds_left is None else f"{duration(state.seconds_left)} left"


def _pace(state: RunState) -> str:
    if not state.device:
        return ""
    speed = f"{state.images_per_second:,.0f} images/s" if state.images_per_second else ""
    rate = f"learning rate {state.learning_rate:.3g}" if state.learning_rate else ""
    return " · ".join(filter(None, (speed, f"{state.precision}, {state.device}", rate)))


def _latest(state: RunState, name: str) -> float | None:
    """The last whole epoch's mean once the run is over, before that the mean over the batches last reported."""
    if state.history and (state.is_over or not state.points):
        return state.history[-1].get(name)
    return getattr(state.points[-1], name) if state.points else None


def _loss(state: RunState) -> str:
    training, validation = _latest(state, "loss"), _validation(state, "val_loss")
    text = "" if training is None else f"loss {training:.3f}"
    return text + ("" if validation is None else f"   validation {validation:.3f}")


def _accuracy(state: RunState) -> str:
    training, validation = _latest(state, "accuracy"), _validation(state, "val_accuracy")
    text = "" if training is None else f"accuracy {training:.1%}"
    return text + ("" if validation is None else f"   validation {validation:.1%}")


def _validation(state: RunState, name: str) -> float | None:
    return state.history[-1].get(name) if state.history else None


def _best(state: RunState) -> str:
    best = state.best
    return (
        "" if best is None or "val_accuracy" not in best else f"best {best['val_accuracy']:.1%} at {state.best_epoch}"
    )
