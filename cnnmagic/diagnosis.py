"""What is wrong with a training, in plain words with the numbers that it rests on: pure functions of its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from cnnmagic.certainty import FEW, absent, named
from cnnmagic.state import Point, RunState
from cnnmagic.wording import counted

ENOUGH_BATCHES = 100
EXPLODED = 1e4  # times the loss of guessing
WORSE = 1.5
NO_BETTER = 0.97
JUMP, JUMPS = 0.5, 3  # rises of the loss from one report to the next, in losses of guessing
STILL, RESTLESS = 1e-3, 0.02  # changes of a loss from epoch to epoch, in losses of guessing
RISING_EPOCHS = 3
PAST_BEST_EPOCHS, PAST_BEST = 5, 1.1
MOSTLY_DEAD = 0.5
GOOD_ON_THE_WHOLE, POOR_SHARE, FEW_IMAGES = 0.5, 0.5, 10
LASTING = 2  # times the epochs of a look at classes or layers, for which it tells of the network


@dataclass(frozen=True)
class Diagnosis:
    """One finding: `kind` names it, `numbers` are those of its text, `question` is the one that explains it."""

    kind: str
    text: str
    question: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def diagnose(state: RunState) -> tuple[Diagnosis, ...]:
    """All that can be said of a run against its training; nothing where all is well or it is too early to tell."""
    learning = _exploding(state) or _too_high(state) or _too_low(state) or _learns_nothing(state)
    found = (learning, _overfitting(state), _dead(state), _confused(state), _unseen(state))
    return tuple(diagnosis for diagnosis in found if diagnosis is not None)


def _exploding(state: RunState) -> Diagnosis | None:
    early, late = _level(_part(state, 0.5, 0.75)), _level(_part(state, 0.75, 1.0))
    if not state.chance or early is None or late is None or not late > max(early, EXPLODED * state.chance):
        return None
    text = (
        f"The loss explodes: it has risen from {early:.3g} to {late:.3g}, and guessing gives {state.chance:.3g}. "
        f"The learning rate of {state.peak_rate:.3g} is too high."
    )
    return Diagnosis("exploding", text, "learning-rate", _numbers(state, before=early, loss=late))


def _too_high(state: RunState) -> Diagnosis | None:
    late = _level(_part(state, 0.75, 1.0))
    if not _is_late_enough(state) or late is None:
        return None
    recent = _part(state, 0.5, 1.0)
    jumps = sum(after.loss - before.loss > JUMP * state.chance for before, after in pairwise(recent))
    swing = _swing(state)
    if late > WORSE * state.chance:
        told = f"the loss is {late:.3g}, worse than the {state.chance:.3g} of guessing"
    elif jumps >= JUMPS:
        told = f"the loss has jumped up {jumps} times by more than {JUMP * state.chance:.3g}"
    elif late >= NO_BETTER * state.chance and swing is not None and swing > RESTLESS * state.chance:
        told = f"the loss leaps by {swing:.3g} from epoch to epoch about the {state.chance:.3g} of guessing"
    else:
        return None
    text = f"The learning rate of {state.peak_rate:.3g} may be too high: {told}. Try a tenth of it."
    return Diagnosis("rate too high", text, "learning-rate", _numbers(state, loss=late, jumps=jumps))


def _too_low(state: RunState) -> Diagnosis | None:
    swing, late = _swing(state), _level(_part(state, 0.75, 1.0))
    if not _is_late_enough(state) or swing is None or late is None:
        return None
    if late < NO_BETTER * state.chance or swing > STILL * state.chance:
        return None
    text = (
        f"The training stands still: the loss changes by {swing:.2g} from epoch to epoch and is {late:.4g}, while "
        f"guessing gives {state.chance:.4g}. The learning rate of {state.peak_rate:.3g} may be too low, or the layers "
        "pass nothing on."
    )
    return Diagnosis("rate too low", text, "learning-rate", _numbers(state, loss=late, swing=swing))


def _learns_nothing(state: RunState) -> Diagnosis | None:
    late = _level(_part(state, 0.5, 1.0))
    if not _is_late_enough(state) or late is None or late < NO_BETTER * state.chance:
        return None
    done = sum(point.batches for point in state.points)
    text = (
        f"It learns nothing so far: after {done:,} batches the loss is {late:.4g}, and guessing gives "
        f"{state.chance:.4g}. Try another learning rate than {state.peak_rate:.3g}, or look at the layers."
    )
    return Diagnosis("learns nothing", text, "learning-rate", _numbers(state, loss=late, batches=done))


def _overfitting(state: RunState) -> Diagnosis | None:
    losses = [record["val_loss"] for record in state.history if "val_loss" in record]
    if len(losses) != len(state.history) or len(losses) <= RISING_EPOCHS:
        return None
    best = losses.index(min(losses))
    rising = next((n for n, (after, before) in enumerate(pairwise(losses[::-1])) if after <= before), len(losses) - 1)
    past_best = len(losses) - 1 - best >= PAST_BEST_EPOCHS and losses[-1] > PAST_BEST * losses[best]
    since = len(losses) - 1 - rising if rising >= RISING_EPOCHS else best
    first, last = state.history[since]["loss"], state.history[-1]["loss"]
    has_learned = not state.chance or last < NO_BETTER * state.chance
    if not (rising >= RISING_EPOCHS or past_best) or not last < first or not has_learned:
        return None
    epochs = len(losses) - 1 - since
    long = counted(epochs, "epoch")
    risen = f"has risen for {long}" if rising >= RISING_EPOCHS else f"is past its best of {long} ago"
    text = (
        f"Overfitting? The validation loss {risen}, from {losses[since]:.3g} to {losses[-1]:.3g}, while the training "
        f"loss fell from {first:.3g} to {last:.3g}."
    )
    numbers = {"epochs": epochs, "from": losses[since], "to": losses[-1], "training from": first, "training to": last}
    return Diagnosis("overfitting", text, "overfitting", numbers)


def _dead(state: RunState) -> Diagnosis | None:
    seen = state.layers_seen
    layers = [] if seen is None else [n for n in seen.layers if n.channels and n.dead >= MOSTLY_DEAD * n.channels]
    if seen is None or not layers or _is_out_of_date(seen.epoch, state):
        return None
    told = ", ".join(f"{n.dead} of the {n.channels} channels of `{n.name}`" for n in layers[:3])
    more = f" and of {len(layers) - 3} more layers" if len(layers) > 3 else ""
    text = (
        f"Dead ReLUs: {told}{more} are 0 for every one of {seen.images} images. A lower learning rate keeps more alive."
    )
    numbers = {"images": seen.images} | {layer.name: layer.dead / layer.channels for layer in layers}
    return Diagnosis("dead ReLUs", text, "layers", numbers)


def _confused(state: RunState) -> Diagnosis | None:
    if not state.seen or _is_out_of_date(state.seen[-1].epoch, state):
        return None
    cells, images = state.seen[-1].cells, state.seen[-1].images
    right = sum(count for actual, answer, count in cells if actual == answer) / max(1, images)
    poor = [(share, number, total) for number, total, share in _shares(cells) if total >= FEW_IMAGES]
    if right < GOOD_ON_THE_WHOLE or not poor or min(poor)[0] > POOR_SHARE * right:
        return None
    share, number, total = min(poor)
    name = state.classes[number] if number < len(state.classes) else str(number)
    others = [(count, answer) for actual, answer, count in cells if actual == number and answer != number]
    count, answer = max(others)
    other = state.classes[answer] if answer < len(state.classes) else str(answer)
    text = (
        f"Class {name} is told in {share:.0%} of its {total} images, and all classes in {right:.0%} of theirs; it is "
        f"mostly taken for {other} ({counted(count, 'time')})."
    )
    return Diagnosis("confusion", text, "confusion", {"share": share, "images": total, "all": right, "taken": count})


def _unseen(state: RunState) -> Diagnosis | None:
    """What the validation says little of: it has few images, or none of a class."""
    seen = state.seen[-1] if state.seen else None
    if seen is None or not seen.is_whole:
        return None
    missing = absent(seen.actual, state.classes)
    told = []
    if seen.whole < FEW:
        one = f"one of them is {100 / seen.whole:.3g} points of its accuracy"
        told.append(f"The validation rests on {counted(seen.whole, 'image')}: {one}.")
    if missing:
        told.append(f"No validation image is of {named(missing, 3)}: the accuracy says nothing of that.")
    if not told:
        return None
    text = " ".join([*told, "`train validation=0.3` keeps more images for it."])
    return Diagnosis("few images", text, "confusion", {"images": seen.whole, "missing classes": len(missing)})


def _is_out_of_date(epoch: int, state: RunState) -> bool:
    """Whether the network has trained so long since a look after that epoch that it may be another by now."""
    return len(state.history) > LASTING * epoch


def _shares(cells: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, float]]:
    """For each class seen its number, its images, and the share of them that is told right."""
    totals: dict[int, int] = {}
    right: dict[int, int] = {}
    for actual, answer, count in cells:
        totals[actual] = totals.get(actual, 0) + count
        right[actual] = right.get(actual, 0) + count * (actual == answer)
    return [(number, total, right[number] / total) for number, total in totals.items()]


def _is_late_enough(state: RunState) -> bool:
    return bool(state.chance and state.history and sum(point.batches for point in state.points) >= ENOUGH_BATCHES)


def _part(state: RunState, start: float, end: float) -> tuple[Point, ...]:
    """The points whose batches lie between two shares of all batches done."""
    done = state.points[-1].x if state.points else 0.0
    return tuple(point for point in state.points if start * done < point.x <= end * done)


def _level(points: Sequence[Point]) -> float | None:
    """The mean loss over the batches of some points."""
    batches = sum(point.batches for point in points)
    return sum(point.loss * point.batches for point in points) / batches if batches else None


def _swing(state: RunState) -> float | None:
    """The largest change of the loss between neighbours of the last epochs: of validation's, else of training's."""
    name = "val_loss" if all("val_loss" in record for record in state.history) else "loss"
    losses = [record[name] for record in state.history[-RISING_EPOCHS:]]
    return max((abs(after - before) for before, after in pairwise(losses)), default=None)


def _numbers(state: RunState, **numbers: float) -> dict[str, float]:
    return {"guessing": state.chance, "learning rate": state.peak_rate, **numbers}
