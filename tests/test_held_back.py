"""Commands that can't be obeyed yet are given back in their order, before those that come later."""

import queue

from cnnmagic.events import Command, Pause, Resume, SetLearningRate, Stop
from cnnmagic.held_back import HeldBack


def test_commands_are_given_back_in_their_order() -> None:
    commands = queue.SimpleQueue[Command]()
    held = HeldBack(commands, Stop)
    for command in (Pause(), SetLearningRate(0.1)):
        commands.put(command)
    assert not held.is_urgent and commands.empty()
    commands.put(Resume())
    held.give_back()
    assert [commands.get() for _ in range(commands.qsize())] == [Pause(), SetLearningRate(0.1), Resume()]


def test_what_is_urgent_stays_so() -> None:
    commands = queue.SimpleQueue[Command]()
    held = HeldBack(commands, Stop, Pause)
    commands.put(Pause())
    assert held.is_urgent and held.is_urgent
