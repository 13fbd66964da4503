"""A run: the state of one training, folded from its events, and the thread that it lives in."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Any

from cnnmagic.device import device
from cnnmagic.errors import RunError
from cnnmagic.events import (
    WATCHES,
    Attend,
    Command,
    Event,
    Failed,
    Finished,
    Noted,
    Pause,
    Queued,
    Resume,
    SetLearningRate,
    Stop,
    Watch,
)
from cnnmagic.plans import Plan
from cnnmagic.state import HISTORY, RunState, advance

Listener = Callable[[RunState, Event], None]
Work = Callable[[Callable[[Event], None], "queue.SimpleQueue[Command]"], None]
SECONDS_BETWEEN_LOOKS = 0.5
LARGEST_RATE = 3.4e38  # a float32 holds no more


def await_quietly(done: threading.Event, timeout: float | None) -> None:
    """Return when it is done, or after `timeout` seconds."""
    if timeout is not None:
        done.wait(timeout)
        return
    while not done.wait(SECONDS_BETWEEN_LOOKS):  # a wait without end can't be interrupted on Windows
        pass


class Run:
    """One training of one plan; a variable of the notebook.

    `model` is the `keras.Model`, `dataset` the three splits, `state` a frozen picture of this moment. Methods that need
    the trained model wait for the end of the training; interrupting them ends the waiting, never the training. `folder`
    is where the run is kept, `snapshot` the last moment that a training can go on from, `seed` fixes the images' order,
    `texts` are those of other cells that its own may use.
    """

    def __init__(self, name: str, plan: Plan, model: Any, dataset: Any, state: RunState | None = None):
        self.name, self.plan, self.model, self.dataset = name, plan, model, dataset
        self.state = state or RunState(name=name)
        self.seed = plan.seed if plan.seed is not None else 0
        self.texts: dict[str, str] = {}
        self.folder: Path | None = None
        self.snapshot: Any = None
        self.show: Callable[[], None] = lambda: print(self)
        # What the beginning of a run's life gives it: how it goes on, trains more, and goes back to its best epoch.
        self.go_on: Callable[[], None]
        self.add_epochs: Callable[[int], None]
        self.roll_back: Callable[[], int]
        # What a session gives it: `ask("softmax")`, or in free words, answers a question on this network.
        self.ask: Callable[..., Any]
        # `report()`, or `report(path)`, writes all that is known of it as one page of HTML.
        self.report: Callable[..., Path]
        # What logs it elsewhere, where something does; `wait` waits a while for that too.
        self.tracker: Any = None
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._done = threading.Event()
        self._listeners: list[Listener] = []
        self._stopping = self._started = False
        self._folding, self._asking = threading.Lock(), threading.Lock()
        if self.state.is_over:
            self._done.set()

    def start(self, work: Work, is_here: bool = True) -> None:
        """Start `work(emit, commands)` in a thread; a second training in this process waits for the first to end.

        One that is not here, but on another machine, waits for none and lets none wait. Raises `RunError` where this
        run is started already: of two who let it go on at once, one is too late.
        """
        with self._asking:
            if self._started:
                raise RunError(f"{self.name} is {self.state.phase}.", remedy=f"`%cnn stop {self.name}` ends it first.")
            self._started = True
            self._commands, self._stopping = _rate_of(self._commands), False
            self.state = replace(self.state, phase="queued", failure="", error=None)
            self._done.clear()
        run_in_context, place = contextvars.copy_context().run, device.come() if is_here else None
        thread = threading.Thread(
            target=run_in_context, args=(self._train, work, place), name=f"cnnmagic-{self.name}", daemon=True
        )
        thread.start()

    def note(self, text: str) -> None:
        """Put down something that the user should know of this run."""
        self._emit(Noted(text))

    def listen(self, listener: Listener) -> None:
        """Call `listener(state, event)` after each event, in the thread that tells it; it must return at once."""
        self._listeners.append(listener)

    @property
    def history(self) -> dict[str, list[float]]:
        """For each name (loss, accuracy, val_loss, val_accuracy, learning_rate, …) its value after each whole epoch."""
        names = dict.fromkeys([*HISTORY, *(name for record in self.state.history for name in record)])
        return {name: [record[name] for record in self.state.history if name in record] for name in names}

    @property
    def is_done(self) -> bool:
        """Whether the training is over, in whatever way."""
        return self._done.is_set()

    @property
    def is_stopping(self) -> bool:
        """Whether the training has been told to end, and has not ended yet."""
        return self._stopping and not self.is_done

    def stop(self) -> None:
        """End the training after the batch under way; the model keeps what it has learned."""
        self._stopping = True
        self._ask(Stop())

    def pause(self) -> None:
        """Hold the training after the batch under way."""
        self._ask(Pause())

    def resume(self) -> None:
        """Go on after a pause; after the end `go_on` does."""
        self._ask(Resume())

    def more(self, epochs: int) -> Run:
        """Train further epochs after the end, with the optimizer as it is; returns at once."""
        self.add_epochs(epochs)
        return self

    def watch(self, what: str) -> None:
        """Look between epochs at `classes` (and dead ReLUs), at `layers` with their norms, at `all` or at `no`thing."""
        if what not in WATCHES:
            raise RunError(f"`{what}` can't be watched.", remedy=f"There are {', '.join(WATCHES)}.")
        self._ask(Watch(what))

    def attend(self, is_seen: bool) -> None:
        """Let the looks between epochs take more of the time while someone has them in view."""
        self._ask(Attend(is_seen))

    def set_learning_rate(self, rate: float) -> None:
        """Train with this rate from the next batch on; raises `RunError` unless it is a number above 0.

        Where the training is over, or ends before that batch, it holds for a training that goes on from there.
        """
        if not isinstance(rate, Real) or not 0 < rate < LARGEST_RATE:
            raise RunError(f"a learning rate is a number above 0, not {rate!r}.", remedy="For example 0.001.")
        self._ask(SetLearningRate(float(rate)))

    def wait(self, timeout: float | None = None) -> Run:
        """Return when the training is over, or after `timeout` seconds; raise what it failed of, if it failed.

        Where MLflow logs it, the log is complete then, or the run's notes say why not.
        """
        self.wait_quietly(timeout)
        self.settle(timeout)
        if self.state.error is not None:
            raise self.state.error
        return self

    def settle(self, timeout: float | None = None) -> None:
        """After the end of a training that MLflow logs, wait until the log is complete, or given up."""
        if self.tracker is not None and self.is_done:
            self.tracker.settle(timeout)

    def evaluate(self, x: Any = None, y: Any = None, split: str = "test") -> dict[str, float]:
        """Loss and accuracy on a split, `test`, `validation` or `train`, or on images of one's own; after the end.

        `run.evaluate("train")` names a split too. `run.evaluate(x, y)` takes images as `predict` does, arrays or a list
        of paths, and a label for each: its class as the data have it, in words or numbers, or its number in
        `run.dataset.classes`. Raises `DataError` for images that the network can't take and for labels that it doesn't
        know, `RunError` where there is no such split.
        """
        if y is None and (x is None or isinstance(x, str)):
            return self._evaluated(x or split)
        given = self.dataset.labelled(x, y)
        self.wait_until_usable()
        return dict(self.model.evaluate(**given, verbose=0, return_dict=True))

    def _evaluated(self, split: str) -> dict[str, float]:
        images = getattr(self.dataset, split, None) if split in ("test", "validation", "train") else None
        if images is None:
            raise RunError(f"no split `{split}`.", remedy="There are `test`, `validation` and `train`.")
        if not len(images):
            part = "train validation=0.1" if split == "validation" else "data … test=0.2"
            raise RunError(f"the {split} split is empty.", remedy=f"Give it a part: `{part}`.")
        self.wait_until_usable()
        images = getattr(self.dataset, split)  # images of files are read by now, and bad ones left out
        return dict(self.model.evaluate(**images.given(), verbose=0, return_dict=True))

    def predict(self, images: Any, name: str = "images") -> Any:
        """The model's answers: an array (count, classes); after the training's end.

        Images are arrays as the data have them, or the path of an image, or a list of paths; `name` is what errors call
        them.
        """
        ready = self.dataset.prepare(images, name)
        self.wait_until_usable()
        if not isinstance(ready, list):
            return self.model.predict(ready, verbose=0)
        import numpy as np

        return np.concatenate([self.model.predict(image, verbose=0) for image in ready])

    def remains(self) -> Run:
        """What is left of a run that is over where only its state matters: no model and no data, which are large."""
        return Run(self.name, replace(self.plan, source=None), None, None, self.state)

    def __repr__(self) -> str:
        return self.state.sentence()

    def _ask(self, command: Command) -> None:
        with self._asking:
            if not self.is_done or isinstance(command, SetLearningRate):
                self._commands.put(command)

    def wait_until_usable(self) -> None:
        """Return when the training is over, in whatever way; raises `RunError` where it is, or comes to be, paused."""
        while not self.is_done:
            if self.state.phase == "paused":
                remedy = f"`{self.name}.resume()` or `{self.name}.stop()` it first."
                raise RunError(f"{self.name} is paused.", remedy=remedy)
            self.wait_quietly(SECONDS_BETWEEN_LOOKS)

    def wait_quietly(self, timeout: float | None = None) -> None:
        """Return when the training is over, in whatever way, or after `timeout` seconds."""
        await_quietly(self._done, timeout)

    def _train(self, work: Work, place: object | None) -> None:
        try:
            if place is None or self._reach_device(place):
                work(self._emit, self._commands)
        except BaseException as error:
            self._emit(Failed(error, time.monotonic()))
        finally:
            if place is not None:
                device.leave(place)
            self._started = False
            self._done.set()

    def _reach_device(self, place: object) -> bool:
        """Wait for trainings that came earlier to end; False where the run is stopped before its turn."""
        while not device.reach(place, self.name, 0 if self.state.behind != device.holder else SECONDS_BETWEEN_LOOKS):
            if self._stopping:
                self._emit(Finished("stopped", time.monotonic()))
                return False
            if self.state.behind != device.holder:
                self._emit(Queued(device.holder))
        return True

    def _emit(self, event: Event) -> None:
        with self._folding:  # the writer of checkpoints may have a note to make
            self.state = advance(self.state, event)
        for listener in tuple(self._listeners):
            try:
                listener(self.state, event)
            except Exception:  # a view that fails must not take the training with it
                self._listeners.remove(listener)
                logging.getLogger(__name__).exception("a listener of %s failed and is not called again", self.name)


def _rate_of(commands: queue.SimpleQueue[Command]) -> queue.SimpleQueue[Command]:
    """Of commands that no training has carried out, the last rate: it is not to be lost."""
    kept: queue.SimpleQueue[Command] = queue.SimpleQueue()
    left = [commands.get() for _ in range(commands.qsize())]
    for command in [command for command in left if isinstance(command, SetLearningRate)][-1:]:
        kept.put(command)
    return kept
