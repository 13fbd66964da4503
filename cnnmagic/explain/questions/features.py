"""What does this layer see?"""

from __future__ import annotations

from typing import Any

from cnnmagic.explain.answer import Answer, Control, Number
from cnnmagic.explain.choice import chosen, image_control
from cnnmagic.explain.network import CONVOLUTIONS, convolutions, named, volumes
from cnnmagic.explain.probe import Picked, Probe
from cnnmagic.explain.texts import Words
from cnnmagic.layers import Shape, show
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

SHOWN = 16


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """What a layer gives for an image, the last convolution at first, and its filters."""
    found = convolutions(plan)
    if not found:
        return None
    words, first, last = Words("features"), found[0], found[-1]
    layers = tuple(step.name for step in volumes(plan))
    layer = chosen(probe, Control("layer", words("layer"), last.name, layers))
    step = plan.step(str(layer.value))
    numbers = [number for one in dict.fromkeys((first, step)) if (number := _sees(one, plan.input_shape, words))]
    values = {"first": named(first), "last": named(last), "layer": named(step)}
    text = "text" if len(found) > 1 else "single"
    image, maps = probe.picked(), probe.maps(step.name)
    if image is None or maps is None:
        return words.answer(words.all(text, "missing", **values), tuple(numbers))
    numbers += _measured(maps, step, image, words)
    told = words.all(text, "measured", **values, image=words.image(image))
    figure = _figure(step, maps, image, probe, words)
    return words.answer(told, tuple(numbers), figure, None, (*image_control(probe), layer))


def _sees(step: Step, image: Shape, words: Words) -> Number | None:
    """The pixels that a number depends on: of a field that reaches over the edge those of the image."""
    if step.receptive_field is None:
        return None
    height, width = step.receptive_field
    high, wide = (have if size is None else min(have, size) for have, size in zip((height, width), image, strict=False))
    key = "sees" if (high, wide) == (height, width) else "sees_part"
    return words.number(key, high * wide, layer=step.name, field=show((height, width)), part=show((high, wide)))


def _measured(maps: Any, step: Step, image: Picked, words: Words) -> list[Number]:
    where = {"layer": step.name, "image": words.image(image)}
    tops = [float(maps[..., channel].max()) for channel in range(maps.shape[-1])]
    strongest = max(range(len(tops)), key=tops.__getitem__)
    silent = sum(top <= 0 for top in tops)
    return [
        words.number("strongest", tops[strongest], channel=strongest, **where),
        words.number("silent", silent, channels=len(tops), **where),
    ]


def _figure(step: Step, maps: Any, image: Picked, probe: Probe, words: Words) -> str | None:
    """The image, the layer's filters where it has some, and its maps."""
    shown = words("image", label=image.label) if image.split else words.image(image)
    drawn = [probe.pictures([image.pixels], [shown])]
    if isinstance(step.layer, CONVOLUTIONS) and (kernel := probe.kernel(step.name)) is not None:
        means = [kernel[0][..., n].mean(axis=-1) for n in range(min(SHOWN, kernel[0].shape[-1]))]
        drawn.append(probe.pictures(means, [words("filter", number=n) for n in range(len(means))]))
    channels = [maps[..., n] for n in range(min(SHOWN, maps.shape[-1]))]
    labels = [words("map", layer=step.name, number=n) for n in range(len(channels))]
    return "".join(part for part in (*drawn, probe.pictures(channels, labels)) if part) or None
