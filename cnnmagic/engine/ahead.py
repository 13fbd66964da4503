"""Batches that threads make ahead of the training, handed over in their order, for JAX and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

READERS, BATCHES_AHEAD = 2, 4
Batch = tuple[Any, Any]


class Ahead:
    """What `make(number)` gives for numbers up to before `batches`, made while earlier ones are used.

    `make` is called in threads of its own, for several numbers at once.
    """

    def __init__(self, make: Callable[[int], Batch], batches: int):
        self.make, self.batches = make, batches
        self.pool = ThreadPoolExecutor(READERS, thread_name_prefix="cnnmagic-reader")
        self.begun: dict[int, Future[Batch]] = {}

    def take(self, number: int) -> Batch:
        """Batch `number`; those that come after it are begun."""
        for later in range(number, min(number + 1 + BATCHES_AHEAD, self.batches)):
            if later not in self.begun:
                self.begun[later] = self.pool.submit(self.make, later)
        return self.begun.pop(number).result()

    def forget(self, _: object = None) -> None:
        """Begin anew: what has been made so far belongs to another order of the images."""
        for future in self.begun.values():
            future.cancel()
        self.begun.clear()
