"""The runs as tables: those of this notebook, those kept on disk, and several side by side."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.storage import Record, record_in
from cnnmagic.table import aligned

Epochs = tuple[dict[str, float], ...]
UNFINISHED = "interrupted"
NO_DATA = ("-", "None")


@dataclass(frozen=True)
class Entry:
    """One run as a row: how it went, and all that is needed to do it again."""

    name: str
    phase: str
    epochs: int
    history: Epochs = field(repr=False)
    parameters: int
    seed: int | None
    data: str
    created: float | None
    versions: dict[str, str]
    text: str = field(repr=False)
    fingerprint: str = ""  # of the data, where it is known

    @property
    def source(self) -> str:
        """Where the data come from, as the cell says it."""
        return self.data.removesuffix(f" {self.fingerprint}") if self.fingerprint else self.data

    def is_on_data_of(self, other: Entry) -> bool:
        """Whether the scores of both are of the same data, in whatever splits."""
        known = self.fingerprint and other.fingerprint
        if known and self.fingerprint == other.fingerprint:
            return True
        # A name of the notebook may hold other arrays by now; any other source is what it says.
        is_told = not (known and "{{" in self.source)
        return is_told and self.source == other.source and self.source not in NO_DATA

    @property
    def best(self) -> float | None:
        """The highest validation accuracy, or training accuracy where nothing was validated."""
        return max(scores(self.history), default=None)


def scores(history: Epochs) -> list[float]:
    """Each epoch's validation accuracy; its training accuracy where nothing was validated."""
    name = "val_accuracy" if any("val_accuracy" in epoch for epoch in history) else "accuracy"
    return [epoch[name] for epoch in history if name in epoch]


def entry_of_record(record: Record) -> Entry:
    """The row of a run on disk, `name/number`; a training whose process is gone is `interrupted`."""
    about, data = record.about, record.about["data"]
    phase = about["phase"]
    if phase == "training" and not record.is_running:
        phase = UNFINISHED
    return Entry(
        name=f"{record.name}/{record.number}",
        phase=phase,
        epochs=about["epochs"],
        history=tuple(about["history"]),
        parameters=about["parameters"],
        seed=about["seed"],
        data=f"{data['source']} {data['fingerprint'][:8]}",
        created=about["created"],
        versions=about["versions"],
        text=about["text"],
        fingerprint=data["fingerprint"][:8],
    )


def parted(name: str) -> tuple[str, int | None]:
    """The name and the number of `net/3`; of `net` no number. Raises `RunError` for anything else."""
    wanted, _, number = name.partition("/")
    if number and not number.isdecimal():
        raise RunError(f"`{name}` is no run.", remedy="Write `net`, or `net/3` for its third training.")
    return wanted, int(number) if number else None


def entry_of(name: str, found: Run | Plan) -> Entry:
    """The row of a network of this notebook, trained or only planned."""
    if isinstance(found, Plan):
        source = str(found.source or "-")
        return Entry(name, "planned", 0, (), found.parameters, found.seed, source, None, {}, found.text)
    state, plan = found.state, found.plan
    entry = Entry(
        *(name, state.phase, state.epochs, state.history, plan.parameters, found.seed, str(plan.source), None, {}),
        plan.text,
    )
    record = None if found.folder is None else record_in(found.folder)
    if record is None:
        return entry
    kept = entry_of_record(record)
    return replace(entry, data=kept.data, fingerprint=kept.fingerprint, created=kept.created, versions=kept.versions)


def runs_table(entries: Sequence[Entry]) -> str:
    """The runs as aligned rows of text."""
    heads = ("run", "state", "epochs", "best", "parameters", "seed", "data", "begun", "with")
    return "\n".join(aligned([heads, *map(_row, entries)], right=(2, 3, 4, 5)))


def comparison_table(entries: Sequence[Entry]) -> str:
    """The scores of runs side by side, a column each."""
    lists = [scores(entry.history) for entry in entries]
    rows = [("epoch", *(entry.name for entry in entries))]
    for epoch in range(max(map(len, lists), default=0)):
        rows.append((str(epoch + 1), *(f"{values[epoch]:.2%}" if epoch < len(values) else "" for values in lists)))
    last = [("best", *("" if entry.best is None else f"{entry.best:.2%}" for entry in entries))]
    return "\n".join(aligned([*rows, *last], right=tuple(range(1, len(entries) + 1))))


def comparison_text(entries: Sequence[Entry]) -> str:
    """The scores side by side, then how each text differs from the first."""
    told = [comparison_table(entries)]
    first = entries[0]
    for other in entries[1:]:
        texts = first.text.strip().split("\n"), other.text.strip().split("\n")
        lines = list(difflib.unified_diff(*texts, first.name, other.name, lineterm="", n=0))
        told += ["", *([line for line in lines if not line.startswith("@@")] or [f"{other.name}: the same text"])]
    return "\n".join(told)


def details(entry: Entry) -> str:
    """What one run was trained with, and its text."""
    head = f"%%cnn {entry.name.split('/')[0]}"
    return "\n".join(filter(None, [versions_text(entry.versions), head, entry.text.strip("\n")]))


def versions_text(versions: Mapping[str, str]) -> str:
    """`python 3.12.3 · keras 3.12.0`."""
    return " · ".join(f"{name} {version}" for name, version in versions.items())


def moment_text(seconds: float) -> str:
    """`2026-03-01 14:05`, in the time of this place."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def standings(entries: Sequence[Entry], own: Entry) -> list[tuple[str, ...]]:
    """A head and a row for each run on the data of `own`: its name, its state, its best accuracy, its weights."""
    rows: list[tuple[str, ...]] = [("run", "state", "best", "parameters")]
    for entry in (entry for entry in entries if entry.is_on_data_of(own)):
        best = "-" if entry.best is None else f"{entry.best:.2%}"
        rows.append((entry.name, entry.phase, best, f"{entry.parameters:,}"))
    return rows if len(rows) > 1 else []


def _row(entry: Entry) -> tuple[str, ...]:
    done = f"{len(entry.history)} of {entry.epochs}" if entry.epochs else "-"
    begun = "-" if entry.created is None else moment_text(entry.created)
    best = "-" if entry.best is None else f"{entry.best:.2%}"
    seed = "-" if entry.seed is None else str(entry.seed)
    return (
        entry.name,
        entry.phase,
        done,
        best,
        f"{entry.parameters:,}",
        seed,
        entry.data,
        begun,
        _engine(entry.versions),
    )


def _engine(versions: dict[str, Any]) -> str:
    return f"Keras {versions['keras']}" if "keras" in versions else "-"
