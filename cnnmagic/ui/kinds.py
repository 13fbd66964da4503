"""Tells the kinds of layers apart, and says how each is drawn: colour, hatch, outline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from cnnmagic.layers import Layer, Merge

# A line of a hatch from (across, down) to (across, down), each a share of the face that it lies on.
Hatch = tuple[tuple[float, float, float, float], ...]

THIRD, REST = 1 / 3, 2 / 3
GRID: Hatch = ((0, THIRD, 1, THIRD), (0, REST, 1, REST), (THIRD, 0, THIRD, 1), (REST, 0, REST, 1))
SLICES: Hatch = ((THIRD, 0, THIRD, 1), (REST, 0, REST, 1))
RUNGS: Hatch = tuple((0, part / 6, 1, part / 6) for part in range(1, 6))
CROSS: Hatch = ((0, 0, 1, 1), (0, 1, 1, 0))
MARGIN: Hatch = ((0.2, 0.2, 0.8, 0.2), (0.8, 0.2, 0.8, 0.8), (0.8, 0.8, 0.2, 0.8), (0.2, 0.8, 0.2, 0.2))
HILLS: Hatch = ((0, 0.8, 0.35, 0.4), (0.35, 0.4, 0.6, 0.7), (0.6, 0.7, 0.75, 0.55), (0.75, 0.55, 1, 0.8))


@dataclass(frozen=True)
class Kind:
    """Layers that are drawn alike: `pattern` finds their Keras names, `face` is where the hatch lies on a volume."""

    label: str
    pattern: str
    color: str
    hatch: Hatch = ()
    face: Literal["front", "side"] = "side"
    dash: str = ""


INPUT = Kind("input", "", "#868e96", hatch=HILLS)
MERGE = Kind("where paths meet", "", "#868e96")
PLAIN = Kind(
    "number by number",
    "Activation|Normalization|Dropout|Noise|^Random|^Resc|ReLU|ELU|Softmax|Masking",
    "#c2629e",
    hatch=((0, 0.5, 1, 0.5),),
)
OTHER = Kind("other", "", "#868e96", hatch=((0, 1, 1, 0),), dash="6 2 1 2")
# Ordered: the first whose pattern is found in the name of the Keras class has it.
FOUND_BY_NAME = (
    Kind("channel by channel", "Depthwise|Separable", "#1f9a78", hatch=SLICES, face="front"),
    Kind("upsampling", "Transpose|UpSampling", "#a86bd1", hatch=CROSS),
    Kind("convolution", "Conv", "#2a8fd6"),
    Kind("pooling", "Pooling", "#d5690c", hatch=GRID),
    Kind("dense", "Dense", "#5c9e31", hatch=RUNGS, face="front"),
    Kind("pad or crop", "Padding|Cropping", "#868e96", hatch=MARGIN, dash="4 2"),
    Kind("new shape", "Flatten|Reshape|Permute|Repeat", "#b8901f", dash="2 2"),
    PLAIN,
)
ALL = (INPUT, *FOUND_BY_NAME, MERGE, OTHER)


def kind_of(layer: Layer) -> Kind:
    """The kind of a layer; `OTHER` where nothing is known of it."""
    return MERGE if isinstance(layer, Merge) else _named(layer.kind)


@cache
def _named(name: str) -> Kind:
    return next((kind for kind in FOUND_BY_NAME if re.search(kind.pattern, name)), OTHER)
