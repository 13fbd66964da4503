"""The life of a run: its beginning, its going on after a stop or a kill, its coming back from disk."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.events import Finished, Noted, Reading, Stop
from cnnmagic.held_back import HeldBack
from cnnmagic.memory import is_out_of_memory, told_of_memory
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.places import Train, check_places, train_in_place
from cnnmagic.plans import Plan, Training
from cnnmagic.recorder import Recorder, in_training_elsewhere
from cnnmagic.run import Run
from cnnmagic.state import RunState, cause, state_of
from cnnmagic.storage import Record, new_folder

LARGEST_SEED = 2**31


def begin(name: str, plan: Plan, model: Any, dataset: Any, texts: Mapping[str, str] | None = None) -> Run:
    """A new run, kept in a folder of its own where the disk allows; `texts` are those that `use` might name."""
    run = _connected(Run(name, plan, model, dataset))
    for note in dataset.notes:
        run.note(note)
    if plan.batch_is_auto:
        _try_batches(run)
    run.seed = secrets.randbelow(LARGEST_SEED) if plan.seed is None else plan.seed
    run.texts = dict(texts or {}) if "use" in plan.text else {}
    if plan.training is not None and plan.training.checkpoint:
        try:
            run.folder = new_folder(name)
        except OSError as error:
            run.note(f"the run is not kept on disk ({error.strerror or error})")
    return run


def work_of(run: Run, start: Any = None, train: Train = train_in_place) -> Callable[..., None]:
    """What the run's thread does: `train` the model from `start` on, guarded against use by others meanwhile."""
    from cnnmagic.engine.graphs import let_go_of_steps
    from cnnmagic.engine.guard import guard

    training = run.plan.training or Training()
    record = Recorder(run)
    tracker = _tracker(run, training)
    record.lock()
    if start is None:
        record.begin()  # now, while it may have to wait for its turn: a kill is to lose nothing

    def work(emit: Any, commands: Any) -> None:
        keeper = _keeper(run, training, record, start)
        release = guard(run.model, run.name, run.wait_quietly)
        try:
            if tracker is not None:
                tracker.begin()
            if not _has_read(run, emit, commands):
                return
            snapshot = start
            while not _fits(train, run, keeper, emit, commands, snapshot):
                snapshot = keeper.last
        except BaseException as error:
            told = told_of_memory(error, run.plan)
            record.failure = cause(told)
            raise told from error if told is not error else error.__cause__
        finally:
            let_go_of_steps(run.model)
            release()
            run.snapshot = keeper.last or start
            keeper.close()
            if tracker is not None:
                tracker.end()
            record.close(keeper.is_written)

    return work


def _fits(train: Train, run: Run, keeper: Any, emit: Any, commands: Any, start: Any) -> bool:
    """Train; False where a batch that `batch=auto` chose had too little memory from the first on: it is halved then.

    The trial that found it trains one batch at a time, and a GPU may hold parts of several.
    """
    try:
        train(run, keeper, emit, commands, start)
    except Exception as error:
        size = (run.plan.training or Training()).batch_size
        is_at_the_start = keeper.last is not None and not (keeper.last.position.epoch or keeper.last.position.batch)
        if not (run.plan.batch_is_auto and is_out_of_memory(error) and is_at_the_start and size > 1):
            raise
    else:
        return True
    run.plan = replace(run.plan, training=replace(run.plan.training or Training(), batch_size=size // 2))
    run.note(f"batch=auto is {size // 2}: for batches of {size} there was not enough memory in the training")
    return False


def _tracker(run: Run, training: Training) -> Any:
    """What logs the run to MLflow; None where it is not to be logged."""
    from cnnmagic.integrations.mlflow import tracker_of

    return tracker_of(run, training.mlflow)


def _has_read(run: Run, emit: Callable[[Any], None], commands: Any) -> bool:
    """Read and check the images of files before the first batch; False where a Stop came meanwhile."""
    from cnnmagic.engine.reading import read_all

    held = HeldBack(commands, Stop)
    dataset = read_all(run.dataset, lambda done, whole: emit(Reading(done, whole)), lambda: held.is_urgent)
    held.give_back()
    if dataset is None:
        emit(Finished("stopped", time.monotonic()))
        return False
    for note in dataset.notes[len(run.dataset.notes) :]:
        emit(Noted(note))
    run.dataset = dataset
    return True


def _try_batches(run: Run) -> None:
    """On a GPU, where a trial is quick and memory short, put the largest batch that runs in place of the estimate."""
    from cnnmagic.engine.backend import device_name
    from cnnmagic.engine.batch_trial import find_batch

    training = run.plan.training
    if training is None or device_name() == "CPU":
        return
    size = find_batch(run.model, run.dataset, training.batch_size)
    run.plan = replace(run.plan, training=replace(training, batch_size=size))
    run.note(f"batch=auto is {size}, the largest of those tried that the GPU can train and that leaves enough batches")


def more(run: Run, epochs: int) -> None:
    """Let a training that is over go on for more epochs, optimizer and all; a schedule runs anew over them.

    Raises `CnnError` where that can't be, and leaves the run as it is.
    """
    if not isinstance(epochs, Integral) or epochs < 1:
        remedy = "Give a whole number, for example `%cnn more net 5`."
        raise RunError(f"{epochs!r} epochs can't be trained.", remedy=remedy)
    snapshot = _snapshot_of(run)
    position, training = snapshot.position, run.plan.training or Training()
    whole = position.epoch + bool(position.batch) + epochs
    begin = position.epoch * run.state.batches + position.batch if training.schedule != "constant" else position.begin
    longer = replace(run.plan, training=replace(training, epochs=int(whole)))
    check_places(longer)
    run.plan = longer
    if training.schedule != "constant":
        run.note(f"the {training.schedule} schedule runs again from epoch {position.epoch + 1} to {whole}")
    run.start(work_of(run, replace(snapshot, position=replace(position, begin=begin, waited=0))))


def go_on(run: Run) -> None:
    """Let a training that was stopped, or that failed, go on to its end from where it was."""
    if run.state.phase in ("finished", "stopped early"):
        remedy = f"`%cnn more {run.name} 5` trains 5 more epochs."
        raise RunError(f"{run.name} has {run.state.phase}: there is nothing to resume.", remedy=remedy)
    check_places(run.plan)
    run.start(work_of(run, _snapshot_of(run)))


def roll_back(run: Run) -> int:
    """Give the model the weights of its best epoch, whose number is returned; raises `RunError` where none are kept.

    A training that goes on from there has the optimizer of the last checkpoint; a mean of the weights begins anew.
    """
    from cnnmagic.engine.checkpoint import read_weights
    from cnnmagic.engine.mean import restart_mean
    from cnnmagic.engine.snapshot import assign, copied, restore

    run.wait_until_usable()
    if run.folder is None:
        raise RunError(f"{run.name} is not kept on disk, and neither are its best weights.", remedy="Train it anew.")
    weights, epoch = read_weights(run.folder)
    if run.snapshot is not None:
        restore(run.model, run.snapshot.variables)
    assign(run.model.variables, weights)
    if run.snapshot is not None:
        restart_mean(run.model)
        optimizer = copied(run.model.optimizer.variables)
        variables = replace(run.snapshot.variables, model=weights, optimizer=optimizer)
        run.snapshot = replace(run.snapshot, variables=variables)
    run.note(f"the weights are those of epoch {epoch}, the best")
    return epoch


def resume_record(record: Record, variables: Mapping[str, Any], data: Any = None) -> Run:
    """Train a run on disk to its end from its last checkpoint, or from its beginning where it has not come so far.

    Raises `CnnError` where that can't be.
    """
    run, start = reopened(record, variables, data)
    check_places(run.plan)
    run.start(work_of(run, start))
    return run


def reopened(record: Record, variables: Mapping[str, Any], data: Any = None) -> tuple[Run, Any]:
    """A run on disk that is to go on, and the snapshot to start from, None for its beginning; raises `CnnError`."""
    from cnnmagic.engine.checkpoint import has_snapshot, read_snapshot

    if record.is_running:
        raise in_training_elsewhere(record.name)
    if record.about["phase"] in ("finished", "stopped early"):
        remedy = f"`%cnn load {record.name}` brings it back, `%cnn more {record.name} 5` trains 5 more epochs then."
        raise RunError(f"{record.name} has {record.about['phase']}: there is nothing to resume.", remedy=remedy)
    if not has_snapshot(record.folder) and not record.about["history"]:
        run = _brought_back(record, variables, data, RunState(name=record.name))
        run.note("no checkpoint had been written yet: the training begins anew")
        return run, None
    snapshot, story = read_snapshot(record.folder)
    return _brought_back(record, variables, data, state_of(record.name, story, "queued")), snapshot


def load_record(record: Record, variables: Mapping[str, Any], data: Any = None) -> Run:
    """A run on disk as it was at its last checkpoint, not in training; raises `CnnError` where that can't be."""
    from cnnmagic.engine.checkpoint import read_snapshot
    from cnnmagic.engine.fit import put_result
    from cnnmagic.engine.snapshot import restore

    snapshot, story = read_snapshot(record.folder)
    phase = record.about["phase"]
    state = state_of(record.name, story, "stopped" if phase == "training" else phase)
    run = _brought_back(record, variables, data, replace(state, failure=record.about["failure"]))
    if record.is_running:
        run.note("it was still in training when it was loaded: this is its last checkpoint")
    restore(run.model, snapshot.variables)
    put_result(run.model, run.plan.training or Training(), snapshot.best)
    run.snapshot = snapshot
    return run


def _brought_back(record: Record, variables: Mapping[str, Any], data: Any, state: RunState) -> Run:
    from cnnmagic.engine.splits import fingerprint

    about = record.about
    if data is None and not any(_names_data(text) for text in (about["text"], *about["texts"].values())):
        remedy = f'Give them again: `cnnmagic.load("{record.name}", data=(images, labels))`, or `resume` so.'
        raise RunError(f"{record.name} was trained on data that its text does not name.", remedy=remedy)
    plan = make_plan(about["text"], variables, about["first_line"], data, about["texts"])
    given = plan.training or Training()
    settled = {**about["training"], "mixing": given.mixing}  # JSON has no tuples
    if settled["workers"] == 1:  # records have told it where the text names none
        settled["workers"] = given.workers
    plan = replace(plan, training=Training(**settled))
    dataset = load_data(plan)
    if (found := fingerprint(dataset)) != about["data"]["fingerprint"]:
        message = f"the data are not those that {record.name} was trained on (fingerprint {found})."
        raise RunError(message, remedy=f"Its data were {about['data']['source']}; train it anew on these.")
    run = _connected(Run(record.name, plan, build_model(plan, record.name), dataset, state))
    run.seed, run.folder, run.texts = about["seed"], record.folder, about["texts"]
    return run


def _names_data(text: str) -> bool:
    return any(line.split()[:1] == ["data"] for line in text.lower().splitlines())


def _connected(run: Run) -> Run:
    """The run with the ways of its life that need an engine."""
    run.go_on, run.add_epochs, run.roll_back = partial(go_on, run), partial(more, run), partial(roll_back, run)
    return run


def _snapshot_of(run: Run) -> Any:
    if run.state.is_over:
        run.wait_quietly()  # its last checkpoint is being written
    if not run.is_done:
        raise RunError(f"{run.name} is {run.state.phase}.", remedy=f"`%cnn stop {run.name}` ends it first.")
    if run.snapshot is None:
        raise RunError(f"{run.name} has trained nothing to go on from.", remedy=f"`%cnn train {run.name}` trains it.")
    return run.snapshot


def _keeper(run: Run, training: Training, record: Recorder, start: Any) -> Any:
    from cnnmagic.engine.keeper import Keeper

    keeper = Keeper(run.model, run.folder, training.checkpoint * 60 or float("inf"), lambda: run.state, run.note)
    keeper.record = record.write
    keeper.best = run.state.best_score(start.position.epoch if start is not None else 0)
    return keeper
