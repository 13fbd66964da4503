"""Paths over images of any size: whether they can ever meet, tried out on images of sizes that are known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from cnnmagic.layers import Layer, Merge, Misfit, Shape, show
from cnnmagic.plans import INPUT, Step

# A multiple of every usual stride; then one of every remainder that strides of up to 64 in all tell apart.
USUAL = 1024
FURTHER = tuple((USUAL + step, USUAL + step + more) for more in (0, 1) for step in range(64))
MOST_TRIED = 60_000  # steps, of all trials


class Trial:
    """The shapes of a network's steps for images of one size, worked out as far as the steps have come."""

    def __init__(self, shape: Shape, size: tuple[int, int]):
        known = (free or trial for free, trial in zip(shape, (*size, None), strict=True))
        self.shapes: dict[str, Shape | None] = {INPUT: tuple(known)}

    def follow(self, steps: Mapping[str, Step]) -> None:
        """Go on to the last step."""
        for step in islice(steps.values(), len(self.shapes) - 1, None):
            self.shapes[step.name] = self.out_of(step.layer, step.inputs)

    def out_of(self, layer: Layer, sources: Iterable[str]) -> Shape | None:
        """What a layer gives here; None where images of this size don't come through."""
        shapes = tuple(self.shapes[source] for source in sources)
        if None in shapes:
            return None
        known = tuple(shape for shape in shapes if shape is not None)
        try:
            return layer.merged_shape(known) if isinstance(layer, Merge) else layer.output_shape(known[0])
        except Misfit:
            return None


class FreeSizes:
    """Tries a network whose images may have any size on some of known size."""

    def __init__(self, shape: Shape):
        self.shape = shape
        self.trials: dict[tuple[int, int], Trial] = {}
        self.fitting = (USUAL, USUAL)

    def check(self, layer: Merge, sources: tuple[str, ...], steps: Mapping[str, Step]) -> None:
        """Raise `Misfit` where paths that meet differ in size whatever the size of the images."""
        if len(self.shape) != 3:
            return
        tried = None
        for trial in self._trials(steps):
            if trial.out_of(layer, sources) is not None:
                return
            if len(self.trials) * len(steps) > MOST_TRIED:
                return  # left open, as it would take long
            if tried is None and all(trial.shapes[source] for source in sources):
                tried = trial
        if tried is not None:
            met = " and ".join(show(tried.shapes[source] or ()) for source in sources)
            message = (
                f"meets paths that differ in size, whatever the size of the images: {show(tried.shapes[INPUT] or ())}"
            )
            remedy = "Give both the same strides, and `same` padding."
            raise Misfit(f"{message} gives {met}.", remedy=remedy)

    def _trials(self, steps: Mapping[str, Step]) -> Iterator[Trial]:
        """Images of every size to try, first of the one that came through last."""
        for size in (self.fitting, (USUAL, USUAL), *FURTHER):
            self.fitting = size
            trial = self.trials.setdefault(size, Trial(self.shape, size))
            trial.follow(steps)
            yield trial
