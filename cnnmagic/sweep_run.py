"""A sweep under way in a thread: how far it is, how to end it, and what it has found."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.plans import Plan
from cnnmagic.run import Run, await_quietly
from cnnmagic.trials import SweepState, Trial, trials_text

Listener = Callable[[SweepState], None]
Work = Callable[["SweepRun"], None]


class SweepRun:
    """One sweep of one plan, a variable of the notebook; `state` is a frozen picture of this moment.

    Its trials are runs of their own, `NAME_1`, `NAME_2`, …, kept on disk one by one. `runs` are those under way.
    """

    def __init__(self, plan: Plan, state: SweepState):
        self.plan, self.state = plan, state
        self.runs: tuple[Run, ...] = ()
        self.show: Callable[[], None] = lambda: print(trials_text(self.state))
        self._stopping, self._done = threading.Event(), threading.Event()
        self._listeners: list[Listener] = []
        if state.is_over:
            self._done.set()

    @property
    def name(self) -> str:
        return self.state.name

    @property
    def trials(self) -> tuple[Trial, ...]:
        """What has been tried, in order."""
        return self.state.trials

    @property
    def best(self) -> Trial | None:
        """The best of the trials that were trained to their end."""
        return self.state.best

    @property
    def winner(self) -> str:
        """The best trial's text, a cell that needs no sweep; empty before there is one."""
        return self.state.winner

    @property
    def run(self) -> Run | None:
        """The training under way, of several the one that began first; None between two."""
        return next(iter(self.runs), None)

    @property
    def is_done(self) -> bool:
        """Whether it is over, in whatever way."""
        return self._done.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether it has been told to end."""
        return self._stopping.is_set()

    def start(self, work: Work) -> None:
        """Do `work(self)` in a thread, and return at once."""
        self.change(phase="training", error=None)
        run_in_context = contextvars.copy_context().run
        thread = threading.Thread(
            target=run_in_context, args=(self._work, work), name=f"cnnmagic-sweep-{self.name}", daemon=True
        )
        thread.start()

    def stop(self) -> None:
        """End it after the batch under way; what is done is kept, and `%cnn resume` goes on from there."""
        self._stopping.set()
        for run in self.runs:
            run.stop()

    def begin(self, run: Run) -> None:
        """Count the training of a trial, which has been started, to those under way."""
        self.runs = (*self.runs, run)
        if self.is_stopping:  # it came between two trials
            run.stop()

    def end(self, run: Run) -> None:
        """Count a training to those under way no more."""
        self.runs = tuple(other for other in self.runs if other is not run)

    def change(self, **changes: Any) -> None:
        """Bring the state up to date and tell the listeners."""
        self.state = replace(self.state, **changes)
        for listener in tuple(self._listeners):
            listener(self.state)

    def listen(self, listener: Listener) -> None:
        """Call `listener(state)` after each change, in the sweep's thread or a trial's; it must return at once."""
        self._listeners.append(listener)

    def wait(self, timeout: float | None = None) -> SweepRun:
        """Return when it is over, or after `timeout` seconds; raise what it failed of, if it failed."""
        self.wait_quietly(timeout)
        if self.state.error is not None:
            raise self.state.error
        return self

    def wait_quietly(self, timeout: float | None = None) -> None:
        """Return when it is over, in whatever way, or after `timeout` seconds."""
        await_quietly(self._done, timeout)

    def __repr__(self) -> str:
        return self.state.sentence()

    def _work(self, work: Work) -> None:
        try:
            work(self)
            is_left = len(self.state.ended) < self.state.whole
            self.change(phase="stopped" if self.is_stopping and is_left else "finished")
        except BaseException as error:
            self.change(phase="failed", error=error)
        finally:
            self.runs = ()
            self._done.set()


def failed_altogether(state: SweepState) -> RunError | None:
    """What to raise of a sweep whose every trial failed; None where one did not."""
    if not state.ended or any(trial.state != "failed" for trial in state.ended):
        return None
    message = f"all {len(state.ended)} trials of {state.name} failed, the first of: {state.ended[0].reason}"
    return RunError(message, remedy="Train the cell with one of the choices, without the `sweep` line, to see why.")
