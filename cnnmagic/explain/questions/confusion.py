"""Which classes are confused, and which images most?"""

from __future__ import annotations

from cnnmagic.certainty import FEW, absent, interval, named
from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.drawing import MOST_CELLS, matrix
from cnnmagic.explain.probe import Confusion, Probe
from cnnmagic.explain.texts import Words
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

SHOWN_PAIRS, SHOWN_IMAGES = 3, 8
UNEVEN = 3  # times as many images of one class as of another


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """The confusion matrix, the classes most often taken for each other, the images told wrong most surely."""
    if plan.output is None:
        return None
    words = Words("confusion")
    found = probe.confusion() or _seen(plan, state)
    if found is None:
        return words.answer(words.all("text", "missing"))
    where: dict[str, object] = {"split": found.split, "images": found.images, "whole": found.whole}
    right = sum(found.matrix[n][n] for n in range(len(found.matrix)))
    numbers = [words.number("right", 100 * right / max(1, found.images), **where)]
    numbers.append(words.number("wrong", found.images - right, **where))
    pairs = confused(found)
    numbers += [_pair(found, pair, words) for pair in pairs]
    numbers += [*_poorest(found, words, where), *_calibration(found, words, where)]
    parts = [words("text"), words("measured", **where) if pairs else words("none", **where)]
    parts += _doubts(found, right, words)
    small = len(found.classes) <= MOST_CELLS
    figure = (
        matrix(words("figure", **where), found.matrix, found.classes, words("across"), words("down")) if small else ""
    )
    worst = list(probe.worst())[:SHOWN_IMAGES]
    numbers += [
        words.number("image", 100 * share, split=image.split, index=image.index, label=image.label, taken=taken)
        for image, taken, share in worst
    ]
    labels = [words("taken", label=image.label, taken=taken, share=share) for image, taken, share in worst]
    shown = probe.pictures([image.pixels for image, _, _ in worst], labels) if worst else None
    return words.answer("\n\n".join(parts), tuple(numbers), (figure + (shown or "")) or None)


def _doubts(found: Confusion, right: int, words: Words) -> list[str]:
    """What the counts say little of: images that are few, classes without any."""
    told = []
    if 0 < found.images < FEW:
        low, high = interval(right / found.images, found.images)
        told.append(words("few", images=found.images, each=100 / found.images, low=100 * low, high=100 * high))
    if missing := absent((n for n, row in enumerate(found.matrix) if sum(row)), found.classes):
        told.append(words("absent", names=named(missing)))
    return told + _uneven(found, words)


def _uneven(found: Confusion, words: Words) -> list[str]:
    """How far an answer that is always the same would be right, where classes have very different numbers of images."""
    counts = [sum(row) for row in found.matrix]
    most, least = counts.index(max(counts)), counts.index(min(counts))
    if len(counts) < 2 or counts[most] < UNEVEN * counts[least] or not counts[most]:
        return []
    values = {"most": found.classes[most], "many": counts[most], "least": found.classes[least], "few": counts[least]}
    return [words("uneven", **values, share=100 * counts[most] / sum(counts))]


def confused(found: Confusion) -> list[tuple[int, int, int]]:
    """(images, true class, answered class) of the pairs most often taken for each other."""
    cells = [(count, a, b) for a, row in enumerate(found.matrix) for b, count in enumerate(row) if a != b and count]
    return sorted(cells, key=lambda cell: (-cell[0], *cell[1:]))[:SHOWN_PAIRS]


def _pair(found: Confusion, pair: tuple[int, int, int], words: Words) -> Number:
    count, actual, answered = pair
    total = sum(found.matrix[actual])
    names = {"actual": found.classes[actual], "answered": found.classes[answered], "total": total}
    return words.number("pair", count, **names, split=found.split, images=found.images)


def _poorest(found: Confusion, words: Words, where: dict[str, object]) -> list[Number]:
    """The class of whose images the smallest share is told right."""
    shares = [(row[n] / sum(row), n) for n, row in enumerate(found.matrix) if sum(row)]
    if not shares:
        return []
    share, number = min(shares)
    total = sum(found.matrix[number])
    return [words.number("recall", 100 * share, name=found.classes[number], total=total, **where)]


def _calibration(found: Confusion, words: Words, where: dict[str, object]) -> list[Number]:
    return [] if found.error is None else [words.number("calibration", 100 * found.error, **where)]


def _seen(plan: Plan, state: RunState | None) -> Confusion | None:
    """What the training itself counted after its last epoch."""
    if state is None or not state.seen:
        return None
    last = state.seen[-1]
    count = max([len(state.classes), *(max(a, b) + 1 for a, b, _ in last.cells)])
    counts = [[0] * count for _ in range(count)]
    for actual, answered, images in last.cells:
        counts[actual][answered] = images
    names = [state.classes[n] if n < len(state.classes) else str(n) for n in range(count)]
    return Confusion(counts, names, "validation", last.images, last.whole)
