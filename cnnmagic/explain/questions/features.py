"""What does this layer see?"""

from __future__ import annotations

from typing import Any

from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.network import convolutions, named
from cnnmagic.explain.probe import Picked, Probe
from cnnmagic.explain.texts import Words
from cnnmagic.layers import show
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

SHOWN = 16


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """What the first and the last convolution give for an image, and the first one's filters."""
    found = convolutions(plan)
    if not found:
        return None
    words, first, last = Words("features"), found[0], found[-1]
    both = [first] if first is last else [first, last]
    numbers = [_sees(step, words) for step in both]
    values = {"first": named(first), "last": named(last)}
    image, maps = probe.picked(), probe.maps(last.name)
    if image is None or maps is None:
        return words.answer(words.all("text", "missing", **values), tuple(n for n in numbers if n))
    numbers += _measured(maps, last, image, words)
    told = words.all("text", "measured", **values, split=image.split, index=image.index, label=image.label)
    return words.answer(told, tuple(n for n in numbers if n), _figure(first, last, image, probe, words))


def _sees(step: Step, words: Words) -> Number | None:
    if step.receptive_field is None:
        return None
    height, width = step.receptive_field
    return words.number("sees", height * width, layer=step.name, field=show((height, width)))


def _measured(maps: Any, step: Step, image: Picked, words: Words) -> list[Number]:
    where = {"layer": step.name, "split": image.split, "index": image.index}
    tops = [float(maps[..., channel].max()) for channel in range(maps.shape[-1])]
    strongest = max(range(len(tops)), key=tops.__getitem__)
    silent = sum(top <= 0 for top in tops)
    return [
        words.number("strongest", tops[strongest], channel=strongest, **where),
        words.number("silent", silent, channels=len(tops), **where),
    ]


def _figure(first: Step, last: Step, image: Picked, probe: Probe, words: Words) -> str | None:
    drawn = [probe.pictures([image.pixels], [words("image", label=image.label)])]
    if (kernel := probe.kernel(first.name)) is not None:
        weights = kernel[0]
        shown = [weights[..., n].mean(axis=-1) for n in range(min(SHOWN, weights.shape[-1]))]
        drawn.append(probe.pictures(shown, [words("filter", number=n) for n in range(len(shown))]))
    for step in dict.fromkeys((first.name, last.name)):
        maps = probe.maps(step)
        if maps is not None:
            shown = [maps[..., n] for n in range(min(SHOWN, maps.shape[-1]))]
            drawn.append(probe.pictures(shown, [words("map", layer=step, number=n) for n in range(len(shown))]))
    return "".join(part for part in drawn if part) or None
