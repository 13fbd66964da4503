"""Why softmax on the last fully connected layer?"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from cnnmagic.explain.answer import Answer, Control, Experiment, Number
from cnnmagic.explain.choice import chosen, image_control
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.network import class_names
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import line_of, twin_of, word_exchanged
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

TEMPERATURES = (0.5, 1.0, 2.0)
COLDEST, HOTTEST = 0.1, 10.0
SHOWN = 10


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """From yes or no to many classes; this network's numbers before softmax and after it, at any temperature."""
    if plan.output is None:
        return None
    words, classes = Words("softmax"), plan.output.units
    numbers = [words.number("classes", classes, layer=plan.steps[-1].name)]
    text = words("text" if classes > 1 else "single", classes=classes, activation=plan.output.activation)
    logits, image = probe.logits(), probe.picked()
    if logits is None or image is None or classes < 2 or plan.output.activation != "softmax":
        missing = [words("missing")] if classes > 1 and logits is None else []
        return words.answer("\n\n".join([text, *missing]), tuple(numbers), None, _experiment(plan, words))
    heat = chosen(probe, Control("temperature", words("temperature"), 1.0, least=COLDEST, most=HOTTEST, step=0.1))
    names = class_names(plan, classes)
    where: dict[str, object] = {"image": words.image(image), "layer": plan.steps[-1].name}
    numbers += _read(list(logits), names, float(heat.value), words, where)
    told = words("measured", **where, answer=names[_top(logits)])
    figure = _figure(list(logits), names, float(heat.value), words)
    controls = (*image_control(probe), heat)
    return words.answer(f"{text}\n\n{told}", tuple(numbers), figure, _experiment(plan, words), controls)


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Shares that add up to 1: exp(z / T) over their sum; the largest is taken away first, so that none overflows."""
    top = max(logits)
    powers = [exp((z - top) / temperature) for z in logits]
    return [power / sum(powers) for power in powers]


def sigmoid(logit: float) -> float:
    """1 / (1 + exp(-z)); below 0 as exp(z) / (1 + exp(z)), so that neither overflows."""
    power = exp(-abs(logit))
    return 1 / (1 + power) if logit >= 0 else power / (1 + power)


def _read(
    logits: list[float], names: Sequence[str], heat: float, words: Words, where: dict[str, object]
) -> list[Number]:
    top = _top(logits)
    found = [words.number("logit", logits[top], name=names[top], **where)]
    for temperature in sorted({*TEMPERATURES, heat}):
        share = softmax(logits, temperature)[top]
        found.append(words.number("share", 100 * share, name=names[top], temperature=temperature, **where))
    sigmoids = sum(map(sigmoid, logits))
    return [*found, words.number("sum", sum(softmax(logits)), **where), words.number("sigmoids", sigmoids, **where)]


def _figure(logits: list[float], names: Sequence[str], heat: float, words: Words) -> str:
    """The likeliest classes at the temperature, a mark where each stands at 1."""
    order = sorted(range(len(logits)), key=lambda n: -logits[n])[:SHOWN]
    shares, plain = softmax(logits, heat), softmax(logits)
    rows = [(names[n], shares[n], f"{shares[n]:.1%}") for n in order]
    title = words("figure" if heat == 1 else "figure_marked", temperature=heat)
    return bars(title, rows, marks=[plain[n] for n in order] if heat != 1 else ())


def _top(logits: Sequence[float]) -> int:
    return max(range(len(logits)), key=lambda n: logits[n])


def _experiment(plan: Plan, words: Words) -> Experiment | None:
    """The twin whose classes are judged one by one, by sigmoids."""
    line = line_of(plan, "output")
    if line is None or plan.output is None or plan.output.activation != "softmax":
        return None
    text = word_exchanged(plan, line, r"\boutput\b(.*?)(?:\s+softmax)?\s*$", r"output\1 sigmoid")
    return twin_of(plan, words("button"), text)
