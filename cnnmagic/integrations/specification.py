"""What a worker is told of a training: plain JSON values, and beside them the model's file, arrays and a snapshot."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cnnmagic import datasets
from cnnmagic.datasets import Facts, Held, Source
from cnnmagic.engine.data import load
from cnnmagic.engine.folders import local
from cnnmagic.engine.parquet import Shelf
from cnnmagic.engine.reading import without
from cnnmagic.engine.splits import Dataset, fingerprint
from cnnmagic.errors import DataError
from cnnmagic.integrations.parcel import MOST_BYTES, form_of, from_parcel, parcel_of
from cnnmagic.pipeline import source_at_hand
from cnnmagic.plans import Plan, Resize, Training

BY_PATH = ("File", "Folder", "Table")


@dataclass(frozen=True)
class DataSpecification:
    """Where a worker finds the data: a source of paths, or none where they are sent to it.

    `fingerprint` is that of the data as the driver has them, `left_out` are the numbers of images that it can't read.
    """

    source: dict[str, Any] | None
    fingerprint: str
    input_shape: tuple[int | None, ...] = ()
    resize: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None
    seed: int | None = None
    test: float = 0.2
    bad: str = "stop"
    balance: str = "no"
    classes: tuple[str, ...] = ()
    weights: dict[str, float] | None = None
    form: dict[str, Any] | None = None
    left_out: tuple[int, ...] = ()


@dataclass(frozen=True)
class Specification:
    """One training for every worker: the text for its reader, and what it comes to.

    `seed` fixes the images' order, `seconds` lie between two checkpoints (0 for none), `best` is the score so far.
    `draws` are the states of the model's random generators, which its file leaves out.
    """

    name: str
    text: str
    training: dict[str, Any]
    output: dict[str, Any]
    data: DataSpecification
    seed: int
    seconds: float
    best: float | None = None
    backend: str = "tensorflow"
    draws: list[list[int]] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def from_json(text: str) -> Specification:
    """The specification of a text that `to_json` gave."""
    values = json.loads(text)
    data = values.pop("data")
    for name in ("input_shape", "classes", "left_out"):
        data[name] = tuple(data[name])
    return Specification(data=DataSpecification(**data), **values)


def data_of(plan: Plan, dataset: Dataset, most: int = MOST_BYTES) -> tuple[DataSpecification, bytes]:
    """How workers get the data of a run, and what they are sent where they have no path; raises `DataError`.

    At most `most` bytes are sent.
    """
    plan = replace(plan, source=source_at_hand(plan))
    told = told_by_path(plan.source)
    return (_sent(dataset), parcel_of(dataset, most)) if told is None else (_by_path(plan, dataset, told), b"")


def told_by_path(source: Source | None) -> dict[str, Any] | None:
    """A source that workers can read for themselves as plain values, with absolute paths; None for one of others."""
    kind = type(source).__name__
    if kind in BY_PATH:
        told = {"is": kind, **asdict(source)}  # type: ignore[arg-type]  # those three are dataclasses
        told |= {"path": _absolute(told["path"])}
        return told | ({"others": [_absolute(path) for path in told["others"]]} if "others" in told else {})
    if isinstance(source, Held) and all(isinstance(value, Shelf) for value in source.values):
        paths = [str(value.path) for value in source.values]
        return {"is": kind, "names": source.names, "values": paths, "image": source.image, "label": source.label}
    return None


def _absolute(path: str) -> str:
    """A path as every machine understands it: a worker stands in another folder than the notebook."""
    return str(local(path).absolute())


def _by_path(plan: Plan, dataset: Dataset, source: dict[str, Any]) -> DataSpecification:
    return DataSpecification(
        source,
        fingerprint(load(plan) if dataset.is_read else dataset, is_brief=True),
        plan.input_shape,
        asdict(plan.resize) if plan.resize else None,
        asdict(plan.facts) if plan.facts else None,
        plan.seed,
        plan.test,
        plan.bad,
        plan.balance,
        left_out=dataset.left_out,
    )


def _sent(dataset: Dataset) -> DataSpecification:
    weights = None if dataset.weights is None else {str(number): part for number, part in dataset.weights.items()}
    return DataSpecification(None, "", classes=dataset.classes, weights=weights, form=form_of(dataset))


def dataset_of(specification: Specification, parcel: bytes) -> Dataset:
    """The data of a worker, of which it reads what it is asked for; raises `DataError` where the driver has others."""
    data = specification.data
    if data.source is not None:
        return _from_path(specification)
    weights = None if data.weights is None else {int(number): part for number, part in data.weights.items()}
    return from_parcel(parcel, data.classes, weights, data.form)


def _from_path(specification: Specification) -> Dataset:
    data = specification.data
    training = Training(**specification.training)
    plan = Plan(
        text="",
        input_shape=data.input_shape,
        steps=(),
        output=None,
        source=source_from(data.source or {}),
        facts=facts_from(data.facts),
        resize=Resize(**data.resize) if data.resize else None,
        training=training,
        seed=data.seed,
        test=data.test,
        bad=data.bad,
        balance=data.balance,
    )
    dataset = load(plan)
    if (found := fingerprint(dataset, is_brief=True)) != data.fingerprint:
        message = f"`{plan.source}` holds other data on a worker (fingerprint {found}, not {data.fingerprint})."
        raise DataError(message, remedy="Put them where all machines see the same files.")
    return without(dataset, data.left_out) if data.left_out else dataset


def source_from(values: dict[str, Any]) -> Source:
    """The source of plain values."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name != "is"}
    if values["is"] == Held.__name__:
        given["values"] = tuple(Shelf(Path(path)) for path in values["values"])
    source: Source = getattr(datasets, values["is"])(**given)
    return source


def facts_from(values: dict[str, Any] | None) -> Facts | None:
    """The facts of plain values."""
    if values is None:
        return None
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Facts(**{**given, "sizes": tuple(map(tuple, given["sizes"]))})
