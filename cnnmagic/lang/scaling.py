"""What pixels are at the network's beginning: how they are scaled there, from where to where they go, notes on both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil, floor
from typing import Any

from cnnmagic.datasets import Facts
from cnnmagic.lang import syntax
from cnnmagic.lang.expand import in_word_order, layer_class
from cnnmagic.layers import KerasLayer, Rescaling
from cnnmagic.plans import INPUT, Base, Step

LARGE = 10.0  # pixels from which on they are taken for numbers of 0 … 255, or the like
WHITE = 255
CAFFE_MEANS = (-123.68, -116.779, -103.939)


def scales_itself(statements: Iterable[syntax.Statement]) -> bool:
    """Whether a cell has a `rescale` of its own outside of blocks."""
    layers = (in_word_order(statement) for statement in statements if isinstance(statement, syntax.Layer))
    return any(layer_class(layer.name) is Rescaling for layer in layers)


def pixel_range(facts: Facts | None) -> tuple[int, int]:
    """The least and the largest number that pixels have before they are scaled, whole and rather too far apart."""
    if facts is None:
        return 0, WHITE
    if facts.scale is not None:
        return 0, round(1 / facts.scale)
    if facts.least is None or facts.largest is None:
        return 0, 1
    largest = max(1, ceil(facts.largest))
    if facts.least < 0:
        return floor(facts.least), largest
    return 0, WHITE if LARGE * 10 < largest <= WHITE else largest


def scaling_of(base: Base, white: int = WHITE) -> Rescaling:
    """What pixels 0 … `white` need for pretrained weights.

    Those of MobileNetV2 expect -1 … 1; those of ResNet-50 and VGG 0 … 255 less ImageNet's means.
    """
    if base.name == "mobilenet_v2":
        return Rescaling(scale=2 / white, offset=-1.0)
    return Rescaling(scale=WHITE / white, offset=CAFFE_MEANS)


def notes_on_base(base: Base, pixels: tuple[int, int]) -> str:
    """What becomes of the pixels that go into pretrained weights."""
    least, largest = pixels
    if least < 0:
        expected = f"the weights of `{base.name}` expect pixels from 0 on, scaled from 0 … {WHITE}"
        return f"{expected}, and the images have numbers from {least} to {largest}: give them as 0 … {WHITE} or 0 … 1"
    return f"pixels 0 … {largest} are scaled as the weights of `{base.name}` expect"


def notes_on_pixels_as_they_are(facts: Facts | None) -> Iterator[str]:
    """Pixels beyond 10 that are not scaled are taken as they are; networks learn better from 0 … 1."""
    if facts is None or facts.scale is not None or facts.least is None or facts.largest is None:
        return
    least, largest = pixel_range(facts)
    if least < 0 and max(-facts.least, facts.largest) >= LARGE:
        told = f"the images have numbers from {facts.least:g} to {facts.largest:g}, taken as they are"
        yield f"{told}: a line `rescale 1/{max(-least, largest)}` before the layers brings them to -1 … 1"
    elif least == 0 and facts.largest >= LARGE:
        told = f"the images are fractions up to {facts.largest:g}, taken as they are"
        yield f"{told}: a line `rescale 1/{largest}` before the layers brings them to 0 … 1"


def notes_on_scaling(steps: Iterable[Step], facts: Facts | None) -> Iterator[str]:
    """Layers that take pixels for what they are not: scaled by the plan's first layer, or not scaled at all."""
    pixels, ours, scaled = {INPUT}, False, False
    last: Step | None = None
    for step in steps:
        kind = step.layer.kind
        if kind == "Rescaling":
            last = step
        if not pixels.issuperset(step.inputs) or (step.parameters and kind != "Normalization"):
            continue
        pixels.add(step.name)
        if step.name == "rescale":
            ours = True
        elif ours and kind == "Rescaling":
            again = f"line {step.line} scales pixels that are 0 … 1 already, by the network's first layer"
            yield f"{again}: leave it out, or write it outside of blocks, where it takes the place of that layer"
        elif ours and kind == "Normalization" and _expects_large(step.layer):
            told = f"line {step.line} gets pixels 0 … 1, and its `mean` is for larger ones"
            yield f"{told}: a line `rescale 1` before it, outside of blocks, leaves the pixels as they are"
        scaled |= kind in ("Rescaling", "Normalization")
    if last is not None and not scaled and facts is not None and facts.scale is not None:
        white = round(1 / facts.scale)
        told = f"pixels 0 … {white} go into the first layers as they are, for line {last.line} has a `rescale`"
        yield f"{told}, further on: a line `rescale 1/{white}` before the layers brings them to 0 … 1"


def _expects_large(layer: Any) -> bool:
    """Whether a layer's `mean` can't be that of pixels 0 … 1."""
    mean = layer.bound().get("mean") if isinstance(layer, KerasLayer) else None
    numbers = mean if isinstance(mean, tuple | list) else (mean,)
    return any(isinstance(number, int | float) and abs(number) > 1 for number in numbers)
