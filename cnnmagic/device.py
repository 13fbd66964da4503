"""The one device of this process, which those who train on it get in the order in which they came."""

from __future__ import annotations

import threading


class Device:
    """`holder` is the name of what trains now."""

    def __init__(self) -> None:
        self.holder = ""
        self._line: list[object] = []
        self._news = threading.Condition()

    @property
    def is_free(self) -> bool:
        """Whether nobody has it, and nobody waits for it."""
        return not self._line

    def come(self) -> object:
        """Stand at the end of the line; what is returned stands for the place in it."""
        place = object()
        with self._news:
            self._line.append(place)
        return place

    def reach(self, place: object, name: str, seconds: float) -> bool:
        """Wait so long at most for one's turn; where it has come, `name` is the holder from now on."""
        with self._news:
            reached = self._news.wait_for(lambda: self._line[0] is place, seconds)
            if reached:
                self.holder = name
            return reached

    def leave(self, place: object) -> None:
        """Make room for the next, be it one's turn or not."""
        with self._news:
            self._line.remove(place)
            self._news.notify_all()


device = Device()
