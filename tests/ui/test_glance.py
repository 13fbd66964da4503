"""A look at a run, in words: every phase, and each number that of the state."""

from collections.abc import Callable
from dataclasses import fields

import pytest

from cnnmagic.ui.glance import charts, duration, glance
from tests.ui.states import BIG, STATES


@pytest.mark.parametrize("name", STATES)
def test_words(name: str, golden: Callable[[str, str], None]) -> None:
    words = glance(STATES[name])
    golden(f"ui/glance_{name}.txt", "\n".join(f"{f.name}: {getattr(words, f.name)}".rstrip() for f in fields(words)))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (41.4, "0:41"), (59.6, "1:00"), (3_599.6, "1:00:00"), (3_723, "1:02:03")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_are_the_state_s() -> None:
    state = STATES["training"]
    words = glance(state)
    last, record = state.points[-1], state.history[-1]
    assert state.best is not None
    for part in (
        f"loss {last.loss:.3f}   validation {record['val_loss']:.3f}",
        f"accuracy {last.accuracy:.1%}   validation {record['val_accuracy']:.1%}",
        f"best {state.best['val_accuracy']:.1%} at 2",
    ):
        assert part in words.scores
    assert words.where == "epoch 3 of 12 · batch 210 of 422"
    assert words.pace.startswith("5,700 images/s")
    assert words.progress == pytest.approx((2 * 422 + 210) / (12 * 422))
    assert words.clock == "3:10 left"


def test_curves_are_the_state_s() -> None:
    for chart, name in zip(charts(BIG), ("loss", "accuracy"), strict=True):
        training, epochs, validation = chart.curves
        assert training.points == tuple((point.x, getattr(point, name)) for point in BIG.points)
        assert epochs.points == tuple((x, record[name]) for x, record in enumerate(BIG.history, 1))
        assert validation.points == tuple((x, record[f"val_{name}"]) for x, record in enumerate(BIG.history, 1))
        assert chart.x_range == (0, 50)
    assert charts(BIG)[1].best == (2, 0.983)


def test_curves_without_validation_or_values() -> None:
    assert [curve.label for curve in charts(STATES["queued"])[0].curves] == ["training"]
    assert "validation" not in [curve.label for curve in charts(STATES["without_validation"])[0].curves]
    assert charts(STATES["without_validation"])[1].best is None
