"""Must I understand the mathematics?"""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from cnnmagic.explain.answer import Answer
from cnnmagic.explain.filled import MOST_LAYERS, filled_layers, heading
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

SIDES = ("height", "width", "weights")  # what the formulas of a layer are of, beside its answer


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """This network's mathematics on one page, and what can be decided without it."""
    words = Words("mathematics")
    numbers = [words.number("weights", plan.parameters, layers=len(plan.steps))]
    if plan.flops is not None:
        numbers.append(words.number("products", plan.flops // 2))
    parts = [words("text", weights=plan.parameters), "\n".join(_page(plan, words))]
    classes = plan.output.units if plan.output else 0
    if plan.output and classes > 1 and not plan.output.judges_each:
        numbers.append(words.number("guessing", log(classes), classes=classes))
        parts.append(words("loss", classes=classes, guessing=log(classes)))
    return words.answer("\n\n".join([*parts, words("decide")]), tuple(numbers), probe.network())


def _page(plan: Plan, words: Words) -> Iterator[str]:
    found = filled_layers(plan)
    for filled in found[:MOST_LAYERS]:
        yield f"    {heading(filled)}"
        for line in filled.lines:
            name, mark, rest = line.partition(": ")
            yield "        " + (f"{words(name)}: {rest}" if mark and name in SIDES else line)
    if len(found) > MOST_LAYERS:
        yield "    " + words("more", count=len(found) - MOST_LAYERS)
