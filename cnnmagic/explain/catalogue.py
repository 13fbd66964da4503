"""The questions in the order in which they are asked, and the answers to those that apply."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cnnmagic.errors import CnnError
from cnnmagic.explain.answer import Answer
from cnnmagic.explain.find import find_question
from cnnmagic.explain.language import language
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.questions import (
    architecture,
    confusion,
    convolution,
    cost,
    databricks,
    features,
    gradcam,
    layers,
    learning_rate,
    mathematics,
    next,
    odd_filters,
    overfitting,
    pooling,
    sizes,
    softmax,
    volumes,
    why_cnn,
)
from cnnmagic.explain.silent import Silent
from cnnmagic.explain.texts import Words, table
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

QUESTIONS: dict[str, Callable[[Plan, RunState | None, Probe], Answer | None]] = {
    "mathematics": mathematics.answer,
    "why-cnn": why_cnn.answer,
    "architecture": architecture.answer,
    "softmax": softmax.answer,
    "odd-filters": odd_filters.answer,
    "sizes": sizes.answer,
    "databricks": databricks.answer,
    "next": next.answer,
    "volumes": volumes.answer,
    "convolution": convolution.answer,
    "pooling": pooling.answer,
    "overfitting": overfitting.answer,
    "learning-rate": learning_rate.answer,
    "confusion": confusion.answer,
    "features": features.answer,
    "gradcam": gradcam.answer,
    "cost": cost.answer,
    "layers": layers.answer,
}

OF_OUTPUT = ("softmax", "overfitting", "learning-rate", "confusion", "gradcam")
# What a network is without that a question has no answer for, besides those on its output.
LACKING = dict.fromkeys(("why-cnn", "convolution", "odd-filters", "features", "gradcam"), "no_convolution") | {
    "cost": "no_weights",
    "layers": "no_such_layers",
}


def title_of(question: str) -> str:
    """The question in the language in force."""
    return str(table(language(), question)["title"])


def applying(plan: Plan, state: RunState | None = None) -> list[str]:
    """The ids of the questions that have an answer for this network now, or say what it waits for.

    One whose answer fails is among them: who opens it sees of what.
    """
    return [question for question in QUESTIONS if _applies(question, plan, state)]


def listing(plan: Plan, state: RunState | None = None) -> str:
    """The questions that apply, one a line: id and words."""
    ids = applying(plan, state)
    width = max(map(len, ids))
    return "\n".join(f"{question:<{width}}  {title_of(question)}" for question in ids)


def answer(words: str, plan: Plan, state: RunState | None = None, probe: Probe | None = None) -> Answer:
    """The answer to a question, by its id or in free words; raises `CnnError` where none fits, or it does not apply."""
    question = words if words in QUESTIONS else find_question(words)
    said = Words("panel")
    if question is None:
        raise CnnError(said("nothing", words=words), remedy=f"{said('there_are')}\n{listing(plan, state)}")
    found = QUESTIONS[question](plan, state, probe or Silent())
    if found is None:
        why = said(_lacking(question, plan))
        raise CnnError(
            said("other", title=title_of(question), why=why), remedy=f"{said('there_are')}\n{listing(plan, state)}"
        )
    return found


def _applies(question: str, plan: Plan, state: RunState | None) -> bool:
    try:
        return QUESTIONS[question](plan, state, Silent()) is not None
    except Exception:  # one answer that fails must not take the others away
        logging.getLogger(__name__).exception("the answer to %s failed", question)
        return True


def _lacking(question: str, plan: Plan) -> str:
    """The word for what a network lacks that a question does not apply to."""
    if plan.output is None and question in OF_OUTPUT:
        return "no_output"
    return LACKING.get(question, "no_volume")
