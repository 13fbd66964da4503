"""A sweep as it stands: its trials with their values and scores, the best one, and what mattered."""

from __future__ import annotations

from dataclasses import dataclass, field

from cnnmagic.state import cause
from cnnmagic.table import aligned

OVER = ("finished", "stopped", "failed")
STATES = ("waiting", "training", "done", "pruned", "failed", "interrupted")


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    `number` counts from 1; `values` are (choice, value as the cell would say it); `state` is one of `STATES`; `scores`
    hold the goal after each epoch; `best` is the best of them; `run` names the training, whose record is kept on disk;
    `twin` is the number of an earlier trial of the same values, whose scores these are; `reason` why it failed.
    """

    number: int
    values: tuple[tuple[str, str], ...]
    state: str
    scores: tuple[float, ...] = ()
    best: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    run: str = ""
    twin: int | None = None
    reason: str = ""

    @property
    def best_epoch(self) -> int | None:
        """The number of the best epoch, from 1; the first of equals."""
        return self.scores.index(self.best) + 1 if self.best in self.scores else None


@dataclass(frozen=True)
class SweepState:
    """All that a view needs of a sweep.

    `phase` is waiting, training, or one of `OVER`; `stopped` is one that can go on. `whole` is the number of trials it
    comes to, `importance` the share of each choice in what makes the scores differ, `winner` the best trial's cell.
    """

    name: str
    goal: str = "val_accuracy"
    method: str = "random"
    seed: int = 0
    whole: int = 0
    phase: str = "waiting"
    trials: tuple[Trial, ...] = ()
    importance: tuple[tuple[str, float], ...] = ()
    winner: str = ""
    notes: tuple[str, ...] = ()
    error: BaseException | None = field(default=None, compare=False)

    @property
    def is_over(self) -> bool:
        return self.phase in OVER

    @property
    def is_loss(self) -> bool:
        """Whether less is better."""
        return self.goal.endswith("loss")

    @property
    def ended(self) -> tuple[Trial, ...]:
        """The trials that are over, in whatever way."""
        return tuple(trial for trial in self.trials if trial.state in ("done", "pruned", "failed"))

    @property
    def under_way(self) -> tuple[Trial, ...]:
        """The trials in training."""
        return tuple(trial for trial in self.trials if trial.state == "training")

    @property
    def where(self) -> str:
        """`trial 3 of 12`; of several at a time `2 of 12 trials done, 4 under way`; at the end `5 of 12 trials`."""
        done = f"{len(self.ended)} of {self.whole} trials"
        if self.is_over:
            return done
        if len(self.under_way) > 1:
            return f"{done} done, {len(self.under_way)} under way"
        return f"trial {min(len(self.ended) + 1, self.whole)} of {self.whole}"

    @property
    def counts(self) -> str:
        """`3 of 4 trials are over: 2 done, 1 failed`; `3 of 4 trials are done` where all three were trained fully."""
        ended = f"{len(self.ended)} of {self.whole} trials"
        counted = [
            (state, sum(trial.state == state for trial in self.trials)) for state in ("done", "pruned", "failed")
        ]
        if not any(count for state, count in counted if state != "done"):
            return f"{ended} are done"
        return f"{ended} are over: " + ", ".join(f"{count} {state}" for state, count in counted if count)

    @property
    def best(self) -> Trial | None:
        """The trial with the best score of those that were trained to their end; the first of equals."""
        scored = [trial for trial in self.trials if trial.state == "done" and trial.best is not None]
        return min(scored, key=lambda trial: self.rank(trial.best), default=None)

    @property
    def progress(self) -> float:
        """Part of the trials that is done, from 0 to 1; epochs of those under way count."""
        part = sum(len(trial.scores) / max(1, trial.epochs) for trial in self.under_way)
        return min(1.0, (len(self.ended) + part) / max(1, self.whole))

    def rank(self, score: float | None) -> float:
        """A number that is lower the better the score is."""
        return float("inf") if score is None else score if self.is_loss else -score

    def text_of(self, score: float | None) -> str:
        """`98.3 %` of an accuracy, `0.0521` of a loss."""
        return "" if score is None else f"{score:.4g}" if self.is_loss else f"{score:.2%}"

    def sentence(self) -> str:
        """The sweep in one line."""
        text = f"{self.name}: {self.phase}, {self.counts}"
        best = self.best
        if best is not None:
            text += f", best {self.goal} {self.text_of(best.best)} by trial {best.number}: {values_text(best)}"
        return text + (f": {cause(self.error)}" if self.error is not None else "")


def values_text(trial: Trial) -> str:
    """`filters=32, rate=0.25`."""
    return ", ".join(f"{name}={value}" for name, value in trial.values)


def rows_of(state: SweepState) -> list[tuple[str, ...]]:
    """A head and a row for each trial: number, values, epochs, best score with its epoch, state, its run."""
    names = tuple(name for name, _ in state.trials[0].values) if state.trials else ()
    rows: list[tuple[str, ...]] = [("trial", *names, "epochs", f"best {state.goal}", "at", "state", "run")]
    for trial in state.trials:
        done = f"{len(trial.scores)} of {trial.epochs}" if trial.epochs else "-"
        told = f"{trial.state}, as trial {trial.twin}" if trial.twin else trial.state
        rows.append(
            (
                f"{'* ' if trial is state.best else ''}{trial.number}",
                *(value for _, value in trial.values),
                done,
                state.text_of(trial.best),
                str(trial.best_epoch or ""),
                told,
                trial.run,
            )
        )
    return rows


def trials_text(state: SweepState) -> str:
    """The sweep in words: a sentence, the table, reasons of failures, importances, the winner's cell, what to type."""
    parts = [state.sentence()]
    if state.trials:
        parts.append("\n".join(aligned(rows_of(state), right=(0,))))
    if failed := [trial for trial in state.trials if trial.reason]:
        parts.append("\n".join(f"trial {trial.number} failed: {trial.reason}" for trial in failed))
    if state.importance:
        parts.append("importance: " + ", ".join(f"{name} {share:.0%}" for name, share in state.importance))
    parts += [*state.notes, *hints(state)]
    if state.winner:
        parts.append(f"the best as a cell of its own:\n\n{state.winner.rstrip()}")
    return "\n\n".join(parts)


def phase_text(state: SweepState) -> str:
    """What there is to say of a sweep that is asked for as if it were one training: `is over`, `is under way`."""
    return {"stopped": "is stopped", "failed": "has failed"}.get(
        state.phase, "is over" if state.is_over else "is under way"
    )


def hints(state: SweepState) -> list[str]:
    """What to type next."""
    told = []
    if state.phase == "stopped":
        left = [str(trial.number) for trial in state.trials if trial.state == "interrupted"]
        *before, last = left or [str(len(state.ended) + 1)]
        numbers = f"trials {', '.join(before)} and {last}" if before else f"trial {last}"
        told.append(f"`%cnn resume {state.name}` goes on with {numbers} of {state.whole}.")
    elif not state.is_over:
        told.append(f"`%cnn stop {state.name}` ends it and keeps what is done.")
    if state.best is not None:
        run = state.best.run
        told.append(f"`%cnn load {run}` brings the best network back.")
    return told
