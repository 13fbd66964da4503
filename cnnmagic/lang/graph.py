"""The network as it grows: adds a layer to the steps with its shape, cost and receptive field."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil

from cnnmagic.errors import Place, PlanError
from cnnmagic.lang.free_sizes import FreeSizes
from cnnmagic.layers import Field, Layer, Merge, Misfit, Shape, elements, show, widest
from cnnmagic.layers.phrase import phrase
from cnnmagic.names import is_scope_name
from cnnmagic.plans import INPUT, Step

MOST_STEPS = 5_000
LARGEST_SIZE = 10**10
LARGEST_VOLUME = 10**11  # 400 GB in float32 for one image

Measured = tuple[Shape, int, int]


class TooMuch(PlanError):
    """The cell is beyond a limit, so that nothing after this is looked at."""


@dataclass(frozen=True)
class Tensor:
    """What flows between steps: the step it comes from, its shape, and what of the image it sees."""

    source: str
    shape: Shape
    field: Field


class Graph:
    """Steps in the order in which they are computed; every name is given once."""

    def __init__(self, shape: Shape):
        self.shape = shape
        self.steps: dict[str, Step] = {}
        self.places: dict[str, Place] = {}
        self._names: Counter[str] = Counter([INPUT])
        self._free = FreeSizes(shape)

    def start(self) -> Tensor:
        """The network's input."""
        return Tensor(INPUT, self.shape, Field())

    def add(self, layer: Layer, inputs: tuple[Tensor, ...], place: Place, word: str, name: str = "") -> Tensor:
        """Append a layer; `word` and the line make its Keras name unless one is given that Keras takes.

        Raises `PlanError` at `place` where the layer can't take its inputs.
        """
        if len(self.steps) >= MOST_STEPS:
            raise TooMuch(f"this network has more than {MOST_STEPS:,} layers.", place=place, remedy="Repeat less.")
        shape = inputs[0].shape
        try:
            output, parameters, frozen = self._measured(layer, inputs)
            work = layer.multiply_adds(shape)
            field = self._field(layer, inputs)
            step = Step(
                name=self._name(name if is_scope_name(name) else f"line{place.line}_{word}"),
                layer=layer,
                line=place.line,
                inputs=tuple(tensor.source for tensor in inputs),
                input_shape=shape,
                output_shape=output,
                parameters=parameters,
                frozen_parameters=frozen,
                flops=None if work is None else 2 * work,
                receptive_field=None if field.size is None else (ceil(field.size[0]), ceil(field.size[1])),
            )
        except Misfit as misfit:
            raise self._explain(misfit, layer, inputs[0], place) from None
        _check_size(output, place)
        self.steps[step.name] = step
        self.places[step.name] = place
        return Tensor(step.name, output, field)

    def dead_ends(self, output: Tensor) -> list[Step]:
        """Steps whose result reaches neither another step nor the output."""
        used = {output.source} | {source for step in self.steps.values() for source in step.inputs}
        return [step for step in self.steps.values() if step.name not in used]

    def _measured(self, layer: Layer, inputs: tuple[Tensor, ...]) -> Measured:
        """Output shape, weights, and weights that no gradient changes."""
        shape = inputs[0].shape
        if isinstance(layer, Merge):
            merged = layer.merged_shape(tuple(tensor.shape for tensor in inputs))
            if None in merged:
                self._free.check(layer, tuple(tensor.source for tensor in inputs), self.steps)
            return merged, 0, 0
        return layer.output_shape(shape), layer.parameters(shape), layer.frozen_parameters(shape)

    def _field(self, layer: Layer, inputs: tuple[Tensor, ...]) -> Field:
        before = widest(tuple(tensor.field for tensor in inputs))
        window = layer.window()
        if window is not None:
            return before.through(window)
        height, width = self.shape[:2] if len(self.shape) == 3 else (1, 1)
        return Field(None if height is None or width is None else (height, width), before.jump)

    def _name(self, wished: str) -> str:
        self._names[wished] += 1
        count = self._names[wished]
        return wished if count == 1 else self._name(f"{wished}_{count}")

    def _explain(self, misfit: Misfit, layer: Layer, tensor: Tensor, place: Place) -> PlanError:
        """The misfit with the layer's own words, the sizes that led to it, and what to change."""
        words = place.source[place.column - 1 : place.end_column - 1].strip()
        used = words.lower().startswith("use ")
        words = phrase(layer) if used else words  # the line names a whole network
        message, remedy = f"`{words}` {misfit}", misfit.remedy
        if not misfit.too_small:
            return PlanError(message, place=place.of(misfit.word), remedy=remedy)
        if used:
            remedy = "This network needs larger images: give them, or add a line `resize` with a larger size."
            return PlanError(message, place=place, remedy=remedy)
        path = self._path(tensor)
        shrinking = [
            step for step in path if step.input_shape[:2] != step.output_shape[:2] and "Pooling" in step.layer.kind
        ]
        remedy += f", or drop the pool on line {shrinking[-1].line}." if shrinking else ", or a smaller window."
        sizes = _sizes(path, self.shape)
        return PlanError(message, place=place, reason=f"Sizes so far: {sizes}." if "-" in sizes else "", remedy=remedy)

    def _path(self, tensor: Tensor) -> list[Step]:
        """The steps from the input to a tensor, along first inputs."""
        path: list[Step] = []
        source = tensor.source
        while source != INPUT:
            path.append(self.steps[source])
            source = self.steps[source].inputs[0]
        return path[::-1]


def _check_size(shape: Shape, place: Place) -> None:
    """Raise `PlanError` where a volume is larger than any computer's."""
    largest = max((size for size in shape if size is not None), default=0)
    if largest > LARGEST_SIZE:
        message = f"this gives a volume of {show(shape)}, and {LARGEST_SIZE:,} is the limit of each size."
        raise TooMuch(message, place=place, remedy="Make it smaller.")
    count = elements(shape) or 0
    if count > LARGEST_VOLUME:
        told = f"{show(shape)}, {count:,} numbers for one image"
        raise TooMuch(f"this gives {told}; {LARGEST_VOLUME:,} is the limit.", place=place, remedy="Make it smaller.")


def _sizes(path: list[Step], shape: Shape) -> str:
    """The sizes on a path, each told when it changes: `28-26-13`, or `28x20-26x18` for oblong images."""
    sizes = [shape[:2], *(step.output_shape[:2] for step in path if len(step.output_shape) == 3)]
    changes = [size for before, size in zip([None, *sizes], sizes, strict=False) if size != before]
    square = all(height == width for height, width in changes)
    shown = [str(size[0] if square else "x".join(map(str, size))).replace("None", "?") for size in changes]
    return "-".join(shown if len(shown) <= 12 else [*shown[:3], "…", *shown[-8:]])
