"""A range test under way in a thread: how far it is, how to end it, and what it has found."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnnmagic.device import device
from cnnmagic.rates import RateCurve
from cnnmagic.run import SECONDS_BETWEEN_LOOKS

Tell = Callable[[int, int, float, float], object]
Test = Callable[[Tell, Callable[[], bool]], RateCurve]


@dataclass(frozen=True)
class Progress:
    """Where a range test stands: `batch` of `batches` done, the last with this rate and loss.

    `behind` is the name of the training whose end it waits for, if any.
    """

    batch: int = 0
    batches: int = 0
    rate: float = 0.0
    loss: float = 0.0
    behind: str = ""


class RateSearch:
    """A range test of the network `name` in a thread of its own; it waits while another training has the device."""

    def __init__(self, name: str, test: Test, found: Callable[[RateCurve], object]):
        self.name, self.progress = name, Progress()
        self.curve: RateCurve | None = None
        self.error: BaseException | None = None
        self._test, self._found = test, found
        self._stopping, self._done = threading.Event(), threading.Event()

    def start(self) -> None:
        """Begin, and return at once."""
        run_in_context, place = contextvars.copy_context().run, device.come()
        thread = threading.Thread(
            target=run_in_context, args=(self._work, place), name=f"cnnmagic-lrfind-{self.name}", daemon=True
        )
        thread.start()

    def stop(self) -> None:
        """End the test after the batch under way; what it has found so far is judged."""
        self._stopping.set()

    @property
    def is_done(self) -> bool:
        """Whether it is over, in whatever way."""
        return self._done.is_set()

    def wait(self, seconds: float) -> None:
        """Return when it is over, or after so many seconds."""
        self._done.wait(seconds)

    def _work(self, place: object) -> None:
        try:
            while not device.reach(place, f"lrfind of {self.name}", SECONDS_BETWEEN_LOOKS):
                self.progress = Progress(behind=device.holder)
                if self._stopping.is_set():
                    return
            self.curve = self._test(self._tell, self._stopping.is_set)
            self._found(self.curve)
        except BaseException as error:
            self.error = error
        finally:
            device.leave(place)
            self._done.set()

    def _tell(self, *numbers: Any) -> None:
        self.progress = Progress(*numbers)
