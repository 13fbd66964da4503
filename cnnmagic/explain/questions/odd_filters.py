"""Are filter sizes always odd?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cnnmagic.explain.answer import Answer, Experiment
from cnnmagic.explain.choice import image_control
from cnnmagic.explain.drawing import PIXEL, svg, window
from cnnmagic.explain.network import named, plain_convolutions, recounted, window_of
from cnnmagic.explain.probe import Picked, Probe
from cnnmagic.explain.sliding import halved
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import of_line, twin_of, with_kernel
from cnnmagic.layers.arithmetic import reach
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

SHOWN_PIXELS = 5
ODD, EVEN = 3, 2  # windows that the image is drawn through
MOST_TIMES = 8


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The centre pixel, the zeros on each side, and how far an even kernel moves the picture."""
    found = plain_convolutions(plan)
    if not found:
        return None
    words, step = Words("odd-filters"), next((s for s in found if window_of(s).kernel_size[0] % 2), found[0])
    values = _values(found, step)
    kernel, other, dilation = values["kernel"], values["other"], values["dilation"]
    numbers = [
        words.number("odd", values["odd"], all=len(found)),
        words.number("shift", shift(kernel, dilation), **values),
    ]
    numbers.append(words.number("shift2", shift(other, dilation), **values))
    numbers.append(words.number("weights", step.parameters, **values))
    twin = recounted(plan, {s.name: replace(window_of(s), kernel_size=(other, other)) for s in of_line(plan, step)})
    if twin is not None:
        numbers.append(words.number("weights2", twin.step(step.name).parameters, **values))
    parts = [words.all("text" if kernel % 2 else "even", "rest", **values)]
    figure, image = _figure(kernel, other, words) if dilation == 1 else "", probe.picked()
    if image is not None and (drawn := _drawn(image, probe, words)) is not None:
        times = _times(image)
        parts.append(words("seen", image=words.image(image), times=times))
        numbers.append(words.number("moved", times * shift(EVEN), times=times, kernel=EVEN))
        figure += drawn
    experiment = _experiment(plan, step, other, words)
    return words.answer("\n\n".join(parts), tuple(numbers), figure or None, experiment, image_control(probe))


def _values(found: tuple[Step, ...], step: Step) -> dict[str, Any]:
    kernel = window_of(step).kernel_size[0]
    odd = sum(all(side % 2 for side in window_of(s).kernel_size) for s in found)
    dilation = window_of(step).dilation_rate[0]
    (before, after), (before2, after2) = pads(kernel, dilation), pads(kernel + 1, dilation)
    values = {"layer": named(step), "kernel": kernel, "other": kernel + 1, "odd": odd, "all": len(found)}
    values |= {"dilation": dilation}
    return values | {"before": before, "after": after, "before2": before2, "after2": after2}


def pads(kernel: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after the pixels with `same` at stride 1."""
    return halved(reach(kernel, dilation) - 1)


def shift(kernel: int, dilation: int = 1) -> float:
    """How far the middle of the window lies from the middle of the pixel that it answers for, in pixels."""
    return (reach(kernel, dilation) - 1) / 2 - pads(kernel, dilation)[0]


def _figure(kernel: int, other: int, words: Words) -> str:
    first = window(SHOWN_PIXELS, kernel, pads(kernel), words("drawn", kernel=kernel))
    left = (SHOWN_PIXELS + kernel - 1) * PIXEL + 40
    second = window(SHOWN_PIXELS, other, pads(other), words("drawn", kernel=other), x=left)
    width, height = left + (SHOWN_PIXELS + other) * PIXEL, 30 + (SHOWN_PIXELS + other) * PIXEL
    return svg(width, height, words("figure", kernel=kernel, other=other, shift=shift(other)), first + second)


def _times(image: Picked) -> int:
    """How often the image goes through a window: so often that an eighth of its side is what an even one moves it."""
    return max(1, min(MOST_TIMES, min(image.pixels.shape[:2]) // 4))


def _drawn(image: Picked, probe: Probe, words: Words) -> str | None:
    """The image as it is, and after some means over odd and over even windows."""
    times = _times(image)
    odd, even = probe.blurred(ODD, times), probe.blurred(EVEN, times)
    if odd is None or even is None:
        return None
    labels = [words("own"), *(words("through", kernel=kernel, times=times) for kernel in (ODD, EVEN))]
    return probe.pictures([image.pixels.mean(axis=-1), odd, even], labels)


def _experiment(plan: Plan, step: Step, other: int, words: Words) -> Experiment | None:
    text = with_kernel(plan, step, other)
    return twin_of(plan, words("button", other=other), text)
