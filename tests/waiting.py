"""Waits for what another thread brings about."""

import time
from collections.abc import Callable

LATE = 60.0


def wait_until(condition: Callable[[], object]) -> None:
    """Come back when the condition holds; fails where it doesn't within a minute."""
    end = time.monotonic() + LATE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)
