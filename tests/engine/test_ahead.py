"""Batches made ahead come in their order, each of the order of images that holds when they are asked for."""

import threading

import numpy as np
import pytest

from cnnmagic.engine.ahead import BATCHES_AHEAD, READERS, Ahead


def pair(number: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(2, number), np.full(2, -number)


def test_batches_come_in_their_order() -> None:
    ahead = Ahead(pair, 9)
    for _ in range(2):
        found = [ahead.take(number) for number in range(9)]
        assert [int(images[0]) for images, _ in found] == list(range(9))
        assert all((images == -labels).all() for images, labels in found)


def test_some_are_made_before_they_are_asked_for_and_no_more() -> None:
    made, enough = set[int](), threading.Event()

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        made.add(number)
        if len(made) == BATCHES_AHEAD + 1:
            enough.set()
        return pair(number)

    ahead = Ahead(make, 20)
    ahead.take(0)
    assert enough.wait(10)
    assert made == set(range(BATCHES_AHEAD + 1))


def test_several_are_made_at_once() -> None:
    together = threading.Barrier(READERS, timeout=10)

    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        together.wait()  # breaks where one is made after the other
        return pair(number)

    assert Ahead(make, READERS).take(0)[0][0] == 0


def test_another_order_forgets_what_was_made_for_the_last() -> None:
    order = [1]
    ahead = Ahead(lambda number: pair(number * order[0]), 8)
    assert ahead.take(1)[0][0] == 1
    order[0] = 10
    ahead.forget()
    assert [int(ahead.take(number)[0][0]) for number in range(8)] == [10 * number for number in range(8)]


def test_an_error_comes_with_the_batch_that_has_it() -> None:
    def make(number: int) -> tuple[np.ndarray, np.ndarray]:
        if number == 2:
            raise ValueError("spoilt")
        return pair(number)

    ahead = Ahead(make, 3)
    assert ahead.take(0)[0][0] == 0 and ahead.take(1)[0][0] == 1
    with pytest.raises(ValueError, match="spoilt"):
        ahead.take(2)
