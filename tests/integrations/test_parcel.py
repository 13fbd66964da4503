"""What workers are sent of the data, or read by themselves: the driver's images, each decoded by who needs it."""

from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic.engine import cache as engine_cache
from cnnmagic.engine.parquet import Contents, Shelf
from cnnmagic.engine.pictures import Album, Pictures
from cnnmagic.engine.reading import read_all
from cnnmagic.engine.splits import Dataset, Split
from cnnmagic.errors import DataError
from cnnmagic.integrations import parcel
from cnnmagic.integrations.parcel import MOST_BYTES, MOST_BYTES_OF_CONNECT, most_bytes, parcel_of
from cnnmagic.integrations.shares import share_of
from cnnmagic.integrations.specification import Specification, data_of, dataset_of, from_json
from cnnmagic.pipeline import load_data, make_plan
from tests.engine.photos import encoded

pandas = pytest.importorskip("pandas", reason="pandas is not installed")
TEXT = "data {} image=content label=kind bad=skip balance=weights\nresize 8x8\nflatten\noutput\nseed 1\ntrain epochs=1"
COUNT = 60


@cache
def table() -> Any:
    """PNG files of two sizes, of which two are spoilt, and their classes, of unequal size."""
    files = [encoded(*((8, 8), (10, 12))[n % 2]) for n in range(COUNT)]
    files[7], files[30] = b"nonsense", files[30][:40]
    return pandas.DataFrame({"content": files, "kind": [("few", "many")[n % 3 > 0] for n in range(COUNT)]})


def shelf(folder: Path) -> Path:
    """The table as a folder of two Parquet files, with 10 rows in a group."""
    folder.mkdir()
    for part in range(2):
        table()[part * 30 : part * 30 + 30].to_parquet(folder / f"part-{part}.parquet", row_group_size=10)
    return folder


def sources(tmp_path: Path) -> dict[str, tuple[str, Any]]:
    """The same images as a frame of the notebook, as one that Spark has written, and as Parquet by its path."""
    path = shelf(tmp_path / "photos.parquet")
    return {"held": ("{{df}}", table()), "kept": ("{{df}}", Shelf(path)), "path": (str(path), None)}


def specified(text: str, **variables: Any) -> tuple[Dataset, Specification, bytes]:
    """The data of the driver, and what it tells and sends to workers."""
    plan = make_plan(text, variables)
    dataset = read_all(load_data(plan))
    assert dataset is not None and plan.training is not None and plan.output is not None
    data, parcel = data_of(plan, dataset)
    told = Specification("net", plan.text, asdict(plan.training), asdict(plan.output), data, 3, 60.0)
    return dataset, from_json(told.to_json()), parcel


def of_driver_and_worker(how: str, tmp_path: Path) -> tuple[Dataset, Dataset]:
    source, frame = sources(tmp_path)[how]
    dataset, told, parcel = specified(TEXT.format(source), df=frame)
    assert bool(parcel) == (how == "held")
    return dataset, dataset_of(told, parcel)


@pytest.fixture(params=["in memory", "on disk"])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where decoded images are kept."""
    if request.param == "on disk":
        monkeypatch.setattr(engine_cache, "HELD_BYTES", 0)
    return str(request.param)


@pytest.mark.parametrize("how", ["held", "kept", "path"])
def test_a_worker_has_the_images_of_the_driver(how: str, room: str, tmp_path: Path) -> None:
    driver, worker = of_driver_and_worker(how, tmp_path)
    assert isinstance(driver.train.images, np.ndarray) == (room == "in memory")
    assert len(driver.train) + len(driver.validation) + len(driver.test) == COUNT - 2
    for name in ("train", "validation"):
        one, other = getattr(worker, name), getattr(driver, name)
        np.testing.assert_array_equal(one.images[:], other.images[:])
        np.testing.assert_array_equal(one.labels, other.labels)
    assert worker.classes == driver.classes and worker.weights == driver.weights and worker.weights is not None


@pytest.mark.parametrize("how", ["held", "kept", "path"])
def test_a_worker_decodes_its_share_alone(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_cache, "HELD_BYTES", 0)
    _, worker = of_driver_and_worker(how, tmp_path)
    decoded: list[int] = []
    decode = Album.read

    def counted(album: Album, number: int) -> np.ndarray:
        decoded.append(number)
        return decode(album, number)

    monkeypatch.setattr(Album, "read", counted)
    images = worker.train.images
    assert isinstance(images, Pictures)
    for start in range(0, len(images), 16):
        rows = np.arange(start, min(start + 16, len(images)))
        _ = images[share_of(len(rows), 1, 2).take(rows)]
    assert len(decoded) == len(set(decoded)) == len(images) // 2


@pytest.mark.parametrize("line, area", [("resize 8x8", 64), ("input ?x?x3", 92)])
def test_sent_images_take_the_room_that_they_need(line: str, area: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEXT.format("{{df}}").replace("resize 8x8", line).replace("flatten", "conv 4 3x3\nglobalavgpool")
    monkeypatch.setattr(engine_cache, "HELD_BYTES", 0)
    _, told, body = specified(text.replace(" balance=weights", " test=0"), df=table())
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(parcel, "cache_for", lambda count, size: asked.append((count, size)))
    dataset_of(told, body)
    assert asked == [(COUNT - 2, 3 * area)]


def test_a_worker_reads_nothing_of_parquet_before_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    by_group = Contents._contents
    source, frame = sources(tmp_path)["kept"]
    _, told, parcel = specified(TEXT.format(source), df=frame)

    def counted(self: Contents, part: Any) -> Any:
        read.append(part)
        return by_group(self, part)

    monkeypatch.setattr(Contents, "_contents", counted)
    worker = dataset_of(told, parcel)
    assert not read
    _ = worker.train.images[:1]
    assert len(read) == 1


def test_a_worker_knows_other_parquet(tmp_path: Path) -> None:
    source, frame = sources(tmp_path)["kept"]
    _, told, parcel = specified(TEXT.format(source), df=frame)
    table()[30:59].to_parquet(tmp_path / "photos.parquet" / "part-1.parquet")
    with pytest.raises(DataError, match="holds other data on a worker"):
        dataset_of(told, parcel)


def test_data_too_large_to_send_are_refused(room: str, tmp_path: Path) -> None:
    dataset, _ = of_driver_and_worker("held", tmp_path)
    what = "arrays" if room == "in memory" else "encoded images"
    with pytest.raises(DataError, match=f"the {what} have more than 0 MB, the most that is sent to workers") as raised:
        parcel_of(dataset, 1_000)
    assert "write `data PATH`" in str(raised.value)


def test_a_parcel_by_connect_fits_into_a_message() -> None:
    class Connected:
        __module__ = "pyspark.sql.connect.session"

    assert most_bytes(Connected()) == MOST_BYTES_OF_CONNECT < 2**27 < MOST_BYTES


def test_no_split_is_lost_without_validation() -> None:
    dataset, told, parcel = specified("data digits\nflatten\noutput\ntrain epochs=1 validation=0")
    worker = dataset_of(told, parcel)
    assert isinstance(worker.validation, Split) and not len(worker.validation)
    np.testing.assert_array_equal(worker.train.images, dataset.train.images)
