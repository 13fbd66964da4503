"""Why a convolutional network and not an ordinary one?"""

from __future__ import annotations

from itertools import pairwise
from math import prod

from cnnmagic.explain.answer import Answer, Experiment, Number
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.network import convolutions, fully_connected
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import dense_lines, twin_of, with_network
from cnnmagic.layers import Activation, Conv2D, Dense, show
from cnnmagic.layers.arithmetic import elements
from cnnmagic.plans import Plan
from cnnmagic.state import RunState
from cnnmagic.table import batch_of, bytes_text, short

# A. Karpathy's example in "CS231n: Convolutional neural networks for visual recognition" (2015).
CLASSIC = (200, 200, 3)
MOST_TRAINED = 5_000_000  # weights of an ordinary network that a processor trains in minutes


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The network against its fully connected twin, in weights, work and memory."""
    if not convolutions(plan):
        return None
    words = Words("why-cnn")
    numbers = [words.number("classic", prod(CLASSIC))]
    each, twin = elements(plan.input_shape), fully_connected(plan)
    if each is None or twin is None:
        return words.answer(words.all("text", "free", "used"), tuple(numbers))
    numbers += [words.number("neuron", each, shape=show(plan.input_shape)), *_costs(plan, twin, words)]
    ratio = twin.parameters / max(1, plan.parameters)
    told = words("compare", own=plan.parameters, twin=twin.parameters, ratio=ratio, each=each, **_more(plan, twin))
    text = "\n\n".join([words("text"), told, words("used")])
    return words.answer(text, tuple(numbers), _figure(plan, twin, words), _experiment(plan, words))


def ordinary_units(plan: Plan) -> tuple[tuple[int, ...], int]:
    """Widths of an ordinary network that hands on as many numbers as this one, and what they had to be divided by."""
    weighted = [step for step in plan.steps if isinstance(step.layer, Dense) or step in convolutions(plan)]
    wide = [elements(step.input_shape) or 1 for step in weighted[1:]]
    wide = [size for n, size in enumerate(wide) if n == 0 or size != wide[n - 1]]
    first, last = elements(plan.input_shape) or 1, plan.output.units if plan.output else 1
    part = 1
    while _weights((first, *_divided(wide, part), last)) > MOST_TRAINED and part < max(wide, default=1):
        part *= 2
    return _divided(wide, part), part


def _divided(sizes: list[int], part: int) -> tuple[int, ...]:
    return tuple(max(1, size // part) for size in sizes)


def _weights(sizes: tuple[int, ...]) -> int:
    return sum(inputs * outputs + outputs for inputs, outputs in pairwise(sizes))


def _costs(plan: Plan, twin: Plan, words: Words) -> list[Number]:
    batch = batch_of(plan)
    found = [words.number("own", plan.parameters), words.number("twin", twin.parameters)]
    found.append(words.number("ratio", twin.parameters / max(1, plan.parameters)))
    found += [words.number("own_flops", plan.flops or 0), words.number("twin_flops", twin.flops or 0)]
    found.append(words.number("own_memory", plan.memory(batch) or 0, batch=batch))
    return [*found, words.number("twin_memory", twin.memory(batch) or 0, batch=batch)]


def _more(plan: Plan, twin: Plan) -> dict[str, str]:
    batch = batch_of(plan)
    return {
        "own_flops": short(plan.flops),
        "twin_flops": short(twin.flops),
        "own_memory": bytes_text(plan.memory(batch)),
        "twin_memory": bytes_text(twin.memory(batch)),
        "batch": str(batch),
        "shape": show(plan.input_shape),
    }


def _figure(plan: Plan, twin: Plan, words: Words) -> str:
    rows = [(words("own_bar"), plan), (words("twin_bar"), twin)]
    return bars(words("figure"), [(label, p.parameters, f"{p.parameters:,}") for label, p in rows], log=True)


def _experiment(plan: Plan, words: Words) -> Experiment | None:
    if plan.output is None:
        return None
    units, part = ordinary_units(plan)
    text = with_network(plan, dense_lines(units, _activation(plan), plan.output.units, plan.output.activation))
    sizes = (elements(plan.input_shape) or 1, *units, plan.output.units)
    return twin_of(plan, words("button" if part > 1 else "button_whole", weights=_weights(sizes), part=part), text)


def _activation(plan: Plan) -> str:
    """The activation that the network uses first."""
    own = (s.layer.activation for s in plan.steps if isinstance(s.layer, Conv2D | Activation) and s.layer.activation)
    return next(own, "relu")
