"""What does pooling do?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.network import is_trained, named, recounted
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import of_line, twin_of, without_line
from cnnmagic.layers import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D, show
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

GLOBAL = (GlobalAveragePooling2D, GlobalMaxPooling2D)


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The sizes before and after, the weights with and without, and the gap between training and validation."""
    if not any(len(step.input_shape) == 3 for step in plan.steps):
        return None
    words = Words("pooling")
    windows = [step for step in plan.steps if isinstance(step.layer, MaxPooling2D | AveragePooling2D)]
    whole = [step for step in plan.steps if isinstance(step.layer, GLOBAL)]
    parts = [words("text")]
    if not windows and not whole:
        return words.answer("\n\n".join([*parts, words("none")]), (words.number("count", 0),))
    numbers = [words.number("count", len(windows) + len(whole)), *_sizes((windows or whole)[0], words)]
    parts += [_told(step, words) for step in windows] + [words("whole", layer=named(s)) for s in whole]
    text, numbers, figure, experiment = "\n\n".join(parts), [*numbers, *_gap(state, words)], None, None
    if windows and (twin := recounted(plan, dict.fromkeys([s.name for s in of_line(plan, windows[0])]))):
        numbers += _costs(plan, twin, windows[0], words)
        figure = _figure(plan, twin, words)
        changed = without_line(plan, windows[0].line)
        experiment = twin_of(plan, words("button"), changed)
    return words.answer(text, tuple(numbers), figure, experiment)


def _told(step: Step, words: Words) -> str:
    high, wide = step.layer.pool_size  # type: ignore[attr-defined]  # a pooling window has one
    kind = words("max" if isinstance(step.layer, MaxPooling2D) else "mean")
    values = {"before": show(step.input_shape), "after": show(step.output_shape), "high": high, "wide": wide}
    return words("layer", layer=named(step), kind=kind, **values)


def _sizes(step: Step, words: Words) -> list[Number]:
    before, after = step.input_shape, step.output_shape
    if None in (*before, *after):
        return []
    counts = [words.number("before", _count(before), layer=step.name, shape=show(before))]
    return [*counts, words.number("after", _count(after), layer=step.name, shape=show(after))]


def _count(shape: tuple[int | None, ...]) -> int:
    count = 1
    for size in shape:
        count *= size or 1
    return count


def _costs(plan: Plan, twin: Plan, step: Step, words: Words) -> list[Number]:
    found = [words.number("own", plan.parameters), words.number("twin", twin.parameters, layer=step.name)]
    if plan.flops is None or twin.flops is None:
        return found
    flops = words.number("own_flops", plan.flops), words.number("twin_flops", twin.flops, layer=step.name)
    return [*found, *flops]


def _gap(state: RunState | None, words: Words) -> list[Number]:
    if state is None or not is_trained(state) or "val_accuracy" not in state.history[-1]:
        return []
    last = state.history[-1]
    gap = 100 * (last["accuracy"] - last["val_accuracy"])
    return [words.number("gap", gap, epoch=len(state.history))]


def _figure(plan: Plan, twin: Plan, words: Words) -> str:
    rows = [(words("own_bar"), plan.parameters), (words("twin_bar"), twin.parameters)]
    return bars(words("figure"), [(label, count, f"{count:,}") for label, count in rows])
