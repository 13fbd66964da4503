"""Where a training is: epochs, batches and images done, and the seconds that they took."""

from __future__ import annotations

import time
from typing import Any

from cnnmagic.schedules import WARM_UP


class Clock:
    """Counts batches and images of the epoch under way, and measures its seconds, pauses left out.

    The schedule runs from batch `begin` of the whole training (0 at first) to its last batch.
    """

    def __init__(self, images: int, batch_size: int, batches: int, epochs: int, begin: int = 0):
        self.images, self.batch_size, self.batches, self.begin = images, batch_size, batches, begin
        self.ends: Any = None  # images seen after 0, 1, 2 … batches, where these differ in size
        self.last = max(1, epochs * batches - 1 - begin)
        self.begin_epoch(0)

    def begin_epoch(self, epoch: int, batch: int = 0, means: dict[str, float] | None = None) -> None:
        """An epoch, counted from 0, begins now, or goes on after `batch` batches with these means of them."""
        self.epoch, self.batch, self.first = epoch, batch, batch
        self.reported_batch, self.reported = batch, means or {}
        self.epoch_start = self.last_report = time.monotonic()
        self.trained: float | None = None

    @property
    def progress(self) -> float:
        """Part of the schedule's way from its first batch to its last."""
        return min(1.0, (self.epoch * self.batches + self.batch - self.begin) / self.last)

    def part(self, epochs: float) -> float:
        """Part of the schedule's way that so many epochs are; where it runs again, 30 % of the way at most."""
        part = epochs * self.batches / self.last
        return min(part, WARM_UP) if self.begin else part

    def seen(self, batch: int) -> int:
        """Images seen after so many batches of the epoch; the last batch may be smaller."""
        return min(batch * self.batch_size, self.images) if self.ends is None else int(self.ends[batch])

    def skip(self, seconds: float) -> None:
        """Leave a pause out of all measures."""
        self.epoch_start += seconds
        self.last_report += seconds
        if self.trained is not None:
            self.trained += seconds

    def speed(self, now: float) -> float:
        """Images a second over the epoch's training batches, those of before a resumption left out."""
        images = self.images - self.seen(self.first)
        return images / max(1e-9, (self.trained or now) - self.epoch_start)

    def since_report(self, means: dict[str, float]) -> tuple[dict[str, float], float]:
        """Means over the images since the last report, out of Keras's means since the epoch began; its images/s."""
        now, before = self.seen(self.batch), self.seen(self.reported_batch)
        fresh = {
            name: (mean * now - self.reported.get(name, 0.0) * before) / max(1, now - before)
            for name, mean in means.items()
        }
        moment = time.monotonic()
        speed = (now - before) / max(1e-9, moment - self.last_report)
        self.reported_batch, self.reported, self.last_report = self.batch, means, moment
        return fresh, speed
