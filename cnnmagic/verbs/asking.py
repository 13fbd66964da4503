"""The verbs that answer questions: ask, explain, doctor, lang."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from cnnmagic.errors import CnnError, RunError
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.session import Session

if TYPE_CHECKING:
    from cnnmagic.explain.answer import Answer

# What answers is imported inside functions: every `%%cnn` cell imports the verbs.


def ask(session: Session, words: Sequence[str]) -> None:
    """List the questions on a network that have an answer now, or answer one: ask NAME, ask NAME why softmax."""
    from cnnmagic.explain import catalogue
    from cnnmagic.explain.texts import Words

    name, question = _parted(session, words)
    plan = session.find_plan(name)[1]
    if session.is_notebook:
        _show(session, name, question)
    elif question:
        print(_answer(session, name, question))
    else:
        state = found.state if isinstance(found := session.find(name), Run) else None
        print(f"{catalogue.listing(plan, state)}\n\n{Words('panel')('hint', name=name)}")


def explain(session: Session, words: Sequence[str]) -> None:
    """The same as ask: explain NAME, explain NAME why softmax."""
    ask(session, words)


def doctor(session: Session) -> None:
    """Tell what this kernel has and lacks: Python, Databricks, Keras, TensorFlow, GPU, MLflow, and the step to take."""
    from cnnmagic.explain.doctor import doctor_text, examine

    print(doctor_text(examine()))


def lang(session: Session, wanted: str | None) -> None:
    """Choose the language of the answers: lang ko, lang en."""
    from cnnmagic.explain.language import LANGUAGES, set_language
    from cnnmagic.explain.texts import Words

    if wanted is not None:
        set_language(wanted)
    known = ", ".join(f"`{name}` ({told})" for name, told in LANGUAGES.items())
    print(Words("panel")("set" if wanted else "now", known=known))


def _parted(session: Session, words: Sequence[str]) -> tuple[str, str]:
    """The network's name and the question; without a name the last network."""
    from cnnmagic.explain.find import find_question

    if words and words[0] in session.known:
        return words[0], " ".join(words[1:])
    if len(words) == 1 and find_question(words[0]) is None:
        session.find(words[0])  # raises: neither a network nor a question
    return session.find_plan(None)[0], " ".join(words)


def _answer(session: Session, name: str, question: str) -> Answer:
    from cnnmagic.asking import ask as answer_of

    rows = [("run", "state", "best", "parameters")]
    for entry in session.entries():
        best = "-" if entry.best is None else f"{entry.best:.2%}"
        rows.append((entry.name, entry.phase, best, f"{entry.parameters:,}"))
    found = session.find(name)
    return answer_of(question, name, found, session.variables, session.texts, rows if len(rows) > 1 else ())


def _show(session: Session, name: str, question: str) -> None:
    from cnnmagic.explain import catalogue
    from cnnmagic.explain.find import find_question
    from cnnmagic.explain.language import language
    from cnnmagic.explain.texts import Words
    from cnnmagic.ui.panel import Panel

    plan, found = session.find_plan(name)[1], session.find(name)
    ids = catalogue.applying(plan, found.state if isinstance(found, Run) else None)
    opened = find_question(question) if question else None
    if question and opened not in ids:
        _answer(session, name, question)  # raises: it fits nothing, or does not apply
    said = Words("panel")
    words = {key: said(key) for key in ("ask", "busy", "stop", "take")} | {"lang": language()}
    Panel(
        [(question, catalogue.title_of(question)) for question in ids],
        partial(_answer, session, name),
        partial(_found, ids),
        partial(_train_twin, session, name),
        words,
    ).show(opened)


def _found(ids: Sequence[str], words: str) -> tuple[str | None, str]:
    """The id that free words ask for, or what to say where none of the questions fits."""
    from cnnmagic.explain.find import find_question
    from cnnmagic.explain.texts import Words

    question = find_question(words)
    return (question, "") if question in ids else (None, Words("panel")("nothing", words=words))


def _train_twin(session: Session, name: str, answer: Answer) -> tuple[Run, Plan | Run]:
    """Start the twin of an answer under a name of its own; raises `CnnError`."""
    from cnnmagic.asking import planned_twin, start_twin

    original, plan = session.find(name), session.find_plan(name)[1]
    if isinstance(original, Run) and not original.is_done:
        raise RunError(f"{name} is {original.state.phase}.", remedy=f"`%cnn wait {name}` waits for its end.")
    assert answer.experiment is not None  # the button is there for one alone
    twin = planned_twin(answer.experiment, plan, session.variables, session.texts)
    if twin is None:
        raise CnnError("the twin can't be planned any more.", remedy=f"`%cnn ask {name}` asks anew.")
    chosen = f"{name}_{answer.id.replace('-', '_')}"
    session.check_name(chosen)
    run = start_twin(chosen, twin, original, session.texts)
    session.keep(chosen, run)
    return run, original
