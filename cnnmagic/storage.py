"""The runs kept on disk: `.cnnmagic/runs/NAME/NUMBER/`, each with what it was and how it went in `run.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cnnmagic.errors import RunError
from cnnmagic.wording import listed

VARIABLE = "CNNMAGIC_RUNS"
ABOUT, LOCK = "run.json", "lock"
WITH_WEIGHTS = 5
SHOWN_NAMES = 8


@dataclass(frozen=True)
class Record:
    """One training of one name: its folder, and what `run.json` tells."""

    folder: Path
    about: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return self.folder.parent.name

    @property
    def number(self) -> int:
        return int(self.folder.name)

    @property
    def is_running(self) -> bool:
        """Whether a living process trains it now."""
        return is_locked(self.folder)


def runs_folder() -> Path:
    """Where runs are kept: the folder that the environment names in CNNMAGIC_RUNS, else `.cnnmagic/runs` here."""
    return Path(os.environ.get(VARIABLE) or ".cnnmagic/runs").expanduser().absolute()


def new_folder(name: str) -> Path:
    """A new folder for a training of this name; older trainings keep what they were, and five keep their weights.

    Raises OSError where nothing can be written.
    """
    folder = numbered_folder(runs_folder() / name)
    _forget_old_weights(name)
    return folder


def numbered_folder(home: Path) -> Path:
    """A new folder in `home`, named by the number after the last; raises OSError where nothing can be written."""
    home.mkdir(parents=True, exist_ok=True)
    ignored = runs_folder() / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n", encoding="utf-8")
    number = max((int(path.name) for path in home.iterdir() if path.name.isdecimal()), default=0)
    while True:
        number += 1
        try:
            (home / str(number)).mkdir()
        except FileExistsError:  # another kernel is at this name too
            continue
        return home / str(number)


def write_about(folder: Path, about: dict[str, Any], name: str = ABOUT) -> None:
    """Write `run.json`, or another name, beside and move it into place; raises OSError."""
    beside = folder / f".{name}.part"
    try:
        with beside.open("w", encoding="utf-8") as file:
            json.dump(about, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / name)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def records(name: str | None = None) -> list[Record]:
    """The trainings on disk, of one name or of all, the oldest first; what can't be read is left out."""
    return sorted(_records(name), key=lambda record: (record.about.get("created", 0.0), record.name, record.number))


def find_record(name: str, number: int | None = None) -> Record:
    """A training of this name, the last one where no number is given; raises `RunError` where there is none."""
    found = {record.number: record for record in records(name)}
    if not found:
        names = sorted({record.name for record in records()})
        there = listed(names[:SHOWN_NAMES]) + ", …" * (len(names) > SHOWN_NAMES)
        remedy = f"There are {there}." if there else f"Runs are kept in `{runs_folder()}`."
        raise RunError(f"no run `{name}` is kept on disk.", remedy=remedy)
    if number is None:
        return found[max(found)]
    if number not in found:
        there = ", ".join(map(str, found))
        raise RunError(f"there is no training {number} of `{name}`.", remedy=f"There are {there}.")
    return found[number]


def is_locked(folder: Path) -> bool:
    """Whether a living process holds a folder by `lock_folder`."""
    lock = lock_folder(folder)
    if lock is not None:
        lock.close()
    return lock is None


def lock_folder(folder: Path) -> IO[str] | None:
    """Mark a folder as in use for as long as the file returned is open, or this process lives; None where another does.

    Where files can't be locked (Windows, some network disks, full or read-only ones) every folder counts as free.
    """
    try:
        file = (folder / LOCK).open("a", encoding="utf-8")
    except OSError:
        return Path(os.devnull).open("a", encoding="utf-8")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except (ImportError, OSError):
        pass
    return file


def record_in(folder: Path) -> Record | None:
    """The training of a folder; None where it can't be read."""
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Record(folder, about) if folder.name.isdecimal() and isinstance(about, dict) else None


def _records(name: str | None) -> Iterator[Record]:
    if name is not None and not name.isidentifier():
        return  # a run has no such name, and a pattern must not find others
    for path in runs_folder().glob(f"{name or '*'}/*/{ABOUT}"):
        record = record_in(path.parent)
        if record is not None:
            yield record


def _forget_old_weights(name: str) -> None:
    """Delete the weights of all but the last few trainings of a name; what they were and how they went stays."""
    for record in sorted(records(name), key=lambda record: record.number)[:-WITH_WEIGHTS]:
        for path in record.folder.glob("*.npz"):
            if not record.is_running:
                path.unlink(missing_ok=True)
