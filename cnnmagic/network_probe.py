"""What answers may ask of one network: its pictures, and, once it is trained, its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from cnnmagic.errors import CnnError, RunError
from cnnmagic.explain.probe import Activity, Confusion, Picked, Stepped
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.table import batch_of

MOST_JUDGED = 2_000
MOST_SAMPLED = 200
SHOWN_MISTAKES = 8
SPLITS = ("validation", "test", "train")


class NetworkProbe:
    """Looks into one network, `run` if it is trained; `rows` is a table of all runs.

    `choices` are what the reader has set of an answer, by key. `image` among them is the number of an image in the
    first split that has any, or an image of the reader's own: a path, an array, the bytes of a file. `fits` tells
    whether a text can be planned here.
    """

    def __init__(
        self,
        name: str,
        plan: Plan,
        run: Run | None,
        rows: Sequence[tuple[str, ...]] = (),
        choices: Mapping[str, Any] | None = None,
        fits: Callable[[str], bool] = lambda text: True,
    ):
        self.name, self.plan, self.run, self.rows, self.choices = name, plan, run, rows, dict(choices or {})
        self.fits = fits

    def plans(self, text: str) -> bool:
        return self.fits(text)

    def chosen(self, key: str) -> Any:
        return self.choices.get(key)

    def network(self) -> str | None:
        from cnnmagic.ui.architecture import draw_network

        return draw_network(self.plan, self.name)

    def curves(self) -> str | None:
        from cnnmagic.ui.chart import draw
        from cnnmagic.ui.glance import charts

        return None if self.run is None else "".join(draw(chart) for chart in charts(self.run.state))

    def runs(self) -> Sequence[tuple[str, ...]]:
        return self.rows

    def studied(self) -> Sequence[tuple[str, int]]:
        from cnnmagic.comparison import zoo_parameters

        return zoo_parameters()

    def sizes(self) -> dict[tuple[int, int], int] | None:
        facts, album = self.plan.facts, self.run.dataset.album if self.run is not None else None
        if album is not None and self.run is not None and self.run.dataset.is_read:
            return {(int(height), int(width)): count for (height, width), count in album.counted().items()}
        if facts is None or len(facts.shape) < 2:
            return None
        if facts.sizes:
            return {(height, width): images for height, width, images in facts.sizes}
        height, width = facts.shape[:2]
        return {(height, width): facts.examples + facts.tests} if height and width else None

    def picked(self) -> Picked | None:
        if not self._is_ready:
            return None
        if self._own is not None:
            return Picked(self._shown(self._own[0]), "", 0, "")
        return self._picture(self._split, self._place)

    def count(self) -> int:
        return len(self._images(self._split)) if self._is_ready else 0

    def logits(self) -> Sequence[float] | None:
        from cnnmagic.engine.probe_judging import answer

        if not self._is_ready or self.plan.output is None:
            return None
        return [float(number) for number in answer(self.model, self._one).logits[0]]

    def kernel(self, layer: str) -> Any:
        from cnnmagic.engine.probe_outputs import filters

        if self.model is None:
            return None
        found = filters(self.model, layer)
        return found.kernels, found.biases

    def stepped(self, layer: str, filter: int, row: int, column: int) -> Stepped | None:
        from cnnmagic.engine.probe_steps import convolution_step

        if not self._is_ready:
            return None
        step = convolution_step(self.model, layer, self._one[0], filter, row, column)
        return Stepped(
            *(step.window, step.kernel, step.bias, step.total, step.activation, step.answer, step.output),
            rows=step.rows.tolist(),
            columns=step.columns.tolist(),
            given=step.given[..., step.channels[0]],
            gone_out=step.gone_out[..., filter],
        )

    def blurred(self, kernel: int, times: int) -> Any:
        from cnnmagic.engine.probe_steps import blurred

        image = self.picked()
        return None if image is None else blurred(image.pixels.mean(axis=-1), kernel, times)

    def confusion(self) -> Confusion | None:
        if self._judged is None:
            return None
        judged, whole = self._judged.confusion.tolist(), len(self._images(self._split))
        count, error = len(self._judged.labels), self._judged.calibration.error
        return Confusion(judged, self._classes(len(judged)), self._split, count, whole, error)

    def worst(self) -> Sequence[tuple[Picked, str, float]]:
        if self._judged is None:
            return ()
        names, rows = self._classes(len(self._judged.confusion)), self._sample(MOST_JUDGED)
        return [
            (self._picture(self._split, int(rows[wrong.index])), names[wrong.predicted], wrong.probability)
            for wrong in self._judged.worst_mistakes(SHOWN_MISTAKES)
        ]

    def maps(self, layer: str) -> Any:
        from cnnmagic.engine.probe_outputs import outputs

        if not self._is_ready:
            return None
        return outputs(self.model, self._one, [layer])[0].values[0]

    def gradcam(self, layer: str, number: int | None = None) -> Any:
        from cnnmagic.engine.probe_sight import grad_cam

        if not self._is_ready:
            return None
        return _to_one(grad_cam(self.model, self._one, layer, number).maps[0])

    def saliency(self, number: int | None = None) -> Any:
        from cnnmagic.engine.probe_sight import saliency

        if not self._is_ready:
            return None
        return _to_one(saliency(self.model, self._one, number).maps[0])

    def activity(self) -> Sequence[Activity]:
        from cnnmagic.engine.probe_activity import activity

        if not self._is_ready:
            return ()
        images, split = self._images(self._split)[self._sample(MOST_SAMPLED)], self._split
        return [
            Activity(one.layer, one.images, split, one.deviation, one.zeros, one.has_relu)
            for one in activity(self.model, images)
        ]

    def seconds(self) -> Sequence[tuple[str, float]]:
        from cnnmagic.engine.probe_cost import layer_costs

        if self.run is None or not self._is_ready or not self.run.is_done:
            return ()  # times taken during a training would be wrong
        images = self._images("train")[: batch_of(self.plan)]
        return [(cost.layer, cost.seconds) for cost in layer_costs(self.run.model, images, self.plan)]

    def pictures(self, arrays: Sequence[Any], labels: Sequence[str], over: Any = None) -> str | None:
        from cnnmagic.ui.pictures import pictures_html

        return pictures_html(arrays, labels, over)

    @cached_property
    def model(self) -> Any:
        """The trained model in float32 with the weights of this moment; None before the first epoch is done."""
        from cnnmagic.engine.probe_model import in_float32

        if self.run is None or self.run.model is None or not self.run.state.history:
            return None
        try:
            return in_float32(self.run.model)
        except CnnError:  # a backend that hides the weights of a model in training: the answer says what is missing
            return None

    @cached_property
    def _judged(self) -> Any:
        from cnnmagic.engine.probe_judging import judge

        if not self._is_ready or self._split == "train" or self.plan.output is None:
            return None
        split = getattr(self.run.dataset, self._split)  # type: ignore[union-attr]  # a model has a run
        rows = self._sample(MOST_JUDGED)
        return judge(self.model, split.images[rows], split.labels[rows])

    @cached_property
    def _split(self) -> str:
        """The first split that has images; empty where none has."""
        return next((name for name in SPLITS if self.run is not None and len(self._images(name))), "")

    def _sample(self, most: int) -> Any:
        """Which images of the split are looked at, the same ones each time: the first may be all of one class."""
        return np.sort(np.random.default_rng(0).permutation(len(self._images(self._split)))[:most])

    @property
    def _is_ready(self) -> bool:
        """Whether there is a trained model, and an image to show it."""
        return self.model is not None and bool(self._split)

    @cached_property
    def _own(self) -> Any:
        """The reader's own image as the model takes it, (1, height, width, channels); None where there is none."""
        wanted = self.choices.get("image")
        if wanted is None or isinstance(wanted, int | np.integer):
            return None
        ready = self.run.dataset.prepare(wanted)  # type: ignore[union-attr]  # asked only of a run
        return ready[0] if isinstance(ready, list) else ready[:1]

    @property
    def _place(self) -> int:
        wanted, count = int(self.choices.get("image") or 0), len(self._images(self._split))
        if not 0 <= wanted < count:
            raise RunError(f"there is no image {wanted}.", remedy=f"The {self._split} split has 0 to {count - 1}.")
        return wanted

    @property
    def _one(self) -> Any:
        """The picked image alone, as the model takes it."""
        if self._own is not None:
            return self._own
        place = self._place
        return self._images(self._split)[place : place + 1]

    def _images(self, split: str) -> Any:
        return getattr(self.run.dataset, split).images  # type: ignore[union-attr]  # asked only of a run

    def _picture(self, split: str, index: int) -> Picked:
        part = getattr(self.run.dataset, split)  # type: ignore[union-attr]  # asked only of a run
        label = int(part.labels.reshape(len(part.labels), -1)[index][0])
        return Picked(self._shown(part.images[index]), split, index, self._classes(label + 1)[label])

    def _shown(self, pixels: Any) -> Any:
        facts = self.plan.facts
        return pixels * ((facts.scale if facts else None) or 1.0)

    def _classes(self, least: int) -> Sequence[str]:
        known = self.run.dataset.classes if self.run is not None else ()
        return [str(known[n]) if n < len(known) else str(n) for n in range(max(least, len(known)))]


def _to_one(heat: Any) -> Any:
    """The map with its largest value at 1; all 0 stays so."""
    return heat / heat.max() if heat.max() > 0 else heat
