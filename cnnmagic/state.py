"""The state of a run as a pure fold: `advance(state, event)` gives the next state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from cnnmagic.events import (
    BatchEnded,
    ClassesSeen,
    EpochEnded,
    Event,
    Failed,
    Finished,
    LayersSeen,
    LearningRateSet,
    Noted,
    Paused,
    Queued,
    Reading,
    Resumed,
    Started,
    Validating,
)

HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds", "images_per_second")
MOST_POINTS = 400
MOST_SEEN = 30
LONGEST_CAUSE = 300
LASTING = (
    *("phase", "epochs", "epoch", "batches", "batch", "batch_size", "images", "device", "precision", "learning_rate"),
    *("peak_rate", "images_per_second", "history", "seconds", "notes", "classes", "chance"),
)
OVER = ("finished", "stopped", "stopped early", "failed")


@dataclass(frozen=True)
class Point:
    """Means over some batches of training: `x` is where they end, in epochs; `batches` how many they are."""

    x: float
    loss: float
    accuracy: float
    batches: int


@dataclass(frozen=True)
class RunState:
    """All that a view needs of a run.

    `phase` is queued, reading, training, validating, paused, or one of `OVER`. `epoch` and `batch` count from 1 and
    name the last one under way; `learning_rate` is that of the last batch, `peak_rate` the one that a schedule scales;
    `history` holds a record for each whole epoch; `held` is the phase that a pause holds, `behind` the run whose end a
    queued one waits for; `read` are the images read so far and all of them, in the pass before the first batch; `seen`
    are the last looks at the classes, `layers_seen` the last one at the layers; `classes` and `chance` are those of
    `Started`; `failure` is what it failed of in one line, which outlives the `error` itself; times are those of
    `time.monotonic`.
    """

    name: str
    phase: str = "queued"
    epochs: int = 0
    epoch: int = 0
    batches: int = 0
    batch: int = 0
    batch_size: int = 0
    images: int = 0
    device: str = ""
    precision: str = ""
    learning_rate: float = 0.0
    peak_rate: float = 0.0
    images_per_second: float = 0.0
    points: tuple[Point, ...] = ()
    history: tuple[dict[str, float], ...] = ()
    started: float = 0.0
    moment: float = 0.0
    pauses: float = 0.0
    held: str = ""
    behind: str = ""
    read: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    chance: float = 0.0
    seen: tuple[ClassesSeen, ...] = ()
    layers_seen: LayersSeen | None = None
    failure: str = ""
    error: BaseException | None = field(default=None, compare=False)

    @property
    def is_over(self) -> bool:
        return self.phase in OVER

    @property
    def seconds(self) -> float:
        """Seconds of training so far, pauses left out."""
        return max(0.0, self.moment - self.started - self.pauses)

    @property
    def progress(self) -> float:
        """Part of all batches done, from 0 to 1; while images are read, the part of them."""
        if self.phase == "reading":
            return self.read[0] / max(1, self.read[1])
        if not self.batches or not self.epochs:
            return 0.0
        return min(1.0, (max(0, self.epoch - 1) * self.batches + self.batch) / (self.epochs * self.batches))

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rest will take at the pace of the last epoch; None before there is a pace."""
        if self.is_over or self.phase == "reading" or self.progress == 0:
            return None
        if self.history:
            return self.history[-1]["seconds"] * self.epochs * (1 - self.progress)
        return self.seconds * (1 - self.progress) / self.progress

    @property
    def best(self) -> dict[str, float] | None:
        """The record of the epoch with the highest validation accuracy; by training accuracy without validation."""
        name = "val_accuracy" if any("val_accuracy" in record for record in self.history) else "accuracy"
        return max(self.history, key=lambda record: record.get(name, 0.0), default=None)

    def best_score(self, epochs: int) -> float | None:
        """The highest accuracy of the first so many epochs, of validation where there is one; None without any."""
        scores = [record.get("val_accuracy", record["accuracy"]) for record in self.history[:epochs]]
        return max(scores, default=None)

    @property
    def best_epoch(self) -> int | None:
        """The number of the best epoch, from 1; the first of equals."""
        return None if self.best is None else self.history.index(self.best) + 1

    def sentence(self) -> str:
        """The run in one line."""
        text = f"{self.name}: {self.phase}"
        if self.phase == "reading":
            return f"{text} images, {self.read[0]:,} of {self.read[1]:,}"
        if self.epochs:
            text += f", epoch {self.epoch} of {self.epochs}"
        if self.history:
            last, best = self.history[-1], self.best or {}
            text += "".join(
                f", {label} {last[name]:.4g}"
                for name, label in (("loss", "loss"), ("val_loss", "validation loss"))
                if name in last
            )
            score = best.get("val_accuracy", best.get("accuracy"))
            kind = "validation" if "val_accuracy" in best else "training"
            text += "" if score is None else f", best {kind} accuracy {score:.1%} at epoch {self.best_epoch}"
        return text + (f": {self.failure}" if self.failure else "")


def advance(state: RunState, event: Event) -> RunState:
    """The state after an event."""
    match event:
        case Queued():
            return replace(state, phase="queued", behind=event.behind)
        case Reading():
            return replace(state, phase="reading", behind="", read=(event.done, event.whole))
        case Started():
            return _after_start(state, event)
        case Noted():
            return replace(state, notes=(*state.notes, event.text))
        case BatchEnded():
            return _after_batches(state, event)
        case EpochEnded():
            return _after_epoch(state, event)
        case Validating():
            return replace(state, phase="validating", batch=state.batches, moment=event.time)
        case ClassesSeen():
            return replace(state, seen=(*state.seen, event)[-MOST_SEEN:])
        case LayersSeen():
            return replace(state, layers_seen=event)
        case Paused():
            return replace(state, phase="paused", held=state.phase, moment=event.time)
        case Resumed():
            pauses = state.pauses + event.seconds
            return replace(state, phase=state.held or "training", moment=event.time, pauses=pauses)
        case LearningRateSet():
            return replace(state, learning_rate=event.learning_rate, peak_rate=event.peak_rate)
        case Finished():
            return _over(replace(state, phase=event.reason), state, event.time)
        case Failed():
            failed = replace(state, phase="failed", error=event.error, failure=cause(event.error))
            return _over(failed, state, event.time)


def thinned(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Half as many points: neighbours are joined to their mean, weighted by their batches."""
    pairs = zip(points[::2], points[1::2], strict=False)
    return tuple(_joined(one, other) for one, other in pairs) + points[len(points) // 2 * 2 :]


def story_of(state: RunState) -> dict[str, Any]:
    """What of a state outlives its process, as plain JSON values; `state_of` reads it."""
    points = [[point.x, point.loss, point.accuracy, point.batches] for point in state.points]
    return {name: getattr(state, name) for name in LASTING} | {"points": points}


def state_of(name: str, story: dict[str, Any], phase: str | None = None) -> RunState:
    """The state that a story tells, in the phase given or in its own."""
    told = dict(story)
    points = tuple(Point(x, loss, accuracy, batches) for x, loss, accuracy, batches in told.pop("points"))
    history, notes, seconds = tuple(told.pop("history")), tuple(told.pop("notes")), told.pop("seconds")
    classes = tuple(told.pop("classes", ()))
    state = RunState(name=name, points=points, history=history, notes=notes, moment=seconds, classes=classes, **told)
    return replace(state, phase=phase or state.phase)


def _over(over: RunState, before: RunState, time: float) -> RunState:
    """The end; where the training had not begun, or not gone on, its seconds stay as they were."""
    if before.phase in ("queued", "reading"):
        return replace(over, started=time - before.seconds, moment=time, pauses=0.0)
    return replace(over, started=before.started or time, moment=time)


def _after_start(state: RunState, event: Started) -> RunState:
    """The beginning, or the going on of a training that has a past: its seconds so far stay counted."""
    return replace(
        state,
        phase="training",
        epochs=event.epochs,
        epoch=event.epoch,
        batches=event.batches,
        batch=event.batch,
        batch_size=event.batch_size,
        images=event.images,
        device=event.device,
        precision=event.precision,
        learning_rate=event.learning_rate,
        peak_rate=event.learning_rate,
        history=state.history[: event.epoch - 1],
        points=tuple(p for p in state.points if p.x * event.batches <= _done(event) + 0.5),
        started=event.time - state.seconds,
        moment=event.time,
        pauses=0.0,
        behind="",
        failure="",
        error=None,
        classes=event.classes,
        chance=event.chance,
        seen=tuple(seen for seen in state.seen if seen.epoch < event.epoch),
    )


def _done(event: Started) -> int:
    return (event.epoch - 1) * event.batches + event.batch


def _after_batches(state: RunState, event: BatchEnded) -> RunState:
    done = (event.epoch - 1) * state.batches + event.batch
    x = done / state.batches
    before = round(state.points[-1].x * state.batches) if state.points else 0
    point = Point(x, event.loss, event.metrics.get("accuracy", float("nan")), done - before)
    points = (*state.points, point)
    return replace(
        state,
        phase="training",
        epoch=event.epoch,
        batch=event.batch,
        learning_rate=event.learning_rate,
        images_per_second=event.images_per_second,
        points=thinned(points) if len(points) > MOST_POINTS else points,
        moment=event.time,
    )


def _after_epoch(state: RunState, event: EpochEnded) -> RunState:
    record = event.logs | {
        "learning_rate": event.learning_rate,
        "seconds": event.seconds,
        "images_per_second": event.images_per_second,
    }
    return replace(
        state,
        phase="training",
        epoch=event.epoch,
        batch=state.batches,
        history=(*state.history, record),
        images_per_second=event.images_per_second,
        moment=event.time,
    )


def _joined(one: Point, other: Point) -> Point:
    batches = one.batches + other.batches
    share = one.batches / batches
    loss = one.loss * share + other.loss * (1 - share)
    return Point(other.x, loss, one.accuracy * share + other.accuracy * (1 - share), batches)


def cause(error: BaseException | None) -> str:
    """An error in one line, its kind first; of TensorFlow's long ones the line that tells."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("Graph execution error"):
        lines = [line for line in lines[1:] if not line.startswith("[[")][-1:] or lines
    return f"{type(error).__name__}: {lines[0][:LONGEST_CAUSE]}" if lines else type(error).__name__
