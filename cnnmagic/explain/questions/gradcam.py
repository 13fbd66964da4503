"""Where does it look?"""

from __future__ import annotations

from typing import Any

from cnnmagic.explain.answer import Answer, Control, Number
from cnnmagic.explain.choice import chosen, image_control
from cnnmagic.explain.network import class_names, convolutions, named, volumes
from cnnmagic.explain.probe import Picked, Probe
from cnnmagic.explain.texts import Words
from cnnmagic.layers import show
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

HOT = 0.5


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Grad-CAM of a layer on a picked image, the last convolution at first; beside it the slope by each pixel."""
    found = convolutions(plan)
    if not found or plan.output is None:
        return None
    words = Words("gradcam")
    layers = tuple(step.name for step in volumes(plan))
    layer = chosen(probe, Control("layer", words("layer"), found[-1].name, layers))
    step = plan.step(str(layer.value))
    values = {"layer": named(step), "shape": _size(step, words)}
    image = probe.picked()
    if image is None:
        return words.answer(words.all("text", "missing", **values), tuple(_places(step, words)))
    names = (words("likeliest"), *class_names(plan, max(2, plan.output.units)))
    asked = chosen(probe, Control("target", words("class"), names[0], names))
    number = names.index(str(asked.value)) - 1 if asked.value != names[0] else None
    heat = probe.gradcam(step.name, number)
    if heat is None:
        return words.answer(words.all("text", "missing", **values), tuple(_places(step, words)))
    told_of = words("the_likeliest") if number is None else words("the_class", name=asked.value)
    values |= {"image": words.image(image), "class": told_of, "shape": show(heat.shape)}
    numbers = [words.number("places", heat.size, layer=step.name)]
    if heat.max() > 0:
        numbers += _measured(heat, step, words, words.image(image), told_of)
    told = words.all("text", "measured" if heat.max() > 0 else "nothing", "slopes", **values)
    figure = _figure(image, heat, probe.saliency(number), step, probe, words)
    return words.answer(told, tuple(numbers), figure, None, (*image_control(probe), layer, asked))


def _size(step: Step, words: Words) -> str:
    """The height and width of a layer's maps; where the size of the images is free, that it hangs on them."""
    return words("free") if None in step.output_shape[:2] else show(step.output_shape[:2])


def _places(step: Step, words: Words) -> list[Number]:
    height, width = step.output_shape[:2]
    return [words.number("places", height * width, layer=step.name)] if height and width else []


def _measured(heat: Any, step: Step, words: Words, image: str, asked: str) -> list[Number]:
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    where = {"layer": step.name, "image": image, "class": asked}
    return [
        words.number("hot", 100 * float((heat >= HOT).mean()), **where),
        words.number("row", row, height=heat.shape[0], **where),
        words.number("column", column, width=heat.shape[1], **where),
    ]


def _figure(image: Picked, heat: Any, slopes: Any, step: Step, probe: Probe, words: Words) -> str | None:
    shown = words("image", label=image.label) if image.split else words.image(image)
    arrays, labels, over = [image.pixels, image.pixels], [shown, words("heat", layer=step.name)], [None, heat]
    if slopes is not None:
        arrays, labels, over = [*arrays, slopes], [*labels, words("saliency")], [*over, None]
    return probe.pictures(arrays, labels, over)
