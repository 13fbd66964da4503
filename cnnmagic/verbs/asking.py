"""The verbs that answer questions: ask, explain, doctor, lang."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cnnmagic.run import Run
from cnnmagic.session import Session
from cnnmagic.wording import closest

# What answers is imported inside functions: every `%%cnn` cell imports the verbs.


def ask(session: Session, words: Sequence[str]) -> None:
    """List the questions on a network that have an answer now, or answer one: ask NAME, ask NAME why softmax."""
    from cnnmagic.explain import catalogue
    from cnnmagic.explain.texts import Words
    from cnnmagic.panels import answered

    name, question = _parted(session, words)
    plan = session.find_plan(name)[1]
    if session.is_notebook:
        _show(session, name, question)
    elif question:
        answer = answered(session, name, session.find(name), question)
        print(replace(answer, title=f"{answer.title} · {name}"))
    else:
        state = found.state if isinstance(found := session.find(name), Run) else None
        print(f"{catalogue.listing(plan, state)}\n\n{Words('panel')('hint', name=name)}")


def explain(session: Session, words: Sequence[str]) -> None:
    """The same as ask: explain NAME, explain NAME why softmax."""
    ask(session, words)


def doctor(session: Session) -> None:
    """Tell what this kernel has and lacks: Keras, TensorFlow, GPU, Databricks, MLflow, Optuna, and the step to take."""
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
    from cnnmagic.explain.find import find_question, is_known_word

    if words and words[0] in session.known:
        return words[0], " ".join(words[1:])
    if len(words) == 1 and find_question(words[0]) is None:
        session.find(words[0])  # raises: neither a network nor a question
    if len(words) > 1 and not is_known_word(words[0]) and closest(words[0], session.known):
        session.find(words[0])  # raises: a slip for a network's name, whose question follows
    return session.find_plan(None)[0], " ".join(words)


def _show(session: Session, name: str, question: str) -> None:
    """Show the panel, with the question that is asked open; raises `CnnError` where it fits none or does not apply."""
    from cnnmagic.explain.find import find_question
    from cnnmagic.panels import answered, applying, questions_panel

    found = session.find(name)
    opened = find_question(question) if question else None
    if question and opened not in applying(found):
        answered(session, name, found, question)  # raises
    questions_panel(session, name, found).show(opened)
