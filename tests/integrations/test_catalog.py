"""Tables of Spark by their names as data: read as the frame that they are, once for a plan, anew for the next."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cnnmagic
from cnnmagic.errors import CnnError, PlanError, RunError
from cnnmagic.integrations import catalog
from cnnmagic.pipeline import make_plan
from tests.integrations.spark_sessions import started
from tests.integrations.test_frames import encoded

NAME = "spark_catalog.default.cnnmagic_photos"
TEXT = f"data table:{NAME} image=content label=kind\nconv 4 3x3 relu\nflatten\noutput\nseed 1\ntrain epochs=2 batch=16"


@pytest.fixture
def no_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook in which no session of Spark has begun."""

    def session() -> None:
        raise RunError("there is no Spark session in this notebook.")

    monkeypatch.setattr(catalog, "session", session)


def test_without_spark_the_plan_says_so_at_its_line(no_spark: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(CnnError) as caught:
        cnnmagic.plan(TEXT)
    assert f"line 1: `{NAME}` is a table of Spark, and there is no Spark session." in str(caught.value)


def test_a_plan_needs_no_table_where_the_text_says_enough(no_spark: None) -> None:
    planned = cnnmagic.plan("data table:main.shop.photos image=content label=kind\ninput 8x8x3\nflatten\noutput 2")
    assert str(planned.source) == "table:main.shop.photos image=content label=kind"
    assert any("the data are not there yet: `main.shop.photos` is a table of Spark" in note for note in planned.notes)


@pytest.mark.parametrize(
    "line, name",
    [
        ("data table:{{where}} image=content", "main.shop.photos"),
        ("data table: main.shop.photos image=content", "main.shop.photos"),
        ('data table:"main.`my shop`.photos" image=content', "main.`my shop`.photos"),
        ("data Table:Photos image=content", "Photos"),
    ],
)
def test_ways_to_name_a_table(line: str, name: str, no_spark: None) -> None:
    planned = cnnmagic.plan(f"{line}\ninput 8x8x3\nflatten\noutput 2", where="main.shop.photos")
    assert str(planned.source) == f"table:{name} image=content"


def test_a_program_gives_a_table_in_place_of_the_line(no_spark: None) -> None:
    planned = make_plan("input 8x8x3\nflatten\noutput 2", {}, data="table:main.shop.photos")
    assert str(planned.source) == "table:main.shop.photos"


def test_a_variable_that_is_no_name() -> None:
    with pytest.raises(PlanError, match=r"`where` is int, and no name of a table\."):
        cnnmagic.plan("data table:{{where}}\ninput 8x8x3\nflatten\noutput 2", where=3)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pandas", reason="pandas is not installed")
    yield from started()


@pytest.fixture
def table(spark: Any, tmp_path: Path) -> Iterator[Any]:
    """A frame of 60 images, and the same as a table of the catalog."""
    files, kinds = encoded()
    rows = list(zip(map(bytearray, files), kinds, strict=True))
    frame = spark.createDataFrame(rows, "content binary, kind string").coalesce(1)
    frame.write.option("path", str(tmp_path / "photos")).saveAsTable(NAME)
    yield frame
    spark.sql(f"DROP TABLE {NAME}")


@pytest.mark.long
def test_a_table_is_the_frame_that_it_holds(spark: Any, table: Any) -> None:
    expected = cnnmagic.train(TEXT.replace(f"table:{NAME}", "{{df}}"), df=spark.table(NAME), name="frame")
    run = cnnmagic.train(TEXT, name="table")
    assert (run.history["loss"], run.dataset.classes) == (expected.history["loss"], ("dark", "light"))


@pytest.mark.long
def test_a_table_is_read_once_and_anew_for_the_next_plan(spark: Any, table: Any, monkeypatch: Any) -> None:
    named: list[str] = []
    read = catalog._frame

    def counted(name: str) -> Any:
        named.append(name)
        return read(name)

    monkeypatch.setattr(catalog, "_frame", counted)
    run = cnnmagic.train(TEXT, name="once")
    assert named == [NAME]
    table.limit(40).write.insertInto(NAME)
    planned = cnnmagic.plan(TEXT)
    assert planned.facts is not None and (planned.facts.examples, len(named)) == (100, 2)
    assert sum(map(len, (run.dataset.train, run.dataset.validation, run.dataset.test))) == 60


@pytest.mark.long
def test_a_table_that_is_not_there(spark: Any) -> None:
    with pytest.raises(CnnError, match=r"Spark gives no table `default\.nowhere`") as caught:
        cnnmagic.plan(TEXT.replace(NAME, "default.nowhere"))
    assert "TABLE_OR_VIEW_NOT_FOUND" in str(caught.value) and "spark.table('default.nowhere')" in str(caught.value)
