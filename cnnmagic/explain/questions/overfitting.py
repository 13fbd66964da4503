"""Is it overfitting?"""

from __future__ import annotations

from cnnmagic.certainty import FEW, absent, interval, named
from cnnmagic.diagnosis import diagnose
from cnnmagic.explain.answer import Answer, Experiment, Number
from cnnmagic.explain.network import training_images, validation_images
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.explain.twins import line_of, twin_of, with_line_before, with_train
from cnnmagic.layers import Dropout
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

WIDE_GAP = 5.0  # points of accuracy


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Training against validation so far, where they part, and what to try."""
    if plan.output is None:
        return None
    words = Words("overfitting")
    images = training_images(plan, state)
    numbers = [words.number("per", plan.parameters / images, images=images)] if images else []
    if state is None or not state.history or "val_loss" not in state.history[-1]:
        key = "missing" if state is None or not state.history else "no_validation"
        return words.answer(words.all("text", key), tuple(numbers), None, _experiment(plan, words))
    held = validation_images(plan, state)
    verdict, values = judged(state, held)
    numbers += _measured(state, words)
    text = words.all("text", verdict, *(["few"] if held and held < FEW else []), **values)
    seen = state.seen[-1] if state.seen else None
    missing = absent(seen.actual, state.classes) if seen is not None and seen.is_whole else ()
    parts = [text, *([words("absent", names=named(missing))] if missing else []), words("try")]
    return words.answer("\n\n".join(parts), tuple(numbers), probe.curves(), _experiment(plan, words))


def judged(state: RunState, images: int | None = None) -> tuple[str, dict[str, float]]:
    """`yes`, `gap`, `no` or `unsure`, and the numbers that say so: the diagnosis of the run decides, then the gap.

    `images` are those of the validation: with few of them a gap may be chance, and none may be hidden by it.
    """
    first, last = state.history[best_loss(state) - 1], state.history[-1]
    gap = 100 * (last.get("accuracy", 0.0) - last.get("val_accuracy", 0.0))
    values = {"best": best_loss(state), "epochs": len(state.history), "gap": gap}
    values |= {"low": first["val_loss"], "last": last["val_loss"], "loss": last["loss"]}
    if images:
        values |= {"images": images, "each": 100 / images}
    if any(found.kind == "overfitting" for found in diagnose(state)):
        return "yes", values
    if images and images < FEW and "val_accuracy" in last:
        least, most = interval(last["val_accuracy"], images)
        values |= {"least": 100 * least, "most": 100 * most}
        if last.get("accuracy", 0.0) <= most:
            return "unsure", values
    return ("gap" if gap > WIDE_GAP else "no"), values


def best_loss(state: RunState) -> int:
    """The epoch, from 1, with the lowest validation loss."""
    losses = [record["val_loss"] for record in state.history]
    return losses.index(min(losses)) + 1


def _measured(state: RunState, words: Words) -> list[Number]:
    last, epoch = state.history[-1], len(state.history)
    found = [words.number("loss", last["loss"], epoch=epoch, images=state.images)]
    found.append(words.number("val_loss", last["val_loss"], epoch=epoch))
    found.append(words.number("lowest", min(r["val_loss"] for r in state.history), epoch=best_loss(state)))
    if "val_accuracy" in last:
        found.append(words.number("accuracy", 100 * last["accuracy"], epoch=epoch, images=state.images))
        found.append(words.number("val_accuracy", 100 * last["val_accuracy"], epoch=epoch))
        found.append(words.number("gap", 100 * (last["accuracy"] - last["val_accuracy"]), epoch=epoch))
    return found


def _experiment(plan: Plan, words: Words) -> Experiment | None:
    """Dropout before the output; where the network has one already, a pull of the weights towards zero."""
    line = line_of(plan, "output")
    if line is not None and not any(isinstance(step.layer, Dropout) for step in plan.steps):
        text = with_line_before(plan, line, "dropout 0.5")
        return twin_of(plan, words("button"), text)
    return twin_of(plan, words("button_decay"), with_train(plan, "weight_decay=0.001"))
