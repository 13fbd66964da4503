"""Frames of a real Spark session as data: encoded images by bytes or by paths, collected once."""

import gc
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
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
from cnnmagic.errors import DataError, RunError
from cnnmagic.integrations import cluster, frames, parcel
from cnnmagic.integrations import spark as workers
from cnnmagic.integrations.spark import check
from cnnmagic.integrations.task import Job
from tests.integrations.spark_sessions import assert_same, ranks, started

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
TEXT = "data {{df}} image=content label=kind\nconv 4 3x3 relu\nflatten\noutput\nseed 1\ntrain epochs=2 batch=16"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pandas", reason="pandas is not installed")
    yield from started()


def encoded(count: int = 60, sizes: tuple[tuple[int, int], ...] = ((8, 8),)) -> tuple[list[bytes], list[str]]:
    """PNG files of noise, darker for one kind; their sizes follow one another."""
    rng, files = np.random.default_rng(0), []
    for number in range(count):
        file = io.BytesIO()
        pixels = rng.integers(0, 120 + 120 * (number % 2), (*sizes[number % len(sizes)], 3), np.uint8)
        Image.fromarray(pixels).save(file, "PNG")
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


LARGER = TEXT.replace("kind\n", "kind bad=skip balance=weights\nresize 8x8\n") + " precision=float32 tune=no"


def of_two_sizes(spark: Any, count: int = 120) -> Any:
    """A frame of PNG files of two sizes, two of which can't be read."""
    files, kinds = encoded(count, ((8, 8), (12, 10)))
    files[7], files[50] = b"nonsense", files[50][:40]
    rows = list(zip(map(bytearray, files), kinds, range(count), strict=True))
    return spark.createDataFrame(rows, "content binary, kind string, n int").repartition(3).orderBy("n")


@pytest.mark.parametrize("way", ["arrays", "encoded", "parquet"])
def test_two_workers_train_on_a_frame_to_the_numbers_of_one_machine(
    way: str, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(frames.FOLDER, str(tmp_path / "kept"))
    if way != "arrays":
        monkeypatch.setattr(cache, "HELD_BYTES", 0)
    frame = of_two_sizes(spark)
    expected = cnnmagic.train(LARGER, df=frame, name="one")
    if way == "parquet":
        monkeypatch.setattr(parcel, "MOST_BYTES", 1_000)  # now it is too large to be sent
    run = cnnmagic.train(f"{LARGER} workers=2", df=frame, name="two")
    kept = list((tmp_path / "kept").glob("*")) if way == "parquet" else []
    assert len(kept) == (way == "parquet")
    assert isinstance(run.dataset.train.images, np.ndarray) == (way == "arrays")
    assert_same(run, expected)


def test_a_broken_training_goes_on_from_a_frame_that_is_written_again(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    monkeypatch.setattr(parcel, "MOST_BYTES", 1_000)
    frame, text = of_two_sizes(spark), LARGER.replace("epochs=2", "epochs=30")
    expected = cnnmagic.train(text, df=frame, name="whole")
    run = cnnmagic.train(f"{text} workers=2 checkpoint=0.01", df=frame, name="broken", wait=False)
    while run.state.epoch < 3:
        time.sleep(0.01)
    (folder,) = tmp_path.iterdir()
    os.kill(random.choice(ranks())[0], signal.SIGKILL)
    with pytest.raises(RunError, match="killed by SIGKILL"):
        run.wait(240)
    shutil.rmtree(folder)
    again = cnnmagic.resume("broken", df=frame.select("*"))  # as in a kernel that has just begun
    assert folder not in tmp_path.iterdir() and len(list(tmp_path.iterdir())) == 1
    assert_same(again, expected)


COUNTED = """\
import os
from cnnmagic.engine import pictures

decode = pictures.decode

def counted(content, form):
    with open(os.path.join({folder!r}, str(os.getpid())), "a") as file:
        file.write(str(hash(content)) + "\\n")
    return decode(content, form)

pictures.decode = counted
"""


@pytest.mark.parametrize("source", ["folder", "table", "frame"])
def test_each_worker_decodes_the_images_of_its_share_alone(
    source: str, spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, kinds = encoded(200, ((12, 10),))
    schema = "content binary, kind string"
    frame = spark.createDataFrame(list(zip(map(bytearray, files), kinds, strict=True)), schema)
    frame.write.parquet(f"file:{tmp_path}/photos.parquet")
    for number, (file, kind) in enumerate(zip(files, kinds, strict=True)):
        (tmp_path / "photos" / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / kind / f"{number}.png").write_bytes(file)
    monkeypatch.setattr(cache, "HELD_BYTES", 0)
    monkeypatch.setattr(parcel, "MOST_BYTES", 1_000)
    monkeypatch.setenv(frames.FOLDER, str(tmp_path / "kept"))
    (tmp_path / "counts").mkdir()
    (tmp_path / "sitecustomize.py").write_text(COUNTED.format(folder=str(tmp_path / "counts")))
    places = os.pathsep.join(map(str, (tmp_path, *sys.path)))
    variables = {"PYTHONPATH": places, "PYTHONHASHSEED": "0"}

    def job_of(driver: Any, secret: str, count: int, given: dict[str, str], files: dict[str, bytes]) -> Job:
        return Job(driver, secret, count, {**given, **variables}, files)

    monkeypatch.setattr(workers, "Job", job_of)
    columns = "image=content label=kind"
    written = {
        "folder": f"images:{tmp_path}/photos",
        "table": f"{tmp_path}/photos.parquet {columns}",
        "frame": f"{{{{df}}}} {columns}",
    }[source]
    text = TEXT.replace(f"{{{{df}}}} {columns}", f"{written} test=0").replace("epochs=2", "epochs=1")
    text = text.replace("seed 1", "seed 1\nresize 8x8")
    run = cnnmagic.train(f"{text} validation=0 workers=2", df=frame)
    decoded = [path.read_text().split() for path in (tmp_path / "counts").iterdir()]
    assert len(run.dataset.train) == 200 and len(decoded) == 2
    # Rank 0 looks at training images after the epoch too, where there are none for validation.
    own, leader = sorted(decoded, key=lambda images: len(images))
    assert len(own) == len(set(own)) == 12 * 8 + 4  # of 12 batches of 16, and one of 8
    assert len(leader) <= 200 and len(set(leader) | set(own)) == 200


def test_a_folder_that_workers_cannot_see_is_told_before_anything_is_written(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = of_two_sizes(spark)
    plan = cnnmagic.plan(f"{LARGER} workers=2", df=frame)
    monkeypatch.setattr(parcel, "MOST_BYTES", 1_000)
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    asked = cluster.asked
    asked(spark, 2, "tensorflow", ())  # a cluster's first task in Python waits for that to start

    def on_machines_without_it(spark: Any, workers: int, backend: str, paths: Any) -> Any:
        (path,) = paths
        assert Path(path).exists()
        return [told | {"unseen": [path]} for told in asked(spark, workers, backend, ())]

    monkeypatch.setattr(cluster, "asked", on_machines_without_it)
    start = time.monotonic()
    with pytest.raises(DataError, match=f"the worker on .* can't see `{tmp_path}`, where the images of `df` are kept"):
        check(plan)
    assert time.monotonic() - start < 5 and not list(tmp_path.iterdir())


ENDED = """\
import sys
from cnnmagic.datasets import Held
from cnnmagic.integrations import frames
from tests.integrations.spark_sessions import started

keep = started()
spark = next(keep)
frames.MOST_OF_MEMORY = 1e-12
frame = spark.createDataFrame([(bytearray(b"x"), "a")], "content binary, kind string")
found = frames.brought_here(Held(("df",), (frame,), "content", "kind"))
print(found.values[0].path, flush=True)
if sys.argv[1] == "killed":
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_kept_of_a_frame_is_gone_with_the_process(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**os.environ, frames.FOLDER: str(tmp_path), "PYTHONPATH": str(ROOT)}
    paths = {}
    for way in ("ended", "killed"):
        command = [sys.executable, "-c", ENDED, way]
        told = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        paths[way] = Path(told.stdout.splitlines()[-1])
    assert not paths["ended"].exists() and paths["killed"].exists()
    monkeypatch.setattr(frames, "MOST_OF_MEMORY", 1e-12)
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    frames.brought_here(Held(("df",), (of_two_sizes(spark),), "content", "kind"))
    assert not paths["killed"].exists()


def test_a_frame_whose_folder_is_gone_is_written_again(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    monkeypatch.setattr(frames, "MOST_OF_MEMORY", 1e-12)
    source = Held(("df",), (of_two_sizes(spark),), "content", "kind")
    (first,) = frames.brought_here(source).values
    assert frames.brought_here(source).values == (first,)
    shutil.rmtree(first.path)
    (again,) = frames.brought_here(source).values
    assert again.path != first.path and len(again) == 120


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
