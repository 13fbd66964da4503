"""One trial of a sweep under way: its training, what the study hears of it, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnnmagic.errors import CnnError
from cnnmagic.events import EpochEnded, Event
from cnnmagic.integrations import study as studies
from cnnmagic.lifecycle import begin, reopened, work_of
from cnnmagic.memory import told_of_memory
from cnnmagic.pipeline import build_model
from cnnmagic.places import Train, train_in_place
from cnnmagic.plans import Training
from cnnmagic.run import Run
from cnnmagic.state import RunState, cause
from cnnmagic.storage import Record, find_record
from cnnmagic.trials import Trial

if TYPE_CHECKING:
    from cnnmagic.integrations.sweep_job import SweepJob

STOPPED_EARLY = "the training was stopped before its first epoch was over"
CUT_OFF = "cut off"  # a mark in the study


class TrialUnderWay:
    """A trial from its proposal to its end; `run` is its training, None where it needs none or could not begin.

    `trial` is Optuna's, which counts from 0; `number` counts from 1, as a user does. Where the sweep is stopped, the
    trial is left in the study as it is, to be gone on with.
    """

    def __init__(self, job: SweepJob, trial: Any):
        self.job, self.trial = job, trial
        self.number = trial.number + 1
        self.values = studies.texts_of(trial.params, job.cells.names)
        self.run: Run | None = None
        self.pruned = False

    @property
    def is_over(self) -> bool:
        return self.run is None or self.run.is_done

    def begin(self) -> None:
        """Have it trained; return when that has begun."""
        twin = self._twin()
        if twin is not None:
            self._copy(twin)
            return
        try:
            self._train()
        except Exception as error:
            self._fail(cause(told_of_memory(error, self.job.cells.plan)))

    def end(self) -> None:
        """Put down how its training ended."""
        if self.run is not None:
            self._put_down(self.run.state)

    def leave(self) -> None:
        """Leave it to be gone on with, whatever it says it failed of: it was not at fault."""
        self.trial.set_user_attr(CUT_OFF, True)

    def _train(self) -> None:
        """Start its training, from its last checkpoint where it was under way when the process was killed."""
        if "record" in self.trial.user_attrs:
            self.pruned = self.job.options.prune and self.trial.should_prune()  # killed between this and its end
            try:
                self._go_on(find_record(self.trial.user_attrs["run"], self.trial.user_attrs["record"]))
                return
            except CnnError:
                self.run, self.pruned = None, False  # its files are gone or unfit: it is trained anew
        plan = self.job.cells.plan_of(self.values)
        name = f"{self.job.name}_{self.number}"
        run = begin(name, plan, build_model(plan, name), self.job.cells.dataset_of(plan), self.job.cells.given.texts)
        work = work_of(run, train=self._where())
        self.trial.set_user_attr("run", name)
        self.trial.set_user_attr("epochs", (plan.training or Training()).epochs)
        if run.folder is not None:
            self.trial.set_user_attr("record", int(run.folder.name))
        self.job.refresh()
        self._start(run, work)
        _give_memory_back()

    def _go_on(self, record: Record) -> None:
        """Go on from a record's last checkpoint; of one that had ended already, put down how."""
        about = record.about
        seconds = sum(epoch.get("seconds", 0.0) for epoch in about["history"])
        ended = RunState(
            record.name, about["phase"], history=tuple(about["history"]), moment=seconds, failure=about["failure"]
        )
        has_failed = about["phase"] == "failed" and CUT_OFF not in self.trial.user_attrs
        if has_failed or about["phase"] in ("finished", "stopped early"):
            self._report(ended, None)
            self._put_down(ended)
        elif self.pruned:
            self._put_down(replace(ended, phase="stopped"))
        else:
            run, start = reopened(record, self.job.cells.given.variables, self.job.cells.given.data)
            self._start(run, work_of(run, start, self._where()))

    def _where(self) -> Train:
        """How it is trained: by a worker of the cluster, or here."""
        if self.job.options.workers is None:
            return train_in_place
        from cnnmagic.integrations.spark import fit_on_workers

        return fit_on_workers

    def _start(self, run: Run, work: Any) -> None:
        self.run = run
        run.listen(self._report)
        run.start(work, is_here=self.job.options.workers is None)
        self.job.sweep.begin(run)

    def _report(self, state: RunState, event: Event | None) -> None:
        """Tell the study of each epoch as it ends, and end a training that it calls hopeless."""
        if self.pruned or self.job.broken is not None or (event is not None and not isinstance(event, EpochEnded)):
            return
        goal = self.job.options.goal
        try:
            known = self.job.study.get_trials(deepcopy=False)[self.trial.number].intermediate_values
            for step, epoch in enumerate(state.history, 1):
                if step not in known and goal in epoch:
                    self.trial.report(epoch[goal], step)
                    if self.run is not None and self.trial.should_prune():
                        self.pruned = True
                        self.run.stop()
                        break
            self.job.refresh()
        except Exception as error:  # such as a full disk: without its file the sweep is nothing
            self.job.break_off(error)

    def _put_down(self, state: RunState) -> None:
        if self.job.broken is not None:
            return
        if state.phase == "stopped" and self.job.sweep.is_stopping and not self.pruned:
            return
        self.trial.set_user_attr("seconds", round(state.seconds, 2))
        if state.failure:
            self._fail(state.failure)
            return
        best = self.job.trials()[self.number - 1].best
        if best is None:
            what = f"it gives no `{self.job.options.goal}`: there are no validation images"
            self._fail(what if state.history else STOPPED_EARLY)
        else:
            studies.close(self.job.study, self.trial, "pruned" if self.pruned else "done", best)

    def _fail(self, reason: str) -> None:
        self.trial.set_user_attr("reason", reason)
        studies.close(self.job.study, self.trial, "failed", None)

    def _twin(self) -> Trial | None:
        """An earlier trial of the same values, which would be trained to the same scores."""
        earlier = (trial for trial in self.job.sweep.state.ended if trial.number < self.number)
        return next((trial for trial in earlier if dict(trial.values) == self.values), None)

    def _copy(self, twin: Trial) -> None:
        for step, score in enumerate(twin.scores, 1):
            self.trial.report(score, step)
        for name, value in (("run", twin.run), ("epochs", twin.epochs), ("twin", twin.number)):
            self.trial.set_user_attr(name, value)
        if twin.reason:
            self.trial.set_user_attr("reason", twin.reason)
        studies.close(self.job.study, self.trial, twin.state, twin.best)


def _give_memory_back() -> None:
    from cnnmagic.engine.backend import give_memory_back

    give_memory_back()
