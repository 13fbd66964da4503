"""A sweep's trials in Optuna's hands: what is proposed next, how each went, which choices mattered."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnmagic.errors import CnnError
from cnnmagic.lang.sweeps import combinations, trials_of
from cnnmagic.plans import Choice, Sweep
from cnnmagic.trials import Trial

if TYPE_CHECKING:
    import optuna

LEAST = "optuna>=3.6"
SHUFFLED = 1_000  # combinations that are gone through without a repetition; of more a chance repetition is rare
LEAST_KNOWN, LEAST_SHARE, USUAL_KNOWN = 4, 3, 10
LEAST_JUDGED = 4
FIELDS = ("run", "epochs", "seconds", "reason", "twin")
STATES = {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "interrupted", "WAITING": "waiting"}


def load_optuna() -> Any:
    """The module; raises `CnnError` with the cell that installs it where it is not there."""
    try:
        import optuna
    except ImportError:
        remedy = f'Run `%pip install "{LEAST}"` in a cell of its own, then this cell again.'
        raise CnnError("a sweep needs Optuna, which is not installed here.", remedy=remedy) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def open_study(path: Path, sweep: Sweep, epochs: int) -> optuna.Study:
    """The study of a file, a new one where there is none; only one process may have it open.

    `epochs` are those of a trial: a sixth of them passes before one may be pruned.
    """
    optuna = load_optuna()
    _mend(path)
    study: Any = optuna.create_study(
        storage=_storage(optuna, path),
        study_name=_name(path),
        direction="minimize" if sweep.is_loss else "maximize",
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=max(1, epochs // 6))
        if sweep.prune
        else optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    return study


def read_study(path: Path) -> optuna.Study:
    """The study of a file as it stands, half a line at its end left out; one without trials where there is none.

    Nothing is written: what is read may belong to another process.
    """
    optuna = load_optuna()
    storage = _storage(optuna, path) if path.exists() else None
    try:
        study: Any = optuna.load_study(storage=storage, study_name=_name(path)) if storage else optuna.create_study()
    except KeyError:  # it was killed before its first line was whole
        study = optuna.create_study()
    return study


def propose(
    study: optuna.Study, sweep: Sweep, names: Mapping[str, Choice], seed: int, under_way: Collection[int] = ()
) -> optuna.trial.Trial:
    """The trial to train next, its values proposed: one that was broken off, else a new one.

    `under_way` are the numbers, from 1, of those in training. Every value is drawn from a seed of its own, told by the
    trial's number: so that a sweep that was broken off, or whose trials end in another order, proposes what it would
    have proposed otherwise. TPE alone asks how the trials before have ended.
    """
    import optuna

    running = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
    left = [trial for trial in running if trial.number + 1 not in under_way]
    choices = tuple(names.values())
    study.sampler = _sampler(sweep, names, seed, seed)
    trial = optuna.trial.Trial(study, left[0]._trial_id) if left else study.ask()
    for position, name in enumerate(names):
        study.sampler = _sampler(sweep, names, seed, _seed_of(seed, trial.number, position))
        _suggest(trial, name, choices[position])
    return trial


def texts_of(values: Mapping[str, Any], names: Mapping[str, Choice]) -> dict[str, str]:
    """The values of a trial as the cell would say them."""
    return {name: _text(values[name], choice) for name, choice in names.items() if name in values}


def close(study: optuna.Study, trial: optuna.trial.Trial, state: str, score: float | None) -> None:
    """Put down how a trial ended: `done` with its score, `pruned` or `failed`."""
    import optuna

    # A grid's own sampler would end a study whose last combination this is, which only Optuna's loop can do.
    study.sampler = optuna.samplers.RandomSampler()
    if state == "done" and score is not None:
        study.tell(trial, score)
    else:
        kinds = optuna.trial.TrialState
        study.tell(trial, state=kinds.PRUNED if state == "pruned" else kinds.FAIL)


def trials_in(study: optuna.Study, sweep: Sweep, names: Mapping[str, Choice]) -> tuple[Trial, ...]:
    """The study's trials, those without an end as `interrupted`."""
    return tuple(_trial(frozen, sweep, names) for frozen in study.get_trials(deepcopy=False))


def importance_in(study: optuna.Study, seed: int) -> tuple[tuple[str, float], ...]:
    """The share of each choice in what makes the scores differ, the largest first; empty where too little is known."""
    import optuna

    done = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(done) < LEAST_JUDGED or len({trial.value for trial in done}) < 2:
        return ()
    try:
        judge = optuna.importance.FanovaImportanceEvaluator(seed=seed)
        found = optuna.importance.get_param_importances(study, evaluator=judge)
    except (RuntimeError, ValueError, ImportError):  # such as where each choice has one value
        return ()
    return tuple(found.items())


def names_of(choices: Sequence[Choice]) -> dict[str, Choice]:
    """A name for each choice: its argument, with its line where another has the same."""
    arguments = [choice.argument for choice in choices]
    named: dict[str, Choice] = {}
    for choice in choices:
        name = choice.argument
        if arguments.count(name) > 1:
            name = f"{name} (line {choice.line})"
        count = sum(known == name or known.startswith(f"{name} #") for known in named)
        named[f"{name} #{count + 1}" if count else name] = choice
    return named


def _trial(frozen: optuna.trial.FrozenTrial, sweep: Sweep, names: Mapping[str, Choice]) -> Trial:
    scores = tuple(frozen.intermediate_values[step] for step in sorted(frozen.intermediate_values))
    known: dict[str, Any] = {name: frozen.user_attrs[name] for name in FIELDS if name in frozen.user_attrs}
    best = (min if sweep.is_loss else max)(filter(isfinite, scores), default=None)
    values = tuple(texts_of(frozen.params, names).items())
    return Trial(frozen.number + 1, values, STATES[frozen.state.name], scores, best, **known)


def _sampler(sweep: Sweep, names: Mapping[str, Choice], seed: int, drawn: int) -> Any:
    """The sampler of a method; over few combinations one that repeats none, whose order is the sweep's seed's."""
    import optuna

    choices = tuple(names.values())
    whole = combinations(choices)
    if sweep.method == "tpe":
        known = min(USUAL_KNOWN, max(LEAST_KNOWN, trials_of(sweep, choices) // LEAST_SHARE))
        beside = (sweep.workers or 1) > 1  # then it keeps away from what is in training, whose end it does not know yet
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # before Optuna 5 that is called experimental
            return optuna.samplers.TPESampler(
                n_startup_trials=known, multivariate=False, constant_liar=beside, seed=drawn
            )
    if sweep.method == "grid" or (whole is not None and whole <= SHUFFLED):
        space = {name: list(dict.fromkeys(choice.written)) for name, choice in names.items()}
        return optuna.samplers.GridSampler(space, seed=seed)
    return optuna.samplers.RandomSampler(seed=drawn)


def _seed_of(seed: int, number: int, position: int) -> int:
    return int(np.random.SeedSequence([seed, number, position]).generate_state(1)[0])


def _suggest(trial: optuna.trial.Trial, name: str, choice: Choice) -> None:
    """Have a value drawn for a choice, unless the trial has it already."""
    if not choice.span:
        trial.suggest_categorical(name, tuple(dict.fromkeys(choice.written)))
        return
    low, high = map(float, choice.written)
    if choice.is_whole:
        trial.suggest_int(name, int(low), int(high), log=choice.log)
    else:
        trial.suggest_float(name, low, high, log=choice.log)


def _text(value: Any, choice: Choice) -> str:
    """A number of a range with as many digits as matter, unless they would put it outside."""
    if not isinstance(value, float):
        return str(value)
    low, high = map(float, choice.written)
    short = f"{value:.4g}"
    return short if low <= float(short) <= high else repr(value)


def _name(path: Path) -> str:
    return path.parent.parent.parent.name


def _storage(optuna: Any, path: Path) -> Any:
    """The storage in a file: Optuna 4 gave its parts other names."""
    journal: Any = getattr(optuna.storages, "journal", None)
    backend: Any = getattr(journal, "JournalFileBackend", None) or optuna.storages.JournalFileStorage
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # before Optuna 4 this storage was called experimental
        return optuna.storages.JournalStorage(backend(str(path)))


def _mend(path: Path) -> None:
    """Take away what a process left that was killed while it wrote: its lock, and half a line."""
    path.with_name(path.name + ".lock").unlink(missing_ok=True)
    if path.exists() and not (written := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(written[: written.rfind(b"\n") + 1])
