"""Tables by their names in Spark's catalog, such as those of Unity Catalog, as the frames that they are."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any
from weakref import WeakKeyDictionary

from cnnmagic.datasets import Held, SparkTable
from cnnmagic.errors import MissingData, RunError
from cnnmagic.integrations.cluster import last_line, session

# A plan and its training read the table once, as it stood then; a cell that runs again has a source of its own.
_frames: WeakKeyDictionary[SparkTable, Any] = WeakKeyDictionary()


def held_by(source: SparkTable) -> Held:
    """The table as a frame of Spark; raises `MissingData` where there is no Spark, or no such table for this user."""
    if source not in _frames:
        _frames[source] = _frame(source.name)
    return Held((source.name,), (_frames[source],), source.image, source.label)


def _frame(name: str) -> Any:
    spark = _spark(name)
    try:
        frame = spark.table(name)
        _ = frame.columns  # Spark Connect looks for the table only now
    except Exception as error:  # no such catalog, schema or table, or no right to it
        remedy = f"Try `spark.table({name!r})` in a cell of its own; a name is `catalog.schema.table`."
        raise MissingData(f"Spark gives no table `{name}`.", reason=last_line(error), remedy=remedy) from error
    return frame


def _spark(name: str) -> Any:
    try:
        return session()
    except RunError as error:
        remedy = "Begin one first, in a cell of its own: `spark = SparkSession.builder.getOrCreate()`."
        if find_spec("pyspark") is None:
            remedy = 'On a machine without Spark: `%pip install "cnnmagic[spark]"`.'
        raise MissingData(f"`{name}` is a table of Spark, and there is no Spark session.", remedy=remedy) from error
