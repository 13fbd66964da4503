"""Logs one training to MLflow from its events, in a thread of its own: a store that fails costs a note, no more."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakSet

from cnnmagic.events import EpochEnded, Event, Failed, Finished, Started
from cnnmagic.integrations.mlflow_place import keep_place, place_of
from cnnmagic.integrations.mlflow_store import SECONDS_FOR_AN_ANSWER, Store, be_heard, be_quiet
from cnnmagic.run import Run
from cnnmagic.state import RunState, cause

SECONDS_OF_SILENCE = 60.0  # of a store that has answered before, at the end of a training
SECONDS_TO_BEGIN = 30.0  # of one that never has: MLflow 2 tries for minutes to open a database that can't be written
SECONDS_AT_EXIT = 20.0


@dataclass(frozen=True)
class _News:
    """An event with the state after it."""

    event: Event
    state: RunState


class Tracker:
    """Logs the next training of a run; `run_id` is MLflow's name of it, empty before the store has answered.

    A training that goes on with an earlier one of its run, in this process or in another, is logged to the same place.
    """

    def __init__(self, run: Run, store: Store):
        self.run, self.store = run, store
        self.run_id = place_of(run, store)
        self._news: list[_News] = []
        self._changed = threading.Condition()
        self._reached, self._settled = threading.Event(), threading.Event()
        self._given_up = self._begun = self._started = False
        self._steps = 0
        self._aside: Path | None = None
        run.listen(self._notice)

    def begin(self) -> None:
        """Start the thread that logs; it imports MLflow and reaches for the store while the training begins."""
        self._begun = True
        _open.add(self)
        threading.Thread(target=self._work, name=f"cnnmagic-mlflow-{self.run.name}", daemon=True).start()

    def end(self) -> None:
        """In the training's thread, at its end: put the model aside; wait a moment for a store never heard of yet.

        So what is wrong with the store is told by the time that the training is over.
        """
        state = self.run.state
        if not state.is_over:
            return  # it fails, and `Failed` is to come
        if self._started and not self._given_up:
            self._put_aside()
        self._tell(_News(Finished(state.phase, state.moment), state))
        self._reached.wait(SECONDS_FOR_AN_ANSWER + 1)

    def settle(self, timeout: float | None = None) -> None:
        """Wait until all is logged, for `timeout` seconds at most; a store that has fallen silent is given up."""
        if not self._begun:  # the run was stopped before its turn came
            return
        begin = heard = time.monotonic()
        steps = self._steps
        while not self._settled.wait(_least(SECONDS_FOR_AN_ANSWER, timeout, begin)):
            now = time.monotonic()
            if timeout is not None and now - begin >= timeout:
                return
            if self._steps != steps:
                steps, heard = self._steps, now
            elif now - heard > (limit := SECONDS_OF_SILENCE if self._reached.is_set() else SECONDS_TO_BEGIN):
                self._give_up(f"the store has not answered for {limit:g} s")
            elif self._reached.is_set() and (silence := self.store.silence()) is not None:
                self._give_up(silence)

    def _notice(self, state: RunState, event: Event) -> None:
        self._started = self._started or isinstance(event, Started)
        if isinstance(event, Started | EpochEnded | Failed):
            self._tell(_News(event, state))
        if state.is_over and isinstance(event, Finished | Failed) and self._notice in self.run._listeners:
            self.run._listeners.remove(self._notice)

    def _tell(self, news: _News) -> None:
        with self._changed:
            self._news.append(news)
            self._changed.notify()

    def _next(self) -> list[_News]:
        with self._changed:
            self._changed.wait_for(lambda: self._news)
            found, self._news = self._news, []
            return found

    def _work(self) -> None:
        log = None
        try:
            log = self._connect()
            while log is not None and not self._given_up:
                if self._log(log, self._next()):
                    break
        except Exception as error:
            self._give_up(_told(error))
        finally:
            be_heard()
            self._reached.set()
            self._settled.set()
            self._forget_model()
            _open.discard(self)

    def _connect(self) -> Any:
        """The log of this run, made when its training starts; None where it never does."""
        if (silence := self.store.silence()) is not None:
            self._give_up(silence)
            return None
        import mlflow.pyfunc  # noqa: F401  (seconds, which pass here beside the first batches)

        be_quiet()
        from cnnmagic.integrations.mlflow_records import Log

        with self._changed:
            self._changed.wait_for(lambda: self._news)
        if not isinstance(self._news[0].event, Started):
            return None
        earlier, log = self.run_id, Log(self.run, self.store, self.run_id)
        self.run_id = log.run_id
        if log.run_id != earlier:
            log.parameters(self._news[0].state)
        keep_place(self.run, self.store, log.run_id)
        self._steps += 1
        self._reached.set()
        return log

    def _log(self, log: Any, news: list[_News]) -> bool:
        """Log what has happened, all epochs since the last look at once; True after the end."""
        epochs = [(one.event.epoch, one.state.history[-1]) for one in news if isinstance(one.event, EpochEnded)]
        if epochs:
            log.epochs(epochs)
            self._steps += 1
        ends = [one for one in news if isinstance(one.event, Finished | Failed)]
        for end in ends[:1]:
            log.ending(end.state)
            self._steps += 1
            self._log_model(log, end)
            log.close(end.state)
        return bool(ends)

    def _log_model(self, log: Any, end: _News) -> None:
        from cnnmagic.integrations.mlflow_model import log_folder

        if (aside := self._aside) is None:
            return
        try:
            log_folder(aside, log.run_id, end.state.name)
        except Exception as error:
            self._note_without_model(error)
        self._steps += 1
        self._forget_model()

    def _put_aside(self) -> None:
        """Write the trained model into a folder of its own, as it is now: what comes after may change it."""
        from cnnmagic.integrations.mlflow_model import write_model

        try:
            self._aside = Path(tempfile.mkdtemp(prefix="cnnmagic-mlflow-"))
            write_model(self.run, self._aside)
        except Exception as error:
            self._forget_model()
            self._note_without_model(error)
        if self._settled.is_set():  # nobody logs it any more
            self._forget_model()

    def _forget_model(self) -> None:
        aside, self._aside = self._aside, None
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)

    def _give_up(self, why: str) -> None:
        if not self._given_up:
            self._given_up = True
            self._note(f"nothing more is logged to MLflow: {why}; the training itself is not affected")
        self._reached.set()
        self._settled.set()
        self._forget_model()

    def _note_without_model(self, error: Exception) -> None:
        if not self._given_up:
            self._note(f"the model is not logged to MLflow ({_told(error)}); the training itself is not affected")

    def _note(self, text: str) -> None:
        self.run.note(text)


def _told(error: Exception) -> str:
    """The cause in one line: of those of a database the one that names its error."""
    named = re.search(r"^\(\w+\.\w*Error\) .*", str(error), re.MULTILINE)
    return named[0] if named else cause(error)


def _least(slice_: float, timeout: float | None, begin: float) -> float:
    return slice_ if timeout is None else max(0.0, min(slice_, timeout - (time.monotonic() - begin)))


_open: WeakSet[Tracker] = WeakSet()


@atexit.register
def _settle_all() -> None:
    """A program that ends gives its log a while."""
    for tracker in list(_open):
        tracker.settle(SECONDS_AT_EXIT)
        tracker._forget_model()
