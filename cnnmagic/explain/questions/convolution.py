"""How does a convolution work: kernel size, stride and padding?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer, Control, Number
from cnnmagic.explain.choice import chosen, image_control
from cnnmagic.explain.drawing import svg, window
from cnnmagic.explain.network import named, plain_convolutions, window_of
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.questions.convolution_step import work_out
from cnnmagic.explain.sliding import axes, zeros
from cnnmagic.explain.texts import Words
from cnnmagic.layers import Conv2D, show
from cnnmagic.plans import Plan, Step
from cnnmagic.state import RunState

SHOWN_PIXELS = 5


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The arithmetic of one layer of this network, and one output pixel of it worked out on an image."""
    found = plain_convolutions(plan)
    if not found:
        return None
    words = Words("convolution")
    names = tuple(step.name for step in found)
    choice = chosen(probe, Control("layer", words("layer"), names[0], names))
    step = plan.step(str(choice.value))
    layer = window_of(step)
    high, wide = layer.kernel_size
    rows, _ = axes(step)
    products = high * wide * (step.input_shape[-1] or 0) // layer.groups
    down, across = layer.strides
    stride = str(down) if down == across else show(layer.strides)
    values = {"layer": named(step), "high": high, "wide": wide, "stride": stride, "padding": layer.padding}
    values |= {
        "size": rows.size_formula,
        "products": products,
        "filters": layer.filters,
        "shape": show(step.input_shape),
        "out": show(step.output_shape),
    }
    parts = [words("text", **values), words(layer.padding, **values)]
    if rows.zeros is None:
        parts.append(words("zeros", formula=rows.zeros_formula))
    worked = work_out(step, probe, words)
    if worked is None:
        figure = _figure(layer, words) if high == wide and down == across and max(layer.dilation_rate) == 1 else None
        text = "\n\n".join([*parts, words("missing")])
        return words.answer(text, tuple(_numbers(step, products, words)), figure)
    text, numbers = "\n\n".join([*parts, *worked.told]), (*_numbers(step, products, words), *worked.numbers)
    return words.answer(text, numbers, worked.figure, None, (*image_control(probe), choice, *worked.controls))


def _numbers(step: Step, products: int, words: Words) -> list[Number]:
    found = [
        words.number("products", products, layer=step.name),
        words.number("weights", step.parameters, layer=step.name),
    ]
    height, width, depth = step.output_shape
    if height and width and depth:
        found.append(words.number("height", height, layer=step.name))
        found.append(words.number("positions", height * width, layer=step.name))
        found.append(words.number("multiplies", height * width * depth * products, layer=step.name))
    around = zip(("before", "after"), axes(step)[0].zeros or (), strict=False)
    return [*found, *(words.number(key, count, layer=step.name) for key, count in around)]


def _figure(layer: Conv2D, words: Words) -> str:
    kernel = layer.kernel_size[0]
    pads = zeros(SHOWN_PIXELS, kernel, layer.strides[0], layer.padding) or (0, 0)
    side = max(SHOWN_PIXELS, kernel)
    title = words("figure", kernel=kernel, padding=layer.padding, stride=layer.strides[0])
    drawn = window(side, kernel, pads, title)
    return svg(440, 30 + (side + sum(pads)) * 22, title, drawn)
