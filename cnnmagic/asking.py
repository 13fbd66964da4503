"""Questions on a network of a session: hands the answers what they need of the engine and of the views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from cnnmagic.errors import CnnError, RunError
from cnnmagic.explain import catalogue
from cnnmagic.explain.answer import Answer, Experiment
from cnnmagic.lifecycle import begin, work_of
from cnnmagic.network_probe import NetworkProbe
from cnnmagic.pipeline import build_model, load_data, make_plan, retrained
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.wording import closest, listed


def ask(
    words: str,
    name: str,
    found: Plan | Run,
    variables: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    rows: Sequence[tuple[str, ...]] = (),
    choices: Mapping[str, Any] | None = None,
) -> Answer:
    """The answer to a question, by id or in free words, on a network; raises `CnnError` where none fits.

    `choices` are values of the answer's controls by their keys. A twin that can't be planned, since its text needs more
    than is here, is left out.
    """
    run = found if isinstance(found, Run) else None
    plan = found.plan if isinstance(found, Run) else found
    state = run.state if run is not None else None
    fits = partial(can_be_planned, plan, variables or {}, texts or {})
    answer = catalogue.answer(words, plan, state, NetworkProbe(name, plan, run, rows, choices, fits))
    _check_choices(choices or {}, answer)
    return with_possible_twin(answer, plan, variables or {}, texts or {})


def with_possible_twin(answer: Answer, plan: Plan, variables: Mapping[str, Any], texts: Mapping[str, str]) -> Answer:
    """The answer, without its twin where that can't be planned."""
    if answer.experiment is None or planned_twin(answer.experiment, plan, variables, texts) is not None:
        return answer
    return replace(answer, experiment=None)


def asking(run: Run) -> Run:
    """The run with its ways of answering: questions one by one, and all of them in a report."""
    run.ask = partial(_ask_run, run)
    run.report = partial(_report_run, run)
    return run


def _report_run(run: Run, path: str | Path | None = None, force: bool = False) -> Path:
    from cnnmagic.reporting import write_report

    return write_report(run.name, run, path, force, texts=run.texts)


def _ask_run(run: Run, words: str, **choices: Any) -> Answer:
    """The answer to a question on this run; `choices` are values of the answer's controls: `temperature=2`."""
    return ask(words, run.name, run, texts=run.texts, choices=choices)


def _check_choices(choices: Mapping[str, Any], answer: Answer) -> None:
    """Raise `RunError` for a choice that the answer does not offer; any may be asked with an image."""
    known = [control.key for control in answer.controls]
    for key in choices:
        if key not in (*known, "image"):
            near = closest(key, known)
            remedy = f"It has {listed(known)}." if known else "It has nothing to set."
            raise RunError(f"the answer to {answer.id} has no `{key}` to set{near or '.'}", remedy=remedy)


def planned_twin(
    experiment: Experiment, plan: Plan, variables: Mapping[str, Any], texts: Mapping[str, str]
) -> Plan | None:
    """The plan of a twin on the data of the original; None where its text can't be planned here."""
    try:
        return make_plan(experiment.text, variables, plan.first_line, texts=texts)
    except CnnError:
        return None


def can_be_planned(plan: Plan, variables: Mapping[str, Any], texts: Mapping[str, str], text: str) -> bool:
    """Whether a changed text of a plan's cell can be planned; so it is said where nothing can, as without its data."""

    def is_planned(text: str) -> bool:
        try:
            make_plan(text, variables, plan.first_line, texts=texts)
        except CnnError:
            return False
        return True

    return is_planned(text) or not is_planned(plan.text)


def start_twin(name: str, twin: Plan, original: Plan | Run, texts: Mapping[str, str]) -> Run:
    """Start the training of a twin: on the same split, in the same order, with the original's training."""
    if isinstance(original, Plan):
        planned = twin if twin.training else retrained(twin, "")
        run = asking(begin(name, planned, build_model(planned, name), load_data(planned), texts))
    else:
        planned = twin if twin.training else replace(twin, training=original.plan.training)
        same = planned.resize == original.plan.resize
        dataset = original.dataset if same else load_data(planned)
        run = asking(begin(name, planned, build_model(planned, name), dataset, texts))
        run.seed = original.seed
    run.start(work_of(run))
    return run
