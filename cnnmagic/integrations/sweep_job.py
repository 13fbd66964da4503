"""A sweep at work: has trials proposed and trained as long as some are left, and tells how they stand."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.integrations import study as studies
from cnnmagic.integrations.sweep_cells import Cells, Given
from cnnmagic.integrations.sweep_folder import SweepRecord
from cnnmagic.integrations.sweep_trial import TrialUnderWay
from cnnmagic.lang.sweeps import trials_of
from cnnmagic.plans import Plan, Training
from cnnmagic.storage import lock_folder
from cnnmagic.sweep_run import SweepRun, failed_altogether
from cnnmagic.trials import SweepState, Trial

SECONDS_BETWEEN_LOOKS = 0.1


class SweepJob:
    """One sweep of a plan: its cells, its study, its trials under way, at most as many as it has `workers`."""

    def __init__(self, name: str, plan: Plan, given: Given):
        self.name, self.cells = name, Cells(plan, given)
        self.options = self.cells.options
        self.study: Any = None
        self.spark: Any = None
        self.held: Any = None
        self.under_way: list[TrialUnderWay] = []
        self.broken: BaseException | None = None
        self._refreshing = threading.Lock()
        whole = trials_of(self.options, plan.choices)
        state = SweepState(name, self.options.goal, self.options.method, self.cells.seed, whole)
        self.sweep = SweepRun(plan, state)

    def open(self, record: SweepRecord, is_reading: bool = False) -> None:
        """Take up a sweep's folder, marked as in use unless it is only read."""
        if is_reading:
            self.study = studies.read_study(record.study)
        else:
            self.held = lock_folder(record.folder)
            epochs = (self.cells.plan.training or Training()).epochs
            self.study = studies.open_study(record.study, self.options, epochs)
        self.refresh(judged=True)

    def close(self) -> None:
        if self.held is not None:
            self.held.close()

    @property
    def ended(self) -> int:
        return len(self.sweep.state.ended)

    @property
    def is_left(self) -> bool:
        """Whether there are trials to train."""
        return self.ended < self.sweep.state.whole

    def check(self) -> None:
        """Raise `CnnError` where the cluster can't take as many trials at once as it is to."""
        if self.options.workers is not None:
            from cnnmagic.integrations.spark import check_cluster

            self.spark = check_cluster(self.cells.plan, self.options.workers)

    def note(self, text: str) -> None:
        self.sweep.change(notes=(*self.sweep.state.notes, text))

    def start(self) -> SweepRun:
        self.sweep.start(self.work)
        return self.sweep

    def work(self, sweep: SweepRun) -> None:
        """Train what is left, in the sweep's thread."""
        try:
            self._begin_trials()
            while self.under_way:
                self._end_trials()
                self._begin_trials()
            if self.broken is not None:
                raise self.broken
            if (failed := failed_altogether(sweep.state)) is not None:
                raise failed
        finally:
            self._leave_trials()
            self.close()

    def trials(self) -> tuple[Trial, ...]:
        """The study's trials, those that are under way marked so."""
        under_way = {trial.number for trial in tuple(self.under_way)}
        found = studies.trials_in(self.study, self.options, self.cells.names)
        return tuple(replace(trial, state="training") if trial.number in under_way else trial for trial in found)

    def refresh(self, judged: bool = False) -> None:
        """Read the trials anew; with `judged` how much each choice matters too. Trainings call it in their threads."""
        changes: dict[str, Any] = {}
        if judged:
            changes["importance"] = studies.importance_in(self.study, self.cells.seed)
        with self._refreshing:
            changes["trials"] = self.trials()
            best = replace(self.sweep.state, trials=changes["trials"]).best
            changes["winner"] = self._winner_of(best) if best is not None else ""
            self.sweep.change(**changes)

    def _winner_of(self, best: Trial) -> str:
        """The cell of the best trial."""
        return f"%%cnn {self.name}_best\n{self.cells.text_of(dict(best.values))}"

    def break_off(self, error: BaseException) -> None:
        """End the sweep, whose trials can't be kept any more."""
        self.broken = error
        for run in self.sweep.runs:
            run.stop()

    def _begin_trials(self) -> None:
        """Begin trials as long as some are left and there is room for them."""
        while (
            len(self.under_way) < min(self.options.workers or 1, self.sweep.state.whole - self.ended)
            and self.broken is None
            and not self.sweep.is_stopping
        ):
            under_way = [trial.number for trial in self.under_way]
            proposed = studies.propose(self.study, self.options, self.cells.names, self.cells.seed, under_way)
            self.under_way.append(TrialUnderWay(self, proposed))
            self.refresh()
            self.under_way[-1].begin()

    def _end_trials(self) -> None:
        """Wait until one of the trials under way is over, and put down how it and others ended."""
        while not (over := [trial for trial in self.under_way if trial.is_over]):
            first = self.under_way[0].run
            assert first is not None  # or it would be over
            first.wait_quietly(None if len(self.under_way) == 1 else SECONDS_BETWEEN_LOOKS)
        is_cut_off = self._is_cut_off()
        for trial in over:
            if is_cut_off:
                trial.leave()
            else:
                trial.end()
            self.under_way.remove(trial)
            if trial.run is not None:
                self.sweep.end(trial.run)
        self.refresh(judged=True)

    def _is_cut_off(self) -> bool:
        """Whether the Spark session is over; then the sweep is broken off."""
        from cnnmagic.integrations.cluster import is_over

        if self.spark is None or not is_over(self.spark):
            return False
        remedy = f"Begin a session anew, then `%cnn resume {self.name}` goes on."
        self.break_off(RunError("the Spark session of this sweep is over.", remedy=remedy))
        return True

    def _leave_trials(self) -> None:
        """End the trainings that an error of the sweep's own has left under way."""
        for run in self.sweep.runs:
            run.stop()
        for run in self.sweep.runs:
            run.wait_quietly()
