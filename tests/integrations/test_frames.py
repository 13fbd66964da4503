"""Frames of a real Spark session as data: encoded images by bytes or by paths, collected once."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnmagic
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


def test_what_does_not_fit_or_is_no_image_is_refused(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    files, kinds = encoded(4)
    frame = spark.createDataFrame(list(zip(map(bytearray, files), kinds, strict=True)), "content binary, kind string")
    monkeypatch.setattr(frames, "MOST_OF_MEMORY", 1e-12)
    with pytest.raises(DataError, match="the images of `df` take"):
        cnnmagic.plan(TEXT, df=frame)
    with pytest.raises(DataError, match="holds array<int>, and no images"):
        cnnmagic.plan(TEXT, df=spark.createDataFrame([([1, 2], "a")], "content array<int>, kind string"))
