"""What are the width, height and depth of a layer?"""

from __future__ import annotations

from collections.abc import Iterator

from cnnmagic.explain.answer import Answer
from cnnmagic.explain.network import named, volumes
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.layers import show
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState
from cnnmagic.table import aligned

MOST_ROWS = 24


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The volume that each layer gives, in numbers and drawn."""
    found = volumes(plan)
    if not found:
        return None
    words = Words("volumes")
    first = next((step for step in found if step.output_shape[-1] != plan.input_shape[-1]), found[-1])
    height, width, depth = (words("any") if size is None else size for size in first.output_shape)
    values = {"layer": named(first), "height": height, "width": width, "depth": depth}
    numbers = [words.number(key, size or 0, layer=first.name) for key, size in _sizes(first) if size is not None]
    largest = max(found, key=lambda step: step.elements or 0)
    if largest.elements is not None:
        numbers.append(
            words.number("largest", largest.elements, layer=named(largest), shape=show(largest.output_shape))
        )
    text = "\n\n".join([words("text", **values), "\n".join(_rows(plan, words))])
    return words.answer(text, tuple(numbers), probe.network())


def _sizes(step: Step) -> list[tuple[str, int | None]]:
    return list(zip(("height", "width", "depth"), step.output_shape, strict=True))


def _rows(plan: Plan, words: Words) -> Iterator[str]:
    """One line for each change of shape."""
    changes = [step for step in plan.steps if step.output_shape != step.input_shape]
    rows = [(phrase(s.layer), show(s.input_shape), "→", show(s.output_shape)) for s in changes[:MOST_ROWS]]
    yield from (f"    {line}" for line in aligned(rows))
    if len(changes) > MOST_ROWS:
        yield "    " + words("more", count=len(changes) - MOST_ROWS)
