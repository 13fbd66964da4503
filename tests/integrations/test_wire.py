"""Events, commands, specifications and snapshots come back from plain values as they were."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cnnmagic import events
from cnnmagic.datasets import File, Folder, Table
from cnnmagic.engine.snapshot import Position, Snapshot, Variables, Way
from cnnmagic.errors import DataError
from cnnmagic.integrations import specification
from cnnmagic.integrations.specification import data_of, dataset_of, from_json, source_from
from cnnmagic.integrations.wire import heard, packed, told, unpacked
from cnnmagic.pipeline import load_data, make_plan

TOLD: list[Any] = [
    events.Stop(),
    events.SetLearningRate(0.01),
    events.Watch("all"),
    events.EpochEnded(3, {"loss": 0.5}, 0.01, 2.0, 700.0, 0.0),
    events.ClassesSeen(1, 10, 20, ((0, 1, 4), (2, 2, 6))),
    events.LayersSeen(1, 10, (events.LayerNumbers("conv", 0.5, 1, 8, 2.0, 0.1),)),
    events.Started(3, 10, 32, 300, "CPU", "float32", 0.1, 0.0, classes=("a", "b")),
]


@pytest.mark.parametrize("what", TOLD, ids=lambda what: type(what).__name__)
def test_what_is_told_is_heard(what: Any) -> None:
    import json

    found = heard(json.loads(json.dumps(told(what))))
    if hasattr(what, "time"):
        assert time.monotonic() - found.time < 1  # by the clock of who hears it
        found = replace(found, time=what.time)
    assert found == what


def test_a_snapshot_comes_back_bit_for_bit() -> None:
    arrays = tuple(np.random.default_rng(0).random((3, n), np.float32) for n in (1, 2))
    snapshot = Snapshot(Position(2, 3, 0.1), Variables(arrays, arrays[:1], ()), arrays, Way(False, 4))
    found = unpacked(packed(snapshot))
    assert (found.position, found.way) == (snapshot.position, snapshot.way)
    for one, other in zip((*found.variables.model, *found.best), (*arrays, *arrays), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("source", [File("a.npz"), File("x.npy", ("y.npy",)), Folder("f"), Table("t.csv", "i", "l")])
def test_sources_of_paths_come_back(source: Any) -> None:
    from dataclasses import asdict

    assert source_from({"is": type(source).__name__, **asdict(source)}) == source


def specified(text: str, **variables: Any) -> tuple[specification.Specification, bytes, Any]:
    from dataclasses import asdict

    plan = make_plan(text, variables)
    dataset = load_data(plan)
    data, arrays = data_of(plan, dataset)
    assert plan.training is not None and plan.output is not None
    told = specification.Specification("net", text, asdict(plan.training), asdict(plan.output), data, 3, 60.0)
    return from_json(told.to_json()), arrays, dataset


def test_a_worker_has_the_arrays_of_the_driver() -> None:
    found, arrays, dataset = specified("data digits\nflatten\noutput\nseed 3\ntrain epochs=1")
    own = dataset_of(found, arrays)
    for name in ("train", "validation"):
        np.testing.assert_array_equal(getattr(own, name).images, getattr(dataset, name).images)
        np.testing.assert_array_equal(getattr(own, name).labels, getattr(dataset, name).labels)
    assert own.classes == dataset.classes and not len(own.test)


def test_a_worker_reads_a_path_by_itself_and_knows_other_data(tmp_path: Any) -> None:
    images, labels = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1), np.uint8), np.arange(40) % 4
    path = tmp_path / "data.npz"
    np.savez(path, x=images, y=labels)
    found, arrays, dataset = specified(f"data {path} balance=weights\nflatten\noutput\ntrain epochs=1")
    own = dataset_of(found, arrays)
    assert arrays == b""
    np.testing.assert_array_equal(own.train.images, dataset.train.images)
    assert own.weights == dataset.weights
    np.savez(path, x=images + 1, y=labels)
    with pytest.raises(DataError, match="holds other data on a worker"):
        dataset_of(found, arrays)


def test_a_path_in_the_notebook_s_folder_is_one_that_workers_find(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", x=np.zeros((40, 8, 8, 1), np.uint8), y=np.arange(40) % 4)
    found, arrays, dataset = specified("data data.npz\nflatten\noutput\ntrain epochs=1")
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(dataset_of(found, arrays).train.labels, dataset.train.labels)
