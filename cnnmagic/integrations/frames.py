"""Frames of Spark to frames that a training reads: the two columns it needs, by Arrow, images encoded as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from cnnmagic.datasets import Held
from cnnmagic.errors import DataError
from cnnmagic.memory import memory_there

MOST_OF_MEMORY = 0.3
ARROW = "spark.sql.execution.arrow.pyspark.enabled"


@dataclass(frozen=True, eq=False)
class Collected:
    """Columns of a frame of Spark, here; `frame[name].to_list()` gives one, as that of pandas does."""

    table: Any

    @property
    def columns(self) -> list[str]:
        return list(self.table.columns)

    def __getitem__(self, name: str) -> Any:
        return self.table[name]


_collected: WeakKeyDictionary[Any, dict[tuple[str, str], Collected]] = WeakKeyDictionary()


def is_of_spark(value: Any) -> bool:
    """Whether a value is a frame of Spark, told without an import of it."""
    return type(value).__module__.startswith("pyspark.")


def brought_here(source: Held) -> Held:
    """The source with its frames of Spark collected, each once; raises `DataError` for what does not fit."""
    values = tuple(_here(value, source, name) for value, name in zip(source.values, source.names, strict=True))
    return replace(source, values=values)


def _here(frame: Any, source: Held, name: str) -> Any:
    if not is_of_spark(frame):
        return frame
    from cnnmagic.engine.tables import columns_of

    columns = columns_of(list(frame.columns), source.image, source.label, name)
    known = _collected.setdefault(frame, {})
    if columns not in known:
        chosen = frame.select(*columns)
        _check_size(chosen, columns[0], name)
        known[columns] = Collected(_by_arrow(chosen))
    return known[columns]


def _check_size(frame: Any, image: str, name: str) -> None:
    """Raise `DataError` where the images are too large to be held here."""
    from pyspark.sql.functions import col, length, sum

    kind = dict(frame.dtypes)[image]
    if kind.startswith("struct"):
        size = sum(length(col(f"`{image}`.{'bytes' if 'bytes' in kind else 'data'}")))
    elif kind in ("binary", "string"):
        size = sum(length(col(f"`{image}`")))
    else:
        message = f"column `{image}` of `{name}` holds {kind}, and no images."
        raise DataError(message, remedy="Images are given as their files' bytes or paths; Spark must not decode them.")
    taken, room = frame.agg(size).first()[0] or 0, MOST_OF_MEMORY * memory_there()
    if taken > room:
        message = f"the images of `{name}` take {taken / 1e9:.1f} GB, and {room / 1e9:.1f} GB are there for them."
        remedy = "Take a part, `{{df.limit(100000)}}` kept under a name, or give their files: `data images:FOLDER`."
        raise DataError(message, remedy=remedy)


def _by_arrow(frame: Any) -> Any:
    """The frame as one of pandas, through Arrow."""
    conf = frame.sparkSession.conf
    before = conf.get(ARROW, "false")
    conf.set(ARROW, "true")
    try:
        return frame.toPandas()
    finally:
        conf.set(ARROW, before)
