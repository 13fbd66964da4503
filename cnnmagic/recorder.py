"""Keeps on disk what a run is and how it goes: text, data, seed, versions, phase and history, in its `run.json`."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict
from importlib import metadata
from typing import IO, Any

from cnnmagic.errors import CnnError, RunError
from cnnmagic.plans import Training
from cnnmagic.run import Run
from cnnmagic.state import RunState
from cnnmagic.storage import find_record, lock_folder, write_about

TRIES, SECONDS_BETWEEN_TRIES = 4, 0.05  # who asks whether a folder is in use holds it for a moment
PACKAGES = ("cnnmagic", "keras", "tensorflow", "jax", "torch", "numpy")


class Recorder:
    """Keeps `run.json` up to date, and the run's folder marked as in use."""

    def __init__(self, run: Run):
        from cnnmagic.engine.splits import fingerprint

        self.run, self.failure = run, ""
        self.held: IO[str] | None = None
        self.data = {
            "source": str(run.plan.source),
            "fingerprint": fingerprint(run.dataset) if run.folder is not None else "",
            "train": len(run.dataset.train),
            "validation": len(run.dataset.validation),
            "test": len(run.dataset.test),
        }
        self.created = _created(run)

    def write(self, state: RunState) -> None:
        """Write what the run is and how it goes; raises OSError."""
        if self.run.folder is not None:
            write_about(self.run.folder, self.about(state))

    def lock(self) -> None:
        """Mark the run's folder as in use, until `close`; raises `RunError` where another training holds it."""
        if self.run.folder is None:
            return
        for _ in range(TRIES):
            self.held = lock_folder(self.run.folder)
            if self.held is not None:
                return
            time.sleep(SECONDS_BETWEEN_TRIES)
        raise in_training_elsewhere(self.run.name)

    def begin(self) -> None:
        """Write what is about to be trained: from now on a run can be resumed."""
        try:
            self.write(self.run.state)
        except OSError as error:
            self.run.note(f"the run is not kept on disk ({error.strerror or error})")

    def close(self, is_kept: bool) -> None:
        """Write how it went, and let go of the folder; an end that no checkpoint holds is still to be resumed to."""
        try:
            if is_kept or self.failure:
                self.write(self.run.state)
            else:
                way = f"`%cnn resume {self.run.name}` goes on from the last checkpoint"
                self.run.note(f"the end is not kept on disk: {way}")
        except OSError as error:
            self.run.note(f"how the run ended is not kept on disk ({error.strerror or error})")
        if self.held is not None:
            self.held.close()

    def about(self, state: RunState) -> dict[str, Any]:
        plan = self.run.plan
        return {
            "name": self.run.name,
            "text": plan.text,
            "texts": self.run.texts,
            "first_line": plan.first_line,
            "training": asdict(plan.training or Training()),
            "seed": self.run.seed,
            "created": self.created,
            "phase": "failed" if self.failure else state.phase if state.is_over else "training",
            "failure": self.failure,
            "epochs": state.epochs,
            "history": list(state.history),
            "best": state.best,
            "parameters": plan.parameters,
            "data": self.data,
            "device": state.device,
            "precision": state.precision,
            "notes": list(state.notes),
            "versions": versions(),
        }


def in_training_elsewhere(name: str) -> RunError:
    """What is said where a run's folder is in use."""
    return RunError(f"{name} is in training in another process.", remedy="Stop it there, or wait for its end.")


def _created(run: Run) -> float:
    try:
        return find_record(run.name, int(run.folder.name)).about["created"] if run.folder else time.time()
    except CnnError:
        return time.time()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a training rests on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
