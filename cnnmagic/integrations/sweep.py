"""Runs a sweep: one trial after the other through the same build and fit as any run, kept so that it can go on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from cnnmagic.engine.data import fingerprint
from cnnmagic.errors import CnnError, DataError, RunError
from cnnmagic.events import EpochEnded, Event
from cnnmagic.integrations import study as studies
from cnnmagic.integrations.sweep_folder import SweepRecord, last_sweep, new_sweep
from cnnmagic.lang.sweeps import filled_text, trials_of
from cnnmagic.lifecycle import begin, resume_record, work_of
from cnnmagic.memory import told_of_memory
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.plans import Plan, Sweep, Training
from cnnmagic.run import Run
from cnnmagic.state import RunState, cause
from cnnmagic.storage import find_record, lock_folder
from cnnmagic.sweep_run import SweepRun, failed_altogether
from cnnmagic.trials import SweepState, Trial

STOPPED_EARLY = "the training was stopped before its first epoch was over"


@dataclass(frozen=True)
class Given:
    """What a cell needs besides its text: the notebook's variables, texts that it may use, data in place of its own."""

    variables: Mapping[str, Any]
    texts: Mapping[str, str]
    data: Any = None


def begin_sweep(name: str, plan: Plan, given: Given) -> SweepRun:
    """Start the sweep of a plan, or go on with the one on disk that says the same and was broken off.

    Raises `CnnError` where Optuna is not there, the data are wrong, or nothing can be written.
    """
    studies.load_optuna()
    job = _Job(name, plan, given)
    about = {
        "name": name,
        "text": plan.text,
        "texts": dict(given.texts) if "use" in plan.text else {},
        "first_line": plan.first_line,
        "data": {"source": str(plan.source), "fingerprint": fingerprint(job.dataset_of(job.first_plan()))},
    }
    earlier = last_sweep(name)
    if earlier is not None and _same(earlier, about) and not earlier.is_running:
        job.open(earlier)
        if job.is_left:
            job.note(f"goes on from an earlier sweep of this text, of which {job.ended} trials were done")
            return job.start()
        job.close()
    job.open(new_sweep(name, about | {"created": time.time()}))
    return job.start()


def resume_sweep(record: SweepRecord, given: Given) -> SweepRun:
    """Let a sweep on disk go on with the trial that was under way; raises `CnnError` where that can't be."""
    if record.is_running:
        raise RunError(f"{record.name} is swept in another process.", remedy="Stop it there, or wait for its end.")
    job = _job_of(record, given)
    if not job.is_left:
        job.close()
        remedy = f"`%cnn sweep {record.name}` shows it."
        raise RunError(f"the sweep of {record.name} is finished: there is nothing to resume.", remedy=remedy)
    if (found := fingerprint(job.dataset_of(job.first_plan()))) != record.about["data"]["fingerprint"]:
        job.close()
        message = f"the data are not those that {record.name} was swept on (fingerprint {found})."
        raise RunError(message, remedy=f"Its data were {record.about['data']['source']}; run its cell anew on these.")
    return job.start()


def read_sweep(record: SweepRecord, given: Given) -> SweepRun:
    """A sweep on disk as it stands, not going on; raises `CnnError` where its text can't be planned any more."""
    job = _job_of(record, given, is_reading=True)
    job.sweep.change(phase="stopped" if job.is_left else "finished")
    return SweepRun(job.plan, job.sweep.state)


def _job_of(record: SweepRecord, given: Given, is_reading: bool = False) -> _Job:
    about = record.about
    texts = {**given.texts, **about["texts"]}
    plan = make_plan(about["text"], given.variables, about["first_line"], given.data, texts)
    job = _Job(record.name, plan, replace(given, texts=texts))
    job.open(record, is_reading)
    return job


def _same(record: SweepRecord, about: Mapping[str, Any]) -> bool:
    return all(record.about.get(key) == about[key] for key in ("text", "texts", "data"))


class _Job:
    """One sweep at work: its plan, its study, the splits of its data by what they depend on."""

    def __init__(self, name: str, plan: Plan, given: Given):
        assert plan.sweep is not None  # only a plan with a `sweep` line comes here
        self.plan, self.given, self.options = plan, given, plan.sweep
        self.names = studies.names_of(plan.choices)
        self.seed = next((seed for seed in (plan.sweep.seed, plan.seed) if seed is not None), 0)
        self.epochs = (plan.training or Training()).epochs
        self.datasets: dict[object, Any] = {}
        self.study: Any = None
        self.held: Any = None
        self.pruned = False
        self.broken: BaseException | None = None
        whole = trials_of(plan.sweep, plan.choices)
        state = SweepState(name, plan.sweep.goal, plan.sweep.method, self.seed, whole)
        self.sweep = SweepRun(plan, state)

    def open(self, record: SweepRecord, is_reading: bool = False) -> None:
        """Take up a sweep's folder, marked as in use unless it is only read."""
        if not is_reading:
            self.held = lock_folder(record.folder)
        self.study = studies.open_study(record.study, self.options, self.epochs, is_reading)
        self.refresh()

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

    def note(self, text: str) -> None:
        self.sweep.change(notes=(*self.sweep.state.notes, text))

    def start(self) -> SweepRun:
        self.sweep.start(self.work)
        return self.sweep

    def work(self, sweep: SweepRun) -> None:
        """Train what is left, in the sweep's thread."""
        try:
            while self.is_left and not sweep.is_stopping:
                self.train(studies.propose(self.study, self.options, self.names, self.seed))
                sweep.run = None
                self.refresh(judged=True)
                if self.broken is not None:
                    raise self.broken
            if (failed := failed_altogether(sweep.state)) is not None:
                raise failed
        finally:
            self.close()

    def refresh(self, under_way: int | None = None, judged: bool = False) -> None:
        """Read the trials anew; `under_way` is the number of the one in training, from 0."""
        trials = [
            replace(trial, state="training") if trial.number - 1 == under_way else trial
            for trial in studies.trials_in(self.study, self.options, self.names)
        ]
        changes: dict[str, Any] = {"trials": tuple(trials)}
        if judged or self.sweep.state.is_over:
            changes["importance"] = studies.importance_in(self.study, self.seed)
        best = replace(self.sweep.state, trials=tuple(trials)).best
        if best is not None:
            changes["winner"] = f"%%cnn {self.sweep.name}_best\n{self.text_of(dict(best.values))}"
        self.sweep.change(**changes)

    def train(self, trial: Any) -> None:
        """One trial to its end, in whatever way; where the sweep is stopped it is left as it is, to be gone on with."""
        values = studies.texts_of(trial.params, self.names)
        twin = self.twin_of(trial.number, values)
        if twin is not None:
            self.copy(trial, twin)
            return
        self.refresh(trial.number)
        self.pruned = False
        try:
            run = self.run_of(trial, values)
        except Exception as error:
            self.fail(trial, cause(told_of_memory(error, self.plan)))
            return
        if isinstance(run, Run):
            run.wait_quietly()
            self.end(trial, run.state)
        else:
            self.end(trial, run)

    def run_of(self, trial: Any, values: Mapping[str, str]) -> Run | RunState:
        """The training of a trial, started; the state of one that had ended when the process was killed."""
        if "record" in trial.user_attrs:
            self.pruned = self.options.prune and trial.should_prune()  # it was killed between this and its end
            try:
                return self.resumed(trial)
            except CnnError:
                pass  # its files are gone or unfit: it is trained anew
        plan = self.planned(values)
        name = f"{self.sweep.name}_{trial.number + 1}"
        run = begin(name, plan, build_model(plan, name), self.dataset_of(plan), self.given.texts)
        work = work_of(run)
        trial.set_user_attr("run", name)
        trial.set_user_attr("epochs", (plan.training or Training()).epochs)
        if run.folder is not None:
            trial.set_user_attr("record", int(run.folder.name))
        self.refresh(trial.number)
        run.listen(partial(self.report, trial, run))
        self.sweep.begin(run)
        run.start(work)
        _give_memory_back()
        return run

    def resumed(self, trial: Any) -> Run | RunState:
        """The training of a trial from its last checkpoint on."""
        record = find_record(trial.user_attrs["run"], trial.user_attrs["record"])
        about = record.about
        if about["phase"] in ("finished", "stopped early", "failed"):
            state = RunState(name=record.name, phase=about["phase"], history=tuple(about["history"]))
            if about["failure"]:
                state = replace(state, error=RunError(about["failure"]))
            self.report(trial, None, state, None)
            return state
        if self.pruned:
            return RunState(name=record.name, phase="stopped", history=tuple(about["history"]))
        run = resume_record(record, self.given.variables, self.given.data)
        run.listen(partial(self.report, trial, run))
        self.sweep.begin(run)
        return run

    def report(self, trial: Any, run: Run | None, state: RunState, event: Event | None) -> None:
        """Tell the study of each epoch as it ends, and end a training that it calls hopeless."""
        if self.pruned or self.broken is not None or (event is not None and not isinstance(event, EpochEnded)):
            return
        try:
            known = self.study.get_trials(deepcopy=False)[trial.number].intermediate_values
            for step, epoch in enumerate(state.history, 1):
                if step not in known and self.options.goal in epoch:
                    trial.report(epoch[self.options.goal], step)
                    if run is not None and trial.should_prune():
                        self.pruned = True
                        run.stop()
                        break
            self.refresh(trial.number)
        except Exception as error:  # such as a full disk: without its file the sweep is nothing
            self.broken = error
            if run is not None:
                run.stop()

    def end(self, trial: Any, state: RunState) -> None:
        """Put down how a trial's training ended."""
        if self.broken is not None:
            return
        if state.phase == "stopped" and self.sweep.is_stopping and not self.pruned:
            return
        trial.set_user_attr("seconds", round(state.seconds, 2))
        if state.error is not None:
            self.fail(trial, cause(state.error))
            return
        best = studies.trials_in(self.study, self.options, self.names)[trial.number].best
        if best is None:
            what = f"it gives no `{self.options.goal}`: there are no validation images"
            self.fail(trial, what if state.history else STOPPED_EARLY)
        else:
            studies.close(self.study, trial, "pruned" if self.pruned else "done", best)

    def fail(self, trial: Any, reason: str) -> None:
        trial.set_user_attr("reason", reason)
        studies.close(self.study, trial, "failed", None)

    def twin_of(self, number: int, values: Mapping[str, str]) -> Trial | None:
        """An earlier trial of the same values, which would be trained to the same scores."""
        return next((t for t in self.sweep.state.ended if t.number <= number and dict(t.values) == values), None)

    def copy(self, trial: Any, twin: Trial) -> None:
        for step, score in enumerate(twin.scores, 1):
            trial.report(score, step)
        for name, value in (("run", twin.run), ("epochs", twin.epochs), ("twin", twin.number)):
            trial.set_user_attr(name, value)
        if twin.reason:
            trial.set_user_attr("reason", twin.reason)
        studies.close(self.study, trial, twin.state, twin.best)

    def text_of(self, values: Mapping[str, str]) -> str:
        """The cell with values in place of the braces, without the `sweep` line, the seed written down."""
        places = {choice.place: values[name] for name, choice in self.names.items() if choice.place}
        text = filled_text(self.plan.text, self.plan.first_line, places, self.options.place)
        text += "" if self.plan.training else "train\n"
        return text + ("" if self.plan.seed is not None else f"seed {self.seed}\n")

    def planned(self, values: Mapping[str, str]) -> Plan:
        given = self.given
        return make_plan(self.text_of(values), given.variables, self.plan.first_line, given.data, given.texts)

    def first_plan(self) -> Plan:
        """The plan of the first value of each choice."""
        return self.planned({name: choice.written[0] for name, choice in self.names.items()})

    def dataset_of(self, plan: Plan) -> Any:
        """The splits for a plan, read once for all trials that share them; raises `DataError`."""
        training = plan.training or Training()
        key = (training.validation, plan.input_shape)
        if key not in self.datasets:
            self.datasets[key] = load_data(plan)
        dataset = self.datasets[key]
        _check_goal(self.options, dataset)
        return dataset


def _check_goal(options: Sweep, dataset: Any) -> None:
    if options.goal.startswith("val_") and not len(dataset.validation):
        message = f"there are no validation images, and the sweep's goal is {options.goal}."
        raise DataError(message, remedy=f"Write `train validation=0.1`, or `sweep goal={options.goal[4:]}`.")


def _give_memory_back() -> None:
    from cnnmagic.engine.backend import give_memory_back

    give_memory_back()
