"""Where does it look?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer
from cnnmagic.explain.network import convolutions, named
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.layers import show
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

HOT = 0.5


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Grad-CAM of the last convolution on a picked image: where the likeliest class rests on."""
    found = convolutions(plan)
    if not found or plan.output is None:
        return None
    words, step = Words("gradcam"), found[-1]
    values = {"layer": named(step), "shape": show(step.output_shape[:2])}
    numbers = [words.number("places", (step.output_shape[0] or 0) * (step.output_shape[1] or 0), layer=step.name)]
    if None in step.output_shape:
        numbers = []
    image, heat = probe.picked(), probe.gradcam(step.name)
    if image is None or heat is None:
        return words.answer(words.all("text", "missing", **values), tuple(numbers))
    row, column = divmod(int(heat.argmax()), heat.shape[1])
    where = {"layer": step.name, "split": image.split, "index": image.index, "label": image.label}
    numbers.append(words.number("hot", 100 * float((heat >= HOT).mean()), **where))
    numbers.append(words.number("row", row, height=heat.shape[0], **where))
    numbers.append(words.number("column", column, width=heat.shape[1], **where))
    labels = [words("image", label=image.label), words("heat", layer=step.name)]
    figure = probe.pictures([image.pixels, image.pixels], labels, over=[None, heat])
    return words.answer(words.all("text", "measured", **(values | where)), tuple(numbers), figure)
