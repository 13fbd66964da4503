"""The view of a run or a sweep in a terminal: one line of progress while one waits, and a summary at the end."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from cnnmagic.rate_search import RateSearch
from cnnmagic.run import Run
from cnnmagic.state import RunState
from cnnmagic.sweep_run import SweepRun
from cnnmagic.trials import SweepState, trials_text
from cnnmagic.ui.glance import glance
from cnnmagic.ui.range_chart import progress_text

SECONDS_BETWEEN_LINES = 0.2
BAR = 24
REPORTED = ("loss", "accuracy", "val_loss", "val_accuracy")


def follow(run: Run, stream: TextIO | None = None) -> None:
    """Write the run's progress in one line until it ends, then a summary.

    An interrupt ends the following, never the training; it is said, and not raised.
    """
    stream = stream or sys.stdout
    try:
        while not run.is_done:
            _write(stream, progress_line(run.state))
            run.wait_quietly(SECONDS_BETWEEN_LINES)
        run.settle()
    except KeyboardInterrupt:
        name = run.name
        stream.write(
            f"\n{name} goes on in the background: `%cnn show {name}` to follow it, `%cnn stop {name}` to end it.\n"
        )
        return
    _write(stream, "")
    stream.write(f"\r{run.state.sentence()}\n")


def report(run: Run, stream: TextIO | None = None) -> None:
    """Write a line for every epoch until the run ends, then a summary and its notes: for the log of a job."""
    stream = stream or sys.stdout
    told = 0
    while True:
        over = run.is_done
        for epoch, record in enumerate(run.state.history[told:], start=told + 1):
            scores = ", ".join(f"{name} {record[name]:.4g}" for name in REPORTED if name in record)
            stream.write(f"{run.name}: epoch {epoch} of {run.state.epochs}, {scores}, {record['seconds']:.3g} s\n")
        told = len(run.state.history)
        stream.flush()
        if over:
            break
        run.wait_quietly(SECONDS_BETWEEN_LINES)
    run.settle()
    stream.write("".join(f"{line}\n" for line in (run.state.sentence(), *run.state.notes)))


def follow_search(search: RateSearch, stream: TextIO | None = None) -> None:
    """Write a range test's progress in one line until it ends; an interrupt ends it, and what it has is judged."""
    stream = stream or sys.stdout
    while not search.is_done:
        try:
            _write(stream, progress_text(search.progress, search.name))
            search.wait(SECONDS_BETWEEN_LINES)
        except KeyboardInterrupt:
            search.stop()
    _write(stream, "")
    stream.write("\r")


def follow_sweep(sweep: SweepRun, stream: TextIO | None = None) -> None:
    """Write a sweep's progress in one line until it ends, then its trials; an interrupt ends the following only."""
    stream = stream or sys.stdout
    try:
        while not sweep.is_done:
            _write(stream, sweep_line(sweep.state, [run.state for run in sweep.runs]))
            sweep.wait_quietly(SECONDS_BETWEEN_LINES)
    except KeyboardInterrupt:
        name = sweep.name
        stream.write(
            f"\n{name} goes on in the background: `%cnn sweep {name}` to follow it, `%cnn stop {name}` to end it.\n"
        )
        return
    _write(stream, "")
    stream.write(f"\r{trials_text(sweep.state)}\n")


def sweep_line(state: SweepState, trainings: Sequence[RunState]) -> str:
    """`tuned [=====>    ] trial 3 of 12 · best 97.20 % · tuned_3 training epoch 1 of 3 …`."""
    filled = round(BAR * state.progress)
    bar = "=" * filled + (">" if filled < BAR else "") + " " * (BAR - filled - 1)
    best = "" if state.best is None else f"best {state.text_of(state.best.best)}"
    under_way = [f"{words.name} {words.phase} {words.where}".rstrip() for words in map(glance, trainings)]
    told = [state.where, best, *under_way]
    return f"{state.name} [{bar}] {' · '.join(filter(None, told))}"


def progress_line(state: RunState) -> str:
    """`net training [=====>    ] epoch 3 of 12 · batch 210 of 422 · 0:41 left · loss 0.083`."""
    words = glance(state)
    filled = round(BAR * words.progress)
    bar = "=" * filled + (">" if filled < BAR else "") + " " * (BAR - filled - 1)
    told = " · ".join(filter(None, (words.where, words.clock, words.scores.replace("   ", " "))))
    return f"{words.name} {words.phase} [{bar}] {told}"


def _write(stream: TextIO, line: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    stream.write("\r" + line[:width].ljust(width))
    stream.flush()
