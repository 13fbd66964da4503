"""Writes snapshots of a training into its folder, beside the last one and then in its place, and reads them back."""

from __future__ import annotations

import json
import os
import threading
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import numpy as np

from cnnmagic.engine.snapshot import Arrays, Position, Snapshot, Variables, Way
from cnnmagic.errors import RunError

LAST, BEST = "checkpoint.npz", "best.npz"
FORMAT = 1


def write_snapshot(folder: Path, snapshot: Snapshot, story: dict[str, Any]) -> None:
    """Write a snapshot with the story of the run so far (plain JSON values); raises OSError, the last one kept."""
    _write(folder / LAST, *_parts(snapshot, story))


def write_snapshot_to(file: IO[bytes], snapshot: Snapshot, story: dict[str, Any]) -> None:
    """Write a snapshot into an open file."""
    _save(file, *_parts(snapshot, story))


def _parts(snapshot: Snapshot, story: dict[str, Any]) -> tuple[dict[str, Arrays], dict[str, Any]]:
    groups = {
        "model": snapshot.variables.model,
        "optimizer": snapshot.variables.optimizer,
        "metrics": snapshot.variables.metrics,
        "best": snapshot.best,
    }
    head = {
        "format": FORMAT,
        "position": asdict(snapshot.position),
        "way": snapshot.way and asdict(snapshot.way),
        "story": story,
    }
    return groups, head


def write_weights(folder: Path, weights: Arrays, epoch: int) -> None:
    """Write the model's variables of the best epoch so far, counted from 1."""
    _write(folder / BEST, {"model": weights}, {"format": FORMAT, "epoch": epoch})


def has_snapshot(folder: Path) -> bool:
    """Whether a training has come as far as to keep one."""
    return (folder / LAST).exists()


def read_snapshot(folder: Path) -> tuple[Snapshot, dict[str, Any]]:
    """The last snapshot of a folder and the story with it; raises `RunError` where there is none to be read."""
    return _snapshot_of(*_read(folder / LAST))


def read_snapshot_from(file: IO[bytes]) -> tuple[Snapshot, dict[str, Any]]:
    """The snapshot of an open file, as `write_snapshot_to` wrote it."""
    return _snapshot_of(*_loaded(file))


def _snapshot_of(groups: dict[str, Arrays], head: dict[str, Any]) -> tuple[Snapshot, dict[str, Any]]:
    variables = Variables(groups["model"], groups["optimizer"], groups["metrics"])
    way = Way(**head["way"]) if head.get("way") else None
    return Snapshot(Position(**head["position"]), variables, groups["best"], way), head["story"]


def read_weights(folder: Path) -> tuple[Arrays, int]:
    """The model's variables of the best epoch and its number; raises `RunError` where there are none."""
    groups, head = _read(folder / BEST)
    return groups["model"], head["epoch"]


class Writer:
    """A thread that writes; where writing is slower than what is to be written, only the newest of a kind is."""

    def __init__(self, failed: Callable[[Exception], None]):
        self._failed = failed
        self._jobs: dict[str, Callable[[], None]] = {}
        self._news = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="cnnmagic-writer", daemon=True)
        self._thread.start()

    def put(self, kind: str, job: Callable[[], None]) -> None:
        """Have `job` done soon, in place of an earlier one of its kind that has not begun."""
        with self._news:
            self._jobs.pop(kind, None)  # to the end: a snapshot that tells of a best epoch is written after its weights
            self._jobs[kind] = job
            self._news.notify()

    def close(self) -> None:
        """Return when all is written."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception as error:  # whatever it is, the next job may go well
                self._failed(error)

    def _next(self) -> Callable[[], None] | None:
        with self._news:
            self._news.wait_for(lambda: self._jobs or self._closing)
            return self._jobs.pop(next(iter(self._jobs))) if self._jobs else None


def _write(path: Path, groups: dict[str, Arrays], head: dict[str, Any]) -> None:
    """Write beside `path`, let the disk confirm, then move into place: at any moment there is a whole file."""
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as file:
            _save(file, groups, head)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _save(file: IO[bytes], groups: dict[str, Arrays], head: dict[str, Any]) -> None:
    arrays: dict[str, Any] = {
        f"{name}/{number}": array for name, group in groups.items() for number, array in enumerate(group)
    }
    np.savez(file, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)


def _read(path: Path) -> tuple[dict[str, Arrays], dict[str, Any]]:
    try:
        with path.open("rb") as file:
            groups, head = _loaded(file)
    except FileNotFoundError:
        raise RunError(f"there is no checkpoint in `{path.parent}`.", remedy="Train the network anew.") from None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(f"`{path}` can't be read: {error}", remedy="Train the network anew.") from error
    if head["format"] != FORMAT:
        raise RunError(f"`{path}` was written by another version of cnnmagic.", remedy="Train the network anew.")
    return groups, head


def _loaded(file: IO[bytes]) -> tuple[dict[str, Arrays], dict[str, Any]]:
    with np.load(file, allow_pickle=False) as archive:
        head = json.loads(bytes(archive["head"]))
        groups: dict[str, list[np.ndarray]] = {"model": [], "optimizer": [], "metrics": [], "best": []}
        for name in archive.files:  # in the order in which they were written
            if name != "head":
                groups[name.split("/")[0]].append(archive[name])
    return {name: tuple(group) for name, group in groups.items()}, head
