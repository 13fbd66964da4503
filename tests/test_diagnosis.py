"""Diagnoses: of states made by hand, where every number is known, and of trainings that go wrong on purpose."""

from dataclasses import replace
from math import log
from typing import Any

import pytest

from cnnmagic.diagnosis import diagnose
from cnnmagic.events import BatchEnded, ClassesSeen, EpochEnded, Event, LayerNumbers, LayersSeen, Started
from cnnmagic.lifecycle import work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.run import Run
from cnnmagic.state import RunState, advance

CHANCE = log(10)
START = Started(20, 50, 32, 1_600, "CPU", "float32", 0.5, 0.0, classes=tuple("abcdefghij"), chance=CHANCE)
QUESTIONS = {"overfitting", "learning-rate", "layers", "confusion"}


def state(*events: Event) -> RunState:
    told = RunState("net")
    for event in (START, *events):
        told = advance(told, event)
    return told


def trained(losses: list[float], validation: list[float] | None = None) -> RunState:
    """Epochs of five reports each; a loss stands for its epoch."""
    events: list[Event] = []
    for epoch, loss in enumerate(losses, 1):
        events += [BatchEnded(epoch, n, loss, {"accuracy": 0.5}, 0.5, 1.0, 0.0) for n in range(10, 51, 10)]
        logs = {"loss": loss, "accuracy": 0.5} | ({"val_loss": validation[epoch - 1]} if validation else {})
        events.append(EpochEnded(epoch, logs, 0.5, 1.0, 1.0, 0.0))
    return state(*events)


def leaping() -> RunState:
    events = [BatchEnded(1, n, 0.5 + 1.5 * (n % 2), {"accuracy": 0.5}, 0.5, 1.0, 0.0) for n in range(1, 51)]
    events += [BatchEnded(2, n, 0.5 + 1.5 * (n % 2), {"accuracy": 0.5}, 0.5, 1.0, 0.0) for n in range(1, 51)]
    return state(*events[:50], EpochEnded(1, {"loss": 1.2, "accuracy": 0.5}, 0.5, 1.0, 1.0, 0.0), *events[50:])


def layers(dead: int) -> RunState:
    return state(LayersSeen(1, 64, (LayerNumbers("conv", 0.1, dead, 8), LayerNumbers("flatten", 0.1))))


def classes(right: int) -> RunState:
    """Nine classes that are always told, and one that is told in `right` of 20 images, else taken for the first."""
    cells = [(n, n, 20) for n in range(9)] + [(9, 9, right), (9, 0, 20 - right)]
    return state(ClassesSeen(1, 200, 200, tuple(cell for cell in cells if cell[2])))


@pytest.mark.parametrize(
    ("told", "kinds", "words"),
    [
        (trained([2.0, 1.0, 0.5, 0.3], [2.0, 1.1, 0.7, 0.6]), [], []),
        (trained([2.303], [2.303]), [], []),
        (state(), [], []),
        (
            trained([2.31, 2.302, 2.29], [2.31, 2.30, 2.295]),
            ["learns nothing"],
            ["150 batches", "is 2.29", "2.303", "0.5"],
        ),
        (trained([2.35, 2.35, 2.35], [2.4, 2.4, 2.4]), ["rate too low"], ["2.35", "2.303", "0.5"]),
        (trained([2.35, 2.36, 2.35], [2.4, 2.7, 2.3]), ["rate too high"], ["0.4", "2.3", "0.5"]),
        (trained([2.3, 4.0, 5.0], [2.3, 4.0, 5.0]), ["rate too high"], ["5", "2.3", "guessing"]),
        (leaping(), ["rate too high"], ["jumped up 24 times", "1.15"]),
        (trained([2.3, 3e4, 9e7], [1.0, 2.0, 3.0]), ["exploding"], ["9e+07", "2.3", "0.5"]),
        (
            trained([1.0, 0.5, 0.4, 0.3, 0.2], [1.0, 0.6, 0.7, 0.8, 0.9]),
            ["overfitting"],
            ["risen for 3 epochs", "from 0.6 to 0.9", "from 0.5 to 0.2"],
        ),
        (trained([1.0, 0.5, 0.4, 0.3], [1.0, 0.6, 0.7, 0.8]), [], []),
        (trained([1.0, 0.5, 0.6, 0.7, 0.8], [1.0, 0.6, 0.7, 0.8, 0.9]), [], []),
        (
            trained([1.0, 0.5, 0.4, 0.3, 0.2, 0.1], [0.6, 0.7, 0.69, 0.8, 0.79, 0.9]),
            ["overfitting"],
            ["past its best of 5 epochs ago", "from 0.6 to 0.9", "from 1 to 0.1"],
        ),
        (layers(4), ["dead ReLUs"], ["4 of the 8 channels of `conv`", "64 images"]),
        (layers(3), [], []),
        (classes(2), ["confusion"], ["Class j", "10% of its 20", "91% of theirs", "mostly taken for a (18 times)"]),
        (classes(18), [], []),
    ],
)
def test_states_made_by_hand(told: RunState, kinds: list[str], words: list[str]) -> None:
    found = diagnose(told)
    assert [diagnosis.kind for diagnosis in found] == kinds
    assert {diagnosis.question for diagnosis in found} <= QUESTIONS
    for word in words:
        assert word in found[0].text


NET = "data digits\nconv 4 3x3 relu {layer}\nflatten\n{more}output 10\nseed 3\ntrain epochs={epochs} batch=64 {words}"
FEW = "data {{x}} {{y}}\nflatten\ndense 128 relu\noutput 10\nseed 1\ntrain epochs=60 batch=20 lr=0.01 validation=0.5"


@pytest.mark.parametrize(("epochs", "is_told"), [(1, True), (2, True), (3, False), (20, False)])
@pytest.mark.parametrize(("seen", "kind"), [(classes(2), "confusion"), (layers(6), "dead ReLUs")])
def test_a_look_tells_nothing_of_a_network_that_has_trained_long_since(
    seen: RunState, kind: str, epochs: int, is_told: bool
) -> None:
    rows = tuple({"loss": 0.5, "accuracy": 0.9} for _ in range(epochs))
    told = {found.kind for found in diagnose(replace(seen, history=rows))}
    assert (kind in told) == is_told


def run_of(text: str, variables: dict[str, Any] | None = None) -> RunState:
    plan = make_plan(text, variables or {})
    run = Run("net", plan, build_model(plan, "net"), load_data(plan))
    run.start(work_of(run))
    return run.wait(120).state


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"words": "sgd lr=10", "more": "dense 32 relu\n"}, "rate too high"),
        ({"words": "sgd lr=1e-9"}, "rate too low"),
        ({"words": "", "layer": "bias_initializer=constant(-100)"}, "dead ReLUs"),
        ({"words": ""}, None),
    ],
)
def test_trainings_that_go_wrong(parts: dict[str, str], expected: str | None) -> None:
    told = run_of(NET.format(**{"layer": "", "more": "", "epochs": 6} | parts))
    kinds = [diagnosis.kind for diagnosis in diagnose(told)]
    assert kinds == [] if expected is None else expected in kinds


def test_a_training_that_learns_by_heart() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    noise = (digits.target + (digits.data.sum(axis=1) % 3 == 0) * 4) % 10  # a third of the labels are wrong
    told = run_of(FEW, {"x": digits.images[:200, ..., None] / 16, "y": noise[:200]})
    (found,) = [diagnosis for diagnosis in diagnose(told) if diagnosis.kind == "overfitting"]
    assert f"to {told.history[-1]['val_loss']:.3g}" in found.text
    assert found.numbers["to"] > found.numbers["from"]


@pytest.mark.parametrize("counts", [[10] * 10, [5, 15], [1, 1, 98]])
def test_the_loss_of_guessing_is_scikit_learn_s(counts: list[int]) -> None:
    import numpy as np
    from sklearn.metrics import log_loss

    from cnnmagic.engine.fit import _chance
    from cnnmagic.engine.splits import Dataset, Split

    labels = np.repeat(np.arange(len(counts)), counts)
    split = Split(np.zeros((len(labels), 1, 1, 1)), labels)
    shares = np.tile(np.array(counts) / sum(counts), (len(labels), 1))
    assert _chance(Dataset("", (), split, split, split, ())) == pytest.approx(log_loss(labels, shares))


@pytest.mark.parametrize(
    ("cells", "whole", "told"),
    [
        (tuple((n, n, 5) for n in range(10)), 50, ""),
        (tuple((n, n, 4) for n in range(10)), 41, ""),  # a sample of them, which tells nothing of the others
        (
            tuple((n, n, 4) for n in range(10)),
            40,
            "The validation rests on 40 images: one of them is 2.5 points of its accuracy. "
            "`train validation=0.3` keeps more images for it.",
        ),
        (
            tuple((n, 1, 100) for n in range(8)),
            800,
            "No validation image is of i, j: the accuracy says nothing of that. "
            "`train validation=0.3` keeps more images for it.",
        ),
        (
            ((0, 0, 1),),
            1,
            "The validation rests on 1 image: one of them is 100 points of its accuracy. No validation image is of "
            "b, c, d, … (9): the accuracy says nothing of that. `train validation=0.3` keeps more images for it.",
        ),
    ],
)
def test_few_images_and_missing_classes(cells: tuple[tuple[int, int, int], ...], whole: int, told: str) -> None:
    seen = ClassesSeen(1, sum(count for _, _, count in cells), whole, cells)
    found = [one for one in diagnose(state(seen)) if one.kind == "few images"]
    assert [one.text for one in found] == ([told] if told else [])
    assert all(one.question == "confusion" and one.numbers["images"] == whole for one in found)
