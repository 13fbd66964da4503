"""Commands that come while a training can't obey them yet: held back meanwhile, and given back in their order."""

from __future__ import annotations

import queue

from cnnmagic.events import Command


class HeldBack:
    """What has come of commands since; those of the kinds `urgent` can't wait."""

    def __init__(self, commands: queue.SimpleQueue[Command], *urgent: type[Command]):
        self.commands, self.urgent = commands, urgent
        self.held: list[Command] = []

    @property
    def is_urgent(self) -> bool:
        """Whether one of those that have come can't wait."""
        self._take()
        return any(isinstance(command, self.urgent) for command in self.held)

    def give_back(self) -> None:
        """Put them back, before what comes from now on."""
        self._take()
        for command in self.held:
            self.commands.put(command)

    def _take(self) -> None:
        while not self.commands.empty():
            self.held.append(self.commands.get())
