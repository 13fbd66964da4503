"""Frames of a real Spark session as data: encoded images by bytes or by paths, collected once."""

import gc
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnmagic
from cnnmagic.datasets import Held
from cnnmagic.engine import cache
from cnnmagic.engine.pictures import Pictures
from cnnmagic.errors import DataError
from cnnmagic.integrations import frames
from tests.integrations.spark_sessions import started

pytestmark = pytest.mark.long
TEXT = "data {{df}} image=content label=kind\nconv 4 3x3 relu\nflatten\noutput\nseed 1\ntrain epochs=2 batch=16"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pandas", reason="pandas is not installed")
    yield from started()


def encoded(count: int = 60) -> tuple[list[bytes], list[str]]:
    """PNG files of noise, darker for one kind."""
    rng, files = np.random.default_rng(0), []
    for number in range(count):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 120 + 120 * (number % 2), (8, 8, 3), np.uint8)).save(file, "PNG")
        files.append(file.getvalue())
    return files, [("dark", "light")[number % 2] for number in range(count)]


def test_a_frame_of_bytes_is_one_of_pandas(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas

    files, kinds = encoded()
    table = pandas.DataFrame({"content": files, "kind": kinds})
    frame = spark.createDataFrame(
        list(zip(map(bytearray, files), kinds, range(60), strict=True)), "content binary, kind string, n int"
    )
    expected = cnnmagic.train(TEXT, df=table, name="pandas")
    run = cnnmagic.train(TEXT, df=frame.orderBy("n"), name="spark")
    assert run.history["loss"] == expected.history["loss"]
    assert run.dataset.classes == ("dark", "light")


def test_a_frame_of_paths(spark: Any, tmp_path: Path) -> None:
    files, kinds = encoded(20)
    for number, file in enumerate(files):
        (tmp_path / f"{number}.png").write_bytes(file)
    rows = [(str(tmp_path / f"{number}.png"), kind) for number, kind in enumerate(kinds)]
    plan = cnnmagic.plan(TEXT, df=spark.createDataFrame(rows, "content string, kind string"))
    assert plan.facts is not None and plan.facts.examples == 20 and plan.facts.shape == (8, 8, 3)


def test_a_frame_that_does_not_fit_is_read_from_parquet_to_the_same_numbers(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, kinds = encoded(200)
    rows = list(zip(map(bytearray, files), kinds, range(200), strict=True))
    frame = spark.createDataFrame(rows, "content binary, kind string, n int").repartition(3).orderBy("n")
    expected = cnnmagic.train(TEXT, df=frame, name="by_arrow")
    monkeypatch.setattr(frames, "MOST_OF_MEMORY", 1e-12)
    monkeypatch.setattr(frames, "GROUP_BYTES", 5_000)
    monkeypatch.setattr(cache, "HELD_BYTES", 0)  # neither encoded nor decoded images are held
    monkeypatch.setenv(frames.FOLDER, str(tmp_path / "kept"))
    large = frame.select("*")  # as a frame that was not collected yet
    run = cnnmagic.train(TEXT, df=large, name="by_parquet")
    (folder,) = (tmp_path / "kept").iterdir()
    assert sum(file.stat().st_size for file in folder.glob("*.parquet")) > sum(map(len, files))
    assert isinstance(run.dataset.train.images, Pictures) and isinstance(expected.dataset.train.images, np.ndarray)
    for name in ("train", "validation", "test"):
        one, other = getattr(run.dataset, name), getattr(expected.dataset, name)
        np.testing.assert_array_equal(one.images[:], other.images)
        np.testing.assert_array_equal(one.labels, other.labels)
    assert run.history["loss"] == expected.history["loss"] and run.history["val_loss"] == expected.history["val_loss"]
    for one, other in zip(run.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    (shelf,) = frames.brought_here(Held(("df",), (frame.select("*"),), "content", "kind")).values
    (other_folder,) = set((tmp_path / "kept").iterdir()) - {folder}
    del shelf
    gc.collect()
    assert not other_folder.exists()  # the frame is gone, and what was kept of it


def test_what_is_no_image_or_finds_no_place_is_refused(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="holds array<int>, and no images"):
        cnnmagic.plan(TEXT, df=spark.createDataFrame([([1, 2], "a")], "content array<int>, kind string"))
    files, kinds = encoded(4)
    frame = spark.createDataFrame(list(zip(map(bytearray, files), kinds, strict=True)), "content binary, kind string")
    monkeypatch.setattr(frames, "MOST_OF_MEMORY", 1e-12)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(frames.FOLDER, str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"don't fit into memory, and .*file` can't keep them"):
        cnnmagic.plan(TEXT, df=frame)
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    monkeypatch.setattr(frames, "address_of", lambda folder: f"file:{tmp_path}/elsewhere")  # as on another machine
    with pytest.raises(DataError, match="can't be kept as Parquet") as raised:
        cnnmagic.plan(TEXT, df=frame)
    assert "nothing is seen in" in str(raised.value) and "CNNMAGIC_FRAMES" in str(raised.value)
    assert "_SUCCESS" in [path.name for path in (tmp_path / "elsewhere").iterdir()]


@pytest.mark.parametrize(
    "text, size", [("1g", 2**30), ("512m", 2**29), ("2048", 2048), ("3KB", 3072), ("0", 0), ("?", 0)]
)
def test_sizes_as_spark_writes_them(text: str, size: int) -> None:
    assert frames.bytes_of(text) == size


def test_a_place_as_spark_writes_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert frames.address_of(Path("/Volumes/a b")) == "file:///Volumes/a%20b"
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "16.4")
    assert frames.address_of(Path("/Volumes/main/x/y")) == "/Volumes/main/x/y"
    assert frames.address_of(Path("/dbfs/tmp/y")) == "dbfs:/tmp/y"
    assert frames.address_of(Path("/local_disk0/y")) == "file:///local_disk0/y"
