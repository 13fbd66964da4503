"""Questions on a network of a session: hands the answers what they need of the engine and of the views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

from cnnmagic.errors import CnnError
from cnnmagic.explain import catalogue
from cnnmagic.explain.answer import Answer, Experiment
from cnnmagic.explain.probe import Confusion, Picked
from cnnmagic.lifecycle import begin, work_of
from cnnmagic.pipeline import build_model, load_data, make_plan, retrained
from cnnmagic.plans import Plan
from cnnmagic.run import Run

MOST_JUDGED = 2_000
SPLITS = ("validation", "test", "train")


class NetworkProbe:
    """What is known of one network beside its plan: its pictures, and, once it is trained, its tensors.

    `image` is the number of the picked image in the first split that has any, `rows` a table of all runs.
    """

    def __init__(self, name: str, plan: Plan, run: Run | None, rows: Sequence[tuple[str, ...]] = (), image: int = 0):
        self.name, self.plan, self.run, self.rows, self.image = name, plan, run, rows, image

    def network(self) -> str | None:
        from cnnmagic.ui.architecture import draw_network

        return draw_network(self.plan, self.name)

    def curves(self) -> str | None:
        from cnnmagic.ui.chart import draw
        from cnnmagic.ui.glance import charts

        return None if self.run is None else "".join(draw(chart) for chart in charts(self.run.state))

    def runs(self) -> Sequence[tuple[str, ...]]:
        return self.rows

    def sizes(self) -> dict[tuple[int, int], int] | None:
        facts = self.plan.facts
        if facts is None or len(facts.shape) < 2 or facts.shape[0] is None or facts.shape[1] is None:
            return None
        return {(facts.shape[0], facts.shape[1]): facts.examples + facts.tests}

    def picked(self) -> Picked | None:
        if self.model is None or self._split is None:
            return None
        return self._picture(self._split, self.image % len(self._images(self._split)))

    def logits(self) -> Sequence[float] | None:
        from cnnmagic.engine.probe_judging import answer

        if self.model is None or self._split is None or self.plan.output is None:
            return None
        return [float(number) for number in answer(self.model, self._one).logits[0]]

    def kernel(self, layer: str) -> Any:
        from cnnmagic.engine.probe_outputs import filters

        if self.model is None:
            return None
        found = filters(self.model, layer)
        return found.kernels, found.biases

    def patch(self, layer: str, row: int, column: int) -> Any:
        from cnnmagic.engine.probe_steps import convolution_step

        return None if self.model is None else convolution_step(self.model, layer, self._one[0], 0, row, column).window

    def confusion(self) -> Confusion | None:
        if self._judged is None or self._split is None:
            return None
        judged, whole = self._judged.confusion.tolist(), len(self._images(self._split))
        return Confusion(judged, self._classes(len(judged)), self._split, min(whole, MOST_JUDGED), whole)

    def worst(self) -> Sequence[tuple[Picked, str, float]]:
        if self._judged is None or self._split is None:
            return ()
        names = self._classes(len(self._judged.confusion))
        return [
            (self._picture(self._split, wrong.index), names[wrong.predicted], wrong.probability)
            for wrong in self._judged.worst_mistakes(8)
        ]

    def maps(self, layer: str) -> Any:
        from cnnmagic.engine.probe_outputs import outputs

        return None if self.model is None else outputs(self.model, self._one, [layer])[0].values[0]

    def gradcam(self, layer: str) -> Any:
        from cnnmagic.engine.probe_sight import grad_cam

        if self.model is None or self._split is None:
            return None
        heat = grad_cam(self.model, self._one, layer).maps[0]
        return heat / heat.max() if heat.max() > 0 else heat

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

        if self.model is None or self._split in (None, "train") or self.plan.output is None:
            return None
        split = getattr(self.run.dataset, str(self._split))  # type: ignore[union-attr]  # a model has a run
        return judge(self.model, split.images[:MOST_JUDGED], split.labels[:MOST_JUDGED])

    @cached_property
    def _split(self) -> str | None:
        return next((name for name in SPLITS if self.run is not None and len(self._images(name))), None)

    @property
    def _one(self) -> Any:
        """The picked image alone, as the model takes it."""
        assert self._split is not None  # asked only where there is a model, whose training had images
        images = self._images(self._split)
        place = self.image % len(images)
        return images[place : place + 1]

    def _images(self, split: str) -> Any:
        return getattr(self.run.dataset, split).images  # type: ignore[union-attr]  # asked only of a run

    def _picture(self, split: str, index: int) -> Picked:
        part, scale = getattr(self.run.dataset, split), self.plan.facts.scale if self.plan.facts else None  # type: ignore[union-attr]
        label = int(part.labels.reshape(len(part.labels), -1)[index][0])
        names = self._classes(label + 1)
        return Picked(part.images[index] * (scale or 1.0), split, index, names[label])

    def _classes(self, least: int) -> Sequence[str]:
        known = self.run.dataset.classes if self.run is not None else ()
        return [str(known[n]) if n < len(known) else str(n) for n in range(max(least, len(known)))]


def ask(
    words: str,
    name: str,
    found: Plan | Run,
    variables: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    rows: Sequence[tuple[str, ...]] = (),
    image: int = 0,
) -> Answer:
    """The answer to a question, by id or in free words, on a network; raises `CnnError` where none fits.

    A twin that can't be planned, since its text needs more than is here, is left out.
    """
    run = found if isinstance(found, Run) else None
    plan = found.plan if isinstance(found, Run) else found
    state = run.state if run is not None else None
    answer = catalogue.answer(words, plan, state, NetworkProbe(name, plan, run, rows, image))
    if answer.experiment is None or planned_twin(answer.experiment, plan, variables or {}, texts or {}) is not None:
        return answer
    return replace(answer, experiment=None)


def asking(run: Run) -> Run:
    """The run with its way of answering."""
    run.ask = partial(_ask_run, run)
    return run


def _ask_run(run: Run, words: str, image: int = 0) -> Answer:
    return ask(words, run.name, run, texts=run.texts, image=image)


def planned_twin(
    experiment: Experiment, plan: Plan, variables: Mapping[str, Any], texts: Mapping[str, str]
) -> Plan | None:
    """The plan of a twin on the data of the original; None where its text can't be planned here."""
    try:
        return make_plan(experiment.text, variables, plan.first_line, texts=texts)
    except CnnError:
        return None


def start_twin(name: str, twin: Plan, original: Plan | Run, texts: Mapping[str, str]) -> Run:
    """Start the training of a twin: on the same split, in the same order, with the original's training."""
    if isinstance(original, Plan):
        planned = twin if twin.training else retrained(twin, "")
        run = asking(begin(name, planned, build_model(planned, name), load_data(planned), texts))
    else:
        planned = twin if twin.training else replace(twin, training=original.plan.training)
        same = planned.resize == original.plan.resize
        dataset = original.dataset if same else load_data(planned)
        run = asking(begin(name, planned, build_model(planned, name), dataset, texts))
        run.seed = original.seed
    run.start(work_of(run))
    return run
