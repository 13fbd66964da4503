"""Makes the panel of questions on a network of a session: hands it what answers, finds and trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnmagic.asking import ask, planned_twin, start_twin
from cnnmagic.errors import CnnError, RunError
from cnnmagic.explain import catalogue
from cnnmagic.explain.answer import Answer
from cnnmagic.explain.find import find_question
from cnnmagic.explain.texts import Words
from cnnmagic.logbook import standings
from cnnmagic.plans import Plan
from cnnmagic.run import Run

if TYPE_CHECKING:
    from cnnmagic.session import Session
    from cnnmagic.ui.panel import Panel

WORDS = ("ask", "busy", "stop", "take", "upload")


def questions_panel(session: Session, name: str, found: Plan | Run) -> Panel:
    """The panel of the questions that apply to a network now."""
    from cnnmagic.ui.panel import Panel

    ids = applying(found)
    said = Words("panel")
    return Panel(
        [(question, catalogue.title_of(question)) for question in ids],
        partial(answered, session, name, found),
        partial(_found, ids),
        partial(train_twin, session, name, found),
        {key: said(key) for key in WORDS},
    )


def applying(found: Plan | Run) -> list[str]:
    """The ids of the questions that have an answer for a network now."""
    return catalogue.applying(found.plan, found.state) if isinstance(found, Run) else catalogue.applying(found)


def answered(
    session: Session, name: str, found: Plan | Run, question: str, choices: Mapping[str, Any] | None = None
) -> Answer:
    """The answer to a question on a network, with the runs of the session beside it; raises `CnnError`."""
    rows = standings(session.entries(), session.entry(name))
    return ask(question, name, found, session.variables, session.texts, rows, choices)


def train_twin(session: Session, name: str, original: Plan | Run, answer: Answer) -> tuple[Run, Plan | Run]:
    """Start the twin of an answer under a name of its own; raises `CnnError`."""
    if isinstance(original, Run) and not original.is_done:
        raise RunError(f"{name} is {original.state.phase}.", remedy=f"`%cnn wait {name}` waits for its end.")
    assert answer.experiment is not None  # the button is there for one alone
    plan = original.plan if isinstance(original, Run) else original
    twin = planned_twin(answer.experiment, plan, session.variables, session.texts)
    if twin is None:
        raise CnnError("the twin can't be planned any more.", remedy=f"`%cnn ask {name}` asks anew.")
    chosen = f"{name}_{answer.id.replace('-', '_')}"
    session.check_name(chosen)
    run = start_twin(chosen, twin, original, session.texts)
    session.keep(chosen, run)
    return run, original


def _found(ids: Sequence[str], words: str) -> tuple[str | None, str]:
    """The id that free words ask for, or what to say where none of the questions fits."""
    question = find_question(words)
    return (question, "") if question in ids else (None, Words("panel")("nothing", words=words))
