"""What do dropout, batch normalisation and ReLU do here?"""

from __future__ import annotations

from collections.abc import Mapping

from cnnmagic.explain.answer import Answer, Experiment, Number
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.network import named
from cnnmagic.explain.probe import Activity, Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import twin_of, without_line, word_exchanged
from cnnmagic.formulas import FORMULAS
from cnnmagic.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

MOST_SHOWN = 16


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """What each of these kinds does in this network, and what becomes of it without one of them."""
    words = Words("layers")
    dropouts = [step for step in plan.steps if isinstance(step.layer, Dropout)]
    norms = [step for step in plan.steps if isinstance(step.layer, BatchNormalization)]
    active = activations(plan)
    if not (dropouts or norms or active):
        return None
    parts, numbers = [words("text")], []
    for told, found in (_dropout(dropouts, words), _norm(norms, words), _active(active, state, words)):
        parts += told
        numbers += found
    seen = {one.layer: one for one in probe.activity()}
    numbers += _seen(norms, seen, words)
    experiment = _experiment(plan, dropouts, norms, words)
    return words.answer("\n\n".join(parts), tuple(numbers), _figure(seen, words), experiment)


def activations(plan: Plan) -> dict[str, list[Step]]:
    """The steps that apply each activation, the output's left out."""
    found: dict[str, list[Step]] = {}
    for step in plan.steps[:-1]:
        name = step.layer.activation if isinstance(step.layer, Activation | Conv2D | Dense) else None
        if name in FORMULAS and name != "linear":
            found.setdefault(str(name), []).append(step)
    return found


def _dropout(steps: list[Step], words: Words) -> tuple[list[str], list[Number]]:
    if not steps:
        return [words("no_dropout")], []
    step = steps[0]
    rate = step.layer.rate  # type: ignore[attr-defined]  # dropout has one
    values = {"layer": named(step), "rate": rate, "percent": f"{rate:.0%}", "keep": 1 / (1 - rate) if rate < 1 else 0.0}
    numbers = [words.number("scale", values["keep"], layer=step.name)]
    if step.elements is not None:
        numbers.append(words.number("dropped", rate * step.elements, layer=step.name, elements=step.elements))
    return [words("dropout", **values)], numbers


def _norm(steps: list[Step], words: Words) -> tuple[list[str], list[Number]]:
    if not steps:
        return [words("no_norm")], []
    step, channels = steps[0], steps[0].input_shape[-1] or 0
    numbers = [words.number("norms", len(steps)), words.number("norm_weights", sum(s.parameters for s in steps))]
    numbers.append(words.number("moving", sum(s.frozen_parameters for s in steps)))
    layer = step.layer
    assert isinstance(layer, BatchNormalization)
    kinds = {(True, True): "both", (True, False): "scale", (False, True): "shift", (False, False): "none"}
    learned = words(f"learned_{kinds[layer.scale, layer.center]}")
    return [words("norm", layer=named(step), channels=channels, count=len(steps), learned=learned)], numbers


def _active(found: dict[str, list[Step]], state: RunState | None, words: Words) -> tuple[list[str], list[Number]]:
    parts, numbers = [], []
    for name, steps in found.items():
        parts.append(words("active", name=name, formula=FORMULAS[name], count=len(steps)))
        numbers.append(words.number("active", len(steps), name=name))
    seen = state.layers_seen if state is not None else None
    if "relu" in found and seen is not None:
        dead, channels = sum(n.dead for n in seen.layers), sum(n.channels for n in seen.layers)
        numbers.append(words.number("dead", dead, channels=channels, images=seen.images, epoch=seen.epoch))
        parts.append(words("dead", dead=dead, channels=channels, images=seen.images))
    return parts or [words("no_active")], numbers


def _seen(norms: list[Step], seen: Mapping[str, Activity], words: Words) -> list[Number]:
    """What the sample shows: the spread before and after the first batch normalisation, the zeros of each ReLU."""
    numbers = []
    for step in norms[:1]:
        for key, name in (("before", step.inputs[0]), ("after", step.name)):
            if name in seen:
                numbers.append(words.number(key, seen[name].deviation, layer=name, **_sample(seen[name])))
    relus = [one for one in seen.values() if one.relu][:MOST_SHOWN]
    return [
        *numbers,
        *(words.number("zeros", 100 * one.zeros, layer=one.layer, **_sample(one)) for one in relus),
    ]


def _sample(seen: Activity) -> dict[str, object]:
    return {"images": seen.images, "split": seen.split}


def _figure(seen: Mapping[str, Activity], words: Words) -> str | None:
    """The share of zeros that goes out of each layer."""
    shown = list(seen.values())[:MOST_SHOWN]
    if not shown:
        return None
    rows = [(one.layer, one.zeros, f"{one.zeros:.1%}") for one in shown]
    return bars(words("figure", **_sample(shown[0])), rows)


def _experiment(plan: Plan, dropouts: list[Step], norms: list[Step], words: Words) -> Experiment | None:
    """The twin without dropout, or without batch normalisation on the first line that has it."""
    if dropouts and (text := without_line(plan, dropouts[0].line)):
        return twin_of(plan, words("button_dropout"), text)
    if norms and (text := word_exchanged(plan, norms[0].line, r"\s+bn\b", "")):
        return twin_of(plan, words("button_norm"), text)
    return None
