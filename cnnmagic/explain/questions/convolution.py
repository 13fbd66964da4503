"""How does a convolution work: kernel size, stride and padding?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer, Control, Number
from cnnmagic.explain.choice import chosen, image_control
from cnnmagic.explain.drawing import svg, window
from cnnmagic.explain.filled import size_formula
from cnnmagic.explain.network import named, plain_convolutions, window_of
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.questions.convolution_step import work_out
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
    span = (high - 1) * layer.dilation_rate[0] + 1
    size = size_formula(step.input_shape[0], span, layer.strides[0], layer.padding, step.output_shape[0])
    products = high * wide * (step.input_shape[-1] or 0) // layer.groups
    values = {"layer": named(step), "high": high, "wide": wide, "stride": layer.strides[0], "padding": layer.padding}
    values |= {"size": size, "products": products, "filters": layer.filters, "shape": show(step.input_shape)}
    values["out"] = show(step.output_shape)
    parts = [words("text", **values), words(layer.padding, **values)]
    worked = work_out(step, probe, words)
    if worked is None:
        figure = _figure(layer, words) if high == wide and max(layer.dilation_rate) == 1 else None
        text = "\n\n".join([*parts, words("missing")])
        return words.answer(text, tuple(_numbers(step, products, words)), figure)
    text, numbers = "\n\n".join([*parts, *worked.told]), (*_numbers(step, products, words), *worked.numbers)
    return words.answer(text, numbers, worked.figure, None, (*image_control(probe), choice, *worked.controls))


def zeros(size: int, kernel: int, stride: int, padding: str) -> tuple[int, int]:
    """Zeros before and after `size` pixels, as TensorFlow lays them: the odd one goes to the end."""
    if padding != "same":
        return 0, 0
    whole = max(0, (-(-size // stride) - 1) * stride + kernel - size)
    return whole // 2, whole - whole // 2


def _numbers(step: Step, products: int, words: Words) -> list[Number]:
    layer = window_of(step)
    found = [
        words.number("products", products, layer=step.name),
        words.number("weights", step.parameters, layer=step.name),
    ]
    height, width, depth = step.output_shape
    if height and width and depth:
        found.append(words.number("height", height, layer=step.name))
        found.append(words.number("positions", height * width, layer=step.name))
        found.append(words.number("multiplies", height * width * depth * products, layer=step.name))
    before, after = zeros(step.input_shape[0] or 0, layer.kernel_size[0], layer.strides[0], layer.padding)
    return [*found, words.number("before", before, layer=step.name), words.number("after", after, layer=step.name)]


def _figure(layer: Conv2D, words: Words) -> str:
    kernel = layer.kernel_size[0]
    pads = zeros(SHOWN_PIXELS, kernel, layer.strides[0], layer.padding)
    side = max(SHOWN_PIXELS, kernel)
    title = words("figure", kernel=kernel, padding=layer.padding, stride=layer.strides[0])
    drawn = window(side, kernel, pads, title)
    return svg(440, 30 + (side + sum(pads)) * 22, title, drawn)
