"""Frames of Spark to frames that a training reads: by Arrow what fits into memory, else by Parquet written once.

Only the two columns that are needed come here, images encoded as they are.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary, finalize

from cnnmagic.databricks import runtime_of
from cnnmagic.datasets import Held
from cnnmagic.errors import DataError
from cnnmagic.integrations.cluster import is_classic, last_line, setting
from cnnmagic.memory import memory_of_process
from cnnmagic.storage import runs_folder

MOST_OF_MEMORY = 0.3
MOST_OF_RESULT = 0.8  # of what Spark lets a driver collect: Arrow adds to the bytes of the images
ARROW = "spark.sql.execution.arrow.pyspark.enabled"
FOLDER = "CNNMAGIC_FRAMES"
GROUP_BYTES = 8_000_000  # of images read at once
UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True, eq=False)
class Collected:
    """Columns of a frame of Spark, here; `frame[name].to_list()` gives one, as that of pandas does."""

    table: Any

    @property
    def columns(self) -> list[str]:
        return list(self.table.columns)

    def __getitem__(self, name: str) -> Any:
        return self.table[name]


_known: WeakKeyDictionary[Any, dict[tuple[str, str], Any]] = WeakKeyDictionary()


def is_of_spark(value: Any) -> bool:
    """Whether a value is a frame of Spark, told without an import of it."""
    return type(value).__module__.startswith("pyspark.")


def brought_here(source: Held) -> Held:
    """The source with its frames of Spark brought here, each once; raises `DataError` where that can't be."""
    values = tuple(_here(value, source, name) for value, name in zip(source.values, source.names, strict=True))
    return replace(source, values=values)


def _here(frame: Any, source: Held, name: str) -> Any:
    if not is_of_spark(frame):
        return frame
    from cnnmagic.engine.tables import columns_of

    columns = columns_of(list(frame.columns), source.image, source.label, name)
    known = _known.setdefault(frame, {})
    if columns not in known:
        chosen = frame.select(*columns)
        size, rows = _size(chosen, columns[0], name)
        fits = size <= _room(frame.sparkSession)
        known[columns] = Collected(_by_arrow(chosen)) if fits else _by_parquet(chosen, name, size, rows)
    return known[columns]


def _size(frame: Any, image: str, name: str) -> tuple[int, int]:
    """Bytes of all images, or of all paths, and how many there are; raises `DataError` for what is neither."""
    from pyspark.sql.functions import col, count, length, lit, sum

    kind = dict(frame.dtypes)[image]
    if kind.startswith("struct"):
        size = sum(length(col(f"`{image}`.{'bytes' if 'bytes' in kind else 'data'}")))
    elif kind in ("binary", "string"):
        size = sum(length(col(f"`{image}`")))
    else:
        message = f"column `{image}` of `{name}` holds {kind}, and no images."
        raise DataError(message, remedy="Images are given as their files' bytes or paths; Spark must not decode them.")
    taken, rows = frame.agg(size, count(lit(1))).first()
    return taken or 0, rows


def _room(spark: Any) -> float:
    """Bytes that may be collected: of this process's memory, and of what Spark allows."""
    room = MOST_OF_MEMORY * memory_of_process()
    if not is_classic(spark):
        return room
    allowed = bytes_of(setting(spark, "spark.driver.maxResultSize", "1g"))
    return min(room, MOST_OF_RESULT * allowed) if allowed else room


def bytes_of(size: str) -> int:
    """A size as Spark writes it, `1g` or `512mb`, in bytes; 0, which is no limit, for what is none."""
    found = re.fullmatch(r"(\d+)([kmgt]?)b?", size.strip().lower())
    return int(found[1]) * UNITS[found[2]] if found else 0


def _by_arrow(frame: Any) -> Any:
    """The frame as one of pandas, through Arrow."""
    conf = frame.sparkSession.conf
    before = conf.get(ARROW, "false")
    conf.set(ARROW, "true")
    try:
        return frame.toPandas()
    finally:
        conf.set(ARROW, before)


def _by_parquet(frame: Any, name: str, size: int, rows: int) -> Any:
    """The frame as Parquet that Spark's workers write, and that is gone with it; raises `DataError`."""
    from cnnmagic.engine.parquet import Shelf

    folder = _folder(name, size) / f"frame-{secrets.token_hex(4)}"
    writer = frame.write.option("parquet.block.size", str(GROUP_BYTES)).option("compression", "none")
    try:
        writer.parquet(address_of(folder))
        if not any(folder.glob("*.parquet")):
            raise FileNotFoundError(f"Spark's workers have written them, and nothing is seen in {folder} here")
        shelf = Shelf(folder)
        if len(shelf) != rows:
            raise FileNotFoundError(f"of {rows:,} rows {len(shelf):,} are seen in {folder}")
    except Exception as error:  # Spark has many errors
        shutil.rmtree(folder, ignore_errors=True)
        message = f"the images of `{name}` ({size / 1e9:.1f} GB) don't fit into memory and can't be kept as Parquet."
        remedy = f"Name a folder that all machines of the cluster see: `%env {FOLDER}=/Volumes/…`, or take fewer rows."
        raise DataError(message, reason=last_line(error), remedy=remedy) from error
    finalize(shelf, shutil.rmtree, folder, ignore_errors=True)
    return shelf


def _folder(name: str, size: int) -> Path:
    """Where frames are kept, with room for this one; raises `DataError`."""
    folder = Path(os.environ.get(FOLDER) or runs_folder().parent / "cache").expanduser().absolute()
    remedy = f"Name another folder, which all machines of the cluster see: `%env {FOLDER}=/Volumes/…`."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        message = f"the images of `{name}` don't fit into memory, and `{folder}` can't keep them."
        raise DataError(message, reason=error.strerror or str(error), remedy=remedy) from error
    if free < size:
        message = f"the images of `{name}` take {size / 1e9:.1f} GB, and `{folder}` has {free / 1e9:.1f} GB left."
        raise DataError(message, remedy=remedy)
    return folder


def address_of(folder: Path) -> str:
    """A folder as Spark writes to it: Databricks knows `/dbfs` and volumes by ways of its own."""
    if runtime_of() and folder.parts[1:2] == ("Volumes",):
        return str(folder)
    if runtime_of() and folder.parts[1:2] == ("dbfs",):
        return "dbfs:/" + "/".join(folder.parts[2:])
    return folder.as_uri()
