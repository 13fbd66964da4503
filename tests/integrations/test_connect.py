"""The same training by Spark Connect, whose driver is another process: numbers, a frame, Stop, slots."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_digits

import cnnmagic
from cnnmagic.errors import CnnError
from cnnmagic.integrations import frames, parcel
from tests.integrations.recipes import RECIPES, text_of
from tests.integrations.spark_sessions import assert_same, begun, connected, ranks

pytestmark = pytest.mark.long
FRAME = "data {{df}} image=content label=label\nconv 4 3x3 tanh\nflatten\noutput\nseed 5\n"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    yield from connected()


def test_more_workers_than_slots_are_refused_at_once(spark: Any) -> None:
    text = text_of("epochs=1 workers=5")  # the first that this server is asked
    start = time.monotonic()
    with pytest.raises(CnnError, match="needs 5 free slots at once, and the cluster has 2"):
        cnnmagic.train(text)
    assert time.monotonic() - start < 5


def test_two_workers_give_the_numbers_of_one_machine(spark: Any) -> None:
    expected = cnnmagic.train(text_of(RECIPES[0]), name="one")
    run = cnnmagic.train(text_of(f"{RECIPES[0]} workers=2"), name="two")
    assert run.state.device == "2 workers, each CPU"
    assert_same(run, expected)


@pytest.mark.parametrize("way", ["sent", "parquet"])
def test_a_frame_trains_two_workers(
    way: str, spark: Any, encoded_digits: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(frames.FOLDER, str(tmp_path))
    labels = load_digits().target[: len(encoded_digits)].tolist()
    rows = list(zip(map(bytearray, encoded_digits), labels, strict=True))
    frame = spark.createDataFrame(rows, "content binary, label int")
    expected = cnnmagic.train(text_of("epochs=2", FRAME), df=frame, name="one")
    if way == "parquet":
        monkeypatch.setattr(parcel, "MOST_BYTES_OF_CONNECT", 1_000)
    run = cnnmagic.train(text_of("epochs=2 workers=2", FRAME), df=frame, name="two")
    assert_same(run, expected)
    assert len(list(tmp_path.iterdir())) == (way == "parquet")


def test_a_stop_ends_the_job_within_5_seconds_and_keeps_the_model(spark: Any) -> None:
    run = begun("epochs=500")
    start = time.monotonic()
    run.stop()
    run.wait(240)
    assert time.monotonic() - start < 5
    assert run.state.phase == "stopped" and run.evaluate()["accuracy"] > 0.5
    while ranks():
        assert time.monotonic() - start < 5
        time.sleep(0.05)
