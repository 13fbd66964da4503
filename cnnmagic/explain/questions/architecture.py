"""How are the layers, their sizes and their kinds chosen?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.drawing import bars
from cnnmagic.explain.network import is_trained, plain_convolutions, training_images, window_of
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import twin_of, with_filters, with_network
from cnnmagic.layers import Dense
from cnnmagic.plans import Plan
from cnnmagic.state import RunState
from cnnmagic.table import aligned

TINY, SMALL, MIDDLE = 16, 32, 64  # pixels of an image's shorter side
FEW, MANY = 20_000, 100_000  # training images


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Where to start, what to change, how to judge; a network for these data, a sweep, the runs so far."""
    words = Words("architecture")
    images = training_images(plan, state)
    numbers = [words.number("layers", _weighted(plan)), words.number("weights", plan.parameters)]
    parts = [words("text")]
    experiment = None
    if images and None not in plan.input_shape:
        name = suggested(plan, images)
        numbers += _data(plan, images, words)
        parts.append(words("suggestion", name=name, images=images, side=_side(plan), per=plan.parameters / images))
        experiment = twin_of(plan, words("button", name=name), with_network(plan, [f"use {name}"]))
    parts += _sweep(plan, words) + _runs(probe, words)
    if state is not None and is_trained(state):
        best = state.best or {}
        score = best.get("val_accuracy", best.get("accuracy", 0.0))
        numbers.append(words.number("best", 100 * score, epoch=state.best_epoch))
    return words.answer("\n\n".join(parts), tuple(numbers), _figure(plan, probe, words), experiment)


def suggested(plan: Plan, images: int) -> str:
    """The studied network whose images are most like these in size and number."""
    side, channels = _side(plan), plan.input_shape[-1]
    if side < TINY:
        return "digits_cnn"
    if side < SMALL or (channels == 1 and side <= MIDDLE):
        return "lenet5" if images < FEW else "mnist_cnn"
    if side <= MIDDLE:
        return "resnet20"
    return "resnet50" if images >= MANY else "resnet18"


def _side(plan: Plan) -> int:
    return min(size for size in plan.input_shape[:2] if size is not None)


def _figure(plan: Plan, probe: Probe, words: Words) -> str | None:
    """The weights of this network among those of studied ones."""
    studied = probe.studied()
    if not studied:
        return None
    found = sorted([*studied, (words("own"), plan.parameters)], key=lambda one: one[1])
    return bars(words("figure"), [(name, count, f"{count:,}") for name, count in found], log=True)


def _weighted(plan: Plan) -> int:
    """Layers as papers count them: those with weights of their own that are no normalisation."""
    return sum(bool(step.parameters) and bool(step.flops) for step in plan.steps)


def _data(plan: Plan, images: int, words: Words) -> list[Number]:
    dense = sum(step.parameters for step in plan.steps if isinstance(step.layer, Dense))
    found = [words.number("images", images), words.number("per", plan.parameters / images, images=images)]
    return [*found, words.number("dense", 100 * dense / max(1, plan.parameters))]


def _sweep(plan: Plan, words: Words) -> list[str]:
    """A ready cell that tries other numbers of filters; nothing where the first layer's line does not say them."""
    first = next(iter(plain_convolutions(plan, 1)), None)
    if first is None or plan.source is None or plan.choices:
        return []
    filters = window_of(first).filters
    text = with_filters(plan, first, f"{{{max(1, filters // 2)}, {filters}, {2 * filters}}}")
    if text is None:
        return []
    lines = [
        *text.strip().split("\n"),
        *(() if plan.training else ("train",)),
        "sweep random trials=3 goal=val_accuracy",
    ]
    return [words("sweep"), "\n".join(f"    {line}" if line.strip() else "    #" for line in lines)]


def _runs(probe: Probe, words: Words) -> list[str]:
    rows = probe.runs()
    return [words("runs"), "\n".join(f"    {line}" for line in aligned(rows))] if len(rows) > 1 else []
