"""What a worker is told of a training: plain JSON values, and beside them the model's file, arrays and a snapshot."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cnnmagic import datasets
from cnnmagic.datasets import Facts, Source
from cnnmagic.engine.data import Dataset, Split, fingerprint, load
from cnnmagic.engine.folders import local
from cnnmagic.engine.reading import read_all
from cnnmagic.errors import DataError
from cnnmagic.plans import Plan, Resize, Training

BY_PATH = ("File", "Folder", "Table")
MOST_BYTES = 500_000_000


@dataclass(frozen=True)
class DataSpecification:
    """Where a worker finds the data: a source of paths, or none where the arrays are sent to it.

    `fingerprint` is that of the data as the driver has them.
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


@dataclass(frozen=True)
class Specification:
    """One training for every worker: the text for its reader, and what it comes to.

    `seed` fixes the images' order, `seconds` lie between two checkpoints (0 for none), `best` is the score so far.
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
    versions: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def from_json(text: str) -> Specification:
    """The specification of a text that `to_json` gave."""
    values = json.loads(text)
    data = values.pop("data")
    for name in ("input_shape", "classes"):
        data[name] = tuple(data[name])
    return Specification(data=DataSpecification(**data), **values)


def data_of(plan: Plan, dataset: Dataset) -> tuple[DataSpecification, bytes]:
    """How workers get the data of a run, and the arrays for them where they have no path; raises `DataError`."""
    kind = type(plan.source).__name__
    if kind in BY_PATH:
        source = {"is": kind, **asdict(plan.source)}  # type: ignore[arg-type]  # those three are dataclasses
        source |= {"path": _absolute(source["path"])}
        source |= {"others": [_absolute(path) for path in source["others"]]} if "others" in source else {}
        return _by_path(plan, dataset, source), b""
    return _sent(dataset), arrays_of(dataset)


def _absolute(path: str) -> str:
    """A path as every machine understands it: a worker stands in another folder than the notebook."""
    return str(local(path).absolute())


def _by_path(plan: Plan, dataset: Dataset, source: dict[str, Any]) -> DataSpecification:
    return DataSpecification(
        source,
        fingerprint(load(plan) if dataset.is_read else dataset),
        plan.input_shape,
        asdict(plan.resize) if plan.resize else None,
        asdict(plan.facts) if plan.facts else None,
        plan.seed,
        plan.test,
        plan.bad,
        plan.balance,
    )


def _sent(dataset: Dataset) -> DataSpecification:
    weights = None if dataset.weights is None else {str(number): part for number, part in dataset.weights.items()}
    return DataSpecification(None, "", classes=dataset.classes, weights=weights)


def arrays_of(dataset: Dataset) -> bytes:
    """The training and validation arrays of a data set as an `.npz` file; raises `DataError` where they can't be sent.

    The test images stay with the driver.
    """
    splits = {"train": dataset.train, "validation": dataset.validation}
    remedy = "Put them where every worker can read them, and write `data PATH`: a folder, .npz, .zip, .csv or .parquet."
    if not all(isinstance(split.images, np.ndarray) for split in splits.values()):
        raise DataError("images that the notebook holds as files or bytes are not sent to workers.", remedy=remedy)
    size = sum(split.images.nbytes for split in splits.values())
    if size > MOST_BYTES:
        message = f"the arrays have {size / 1e6:,.0f} MB, and at most {MOST_BYTES / 1e6:,.0f} MB are sent to workers."
        raise DataError(message, remedy=remedy)
    file = io.BytesIO()
    parts = {f"{name}_{part}": getattr(split, part) for name, split in splits.items() for part in ("images", "labels")}
    np.savez(file, **parts)
    return file.getvalue()


def dataset_of(specification: Specification, arrays: bytes) -> Dataset:
    """The data of a worker; raises `DataError` where they are not those of the driver."""
    data = specification.data
    return _from_arrays(data, arrays) if data.source is None else _from_path(specification)


def _from_arrays(data: DataSpecification, arrays: bytes) -> Dataset:
    with np.load(io.BytesIO(arrays), allow_pickle=False) as file:
        train, validation = (Split(file[f"{name}_images"], file[f"{name}_labels"]) for name in ("train", "validation"))
    weights = None if data.weights is None else {int(number): part for number, part in data.weights.items()}
    return Dataset("arrays", data.classes, train, validation, train.take(np.arange(0)), (), weights=weights)


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
    if (found := fingerprint(dataset)) != data.fingerprint:
        message = f"`{plan.source}` holds other data on a worker (fingerprint {found}, not {data.fingerprint})."
        raise DataError(message, remedy="Put them where all machines see the same files.")
    whole = read_all(dataset) if data.bad == "skip" else None  # the driver has read them all, and left some out
    return whole or dataset


def source_from(values: dict[str, Any]) -> Source:
    """The source of plain values."""
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name != "is"}
    source: Source = getattr(datasets, values["is"])(**given)
    return source


def facts_from(values: dict[str, Any] | None) -> Facts | None:
    """The facts of plain values."""
    if values is None:
        return None
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return Facts(**{**given, "sizes": tuple(map(tuple, given["sizes"]))})
