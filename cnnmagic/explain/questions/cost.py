"""Why is this layer so large or slow?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cnnmagic.explain.answer import Answer, Experiment, Number
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.filled import formulas
from cnnmagic.explain.network import named, plain_convolutions, recounted, window_of
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import of_line, twin_of, with_filters
from cnnmagic.layers import Dense
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState
from cnnmagic.table import aligned, batch_of, bytes_text, short

MOST_ROWS = 12


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Weights, work and activations layer by layer; the largest of each, and why."""
    if not plan.parameters:
        return None
    words = Words("cost")
    heavy = _largest(plan, lambda step: step.parameters)
    parts = [words("text"), "\n".join(_rows(plan, words)), words("heavy", layer=named(heavy), why=_why(heavy))]
    numbers = [_share("parameters", heavy, heavy.parameters, plan.parameters, words)]
    numbers += [words.number("weights", heavy.parameters, layer=named(heavy)), words.number("all", plan.parameters)]
    if plan.flops:
        slow = _largest(plan, lambda step: step.flops or 0)
        numbers += [words.number("flops", slow.flops or 0, layer=named(slow)), words.number("all_flops", plan.flops)]
        numbers.append(_share("work", slow, slow.flops or 0, plan.flops, words))
        parts.append(words("slow", layer=named(slow)))
    numbers += _memory(plan, words)
    parts.append(words("dense" if isinstance(heavy.layer, Dense) else "conv"))
    figure, taken = _figure(plan, words), probe.seconds()
    if taken:
        numbers += _measured(taken, batch_of(plan), words)
        parts.append(words("measured", batch=batch_of(plan)))
        figure += _times(taken, words)
    return words.answer("\n\n".join(parts), tuple(numbers), figure, _experiment(plan, words))


def _largest(plan: Plan, size: Callable[[Step], int]) -> Step:
    return max(plan.steps, key=size)


def _share(key: str, step: Step, part: int, whole: int, words: Words) -> Number:
    return words.number(key, 100 * part / whole, layer=named(step))


def _why(step: Step) -> str:
    return next(
        (line.split(": ", 1)[1] for line in formulas(step) if line.startswith("weights: ")), f"{step.parameters:,}"
    )


def _memory(plan: Plan, words: Words) -> list[Number]:
    batch, sized = batch_of(plan), [step for step in plan.steps if step.elements]
    memory = plan.memory(batch)
    if not sized or memory is None:
        return []
    wide = max(sized, key=lambda step: step.elements or 0)
    held = wide.activation_bytes(batch) or 0
    return [
        words.number("activations", held, layer=named(wide), batch=batch),
        words.number("memory", memory, batch=batch),
    ]


def _measured(taken: Sequence[tuple[str, float]], batch: int, words: Words) -> list[Number]:
    layer, seconds = max(taken, key=lambda one: one[1])
    return [words.number("seconds", 1000 * seconds, layer=layer, batch=batch)]


def _times(taken: Sequence[tuple[str, float]], words: Words) -> str:
    slowest = sorted(taken, key=lambda one: -one[1])[:MOST_ROWS]
    kept = [one for one in taken if one in slowest]
    rows = [(layer, seconds, f"{1000 * seconds:.3g} ms") for layer, seconds in kept]
    return f"<div>{bars(words('figure_times'), rows)}</div>"


def _rows(plan: Plan, words: Words) -> Iterator[str]:
    """The costliest layers in the network's order."""
    batch = batch_of(plan)
    paid = [step for step in plan.steps if step.parameters or step.flops]
    kept = sorted(paid, key=lambda step: -(step.flops or step.parameters))[:MOST_ROWS]
    rows = [tuple(words("heads").split("|"))]
    for step in (step for step in plan.steps if step in kept):
        held = bytes_text(step.activation_bytes(batch))
        rows.append((phrase(step.layer), f"{step.parameters:,}", short(step.flops), held))
    yield from (f"    {line}" for line in aligned(rows, right=(1, 2, 3)))


def _figure(plan: Plan, words: Words) -> str:
    paid = sorted((step for step in plan.steps if step.parameters), key=lambda step: -step.parameters)[:MOST_ROWS]
    return bars(words("figure"), [(phrase(s.layer), s.parameters, f"{s.parameters:,}") for s in paid])


def _experiment(plan: Plan, words: Words) -> Experiment | None:
    """Half the filters in the convolution that works most."""
    found = [step for step in plain_convolutions(plan, 1) if window_of(step).filters > 1]
    if not found or plan.flops is None:
        return None
    slow = max(found, key=lambda step: step.flops or 0)
    filters = window_of(slow).filters // 2
    text = with_filters(plan, slow, str(filters))
    changed = {s.name: replace(window_of(s), filters=filters) for s in of_line(plan, slow)}
    twin = recounted(plan, changed) if text else None
    if text is None or twin is None:
        return None
    return twin_of(plan, words("button", filters=filters, weights=twin.parameters), text)
