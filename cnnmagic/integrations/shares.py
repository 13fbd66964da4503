"""How a batch is shared out among replicas: who gets which of its rows, and how much they weigh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Share:
    """Rows `start` to before `end` of a batch of `whole` rows, the part of one replica."""

    start: int
    end: int
    whole: int

    @property
    def rows(self) -> int:
        return self.end - self.start

    @property
    def weight(self) -> float:
        """What the mean over these rows counts in the mean over the batch."""
        return self.rows / self.whole

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The part of the batch's rows; one row of it, which weighs nothing, where the part is empty."""
        return rows[self.start : self.end] if self.rows else rows[:1]


def share_of(whole: int, rank: int, replicas: int) -> Share:
    """The part of replica `rank` (from 0) of a batch: parts follow one another, and differ by one row at most."""
    least, more = divmod(whole, replicas)
    start = rank * least + min(rank, more)
    return Share(start, start + least + (rank < more), whole)
