"""The sweeps kept on disk: `.cnnmagic/runs/NAME/sweeps/NUMBER/`, each with its text in `sweep.json` and its study."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.storage import is_locked, numbered_folder, runs_folder, write_about

ABOUT, STUDY = "sweep.json", "study.log"


@dataclass(frozen=True)
class SweepRecord:
    """One sweep of one name: its folder, and what `sweep.json` tells."""

    folder: Path
    about: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return self.folder.parent.parent.name

    @property
    def study(self) -> Path:
        """The file that Optuna keeps the trials in."""
        return self.folder / STUDY

    @property
    def is_running(self) -> bool:
        """Whether a living process is at it now."""
        return is_locked(self.folder)


def new_sweep(name: str, about: dict[str, Any]) -> SweepRecord:
    """A new folder for a sweep of this name, with what it is; raises `RunError` where nothing can be written."""
    home = runs_folder() / name / "sweeps"
    try:
        folder = numbered_folder(home)
        write_about(folder, about, ABOUT)
    except OSError as error:
        message = f"a sweep is kept on disk, and `{home}` can't be written ({error.strerror or error})."
        raise RunError(message, remedy="Set CNNMAGIC_RUNS to a folder that can be written.") from error
    return SweepRecord(folder, about)


def sweep_records(name: str | None = None) -> list[SweepRecord]:
    """The sweeps on disk, of one name or of all, the oldest first; what can't be read is left out."""
    found = []
    for path in runs_folder().glob(f"{name or '*'}/sweeps/*/{ABOUT}"):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if path.parent.name.isdecimal() and isinstance(about, dict):
            found.append(SweepRecord(path.parent, about))
    return sorted(found, key=lambda record: (record.about.get("created", 0.0), int(record.folder.name)))


def last_sweep(name: str) -> SweepRecord | None:
    """The last sweep of a name; None where there is none."""
    return next(reversed(sweep_records(name)), None)
