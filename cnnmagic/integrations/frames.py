"""Frames of Spark to frames that a training reads: by Arrow what fits into memory, else by Parquet written once.

Only the two columns that are needed come here, images encoded as they are.
"""

from __future__ import annotations

import os
import platform
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
from cnnmagic.hardware import backend_name
from cnnmagic.integrations.cluster import Unseen, check_workers, is_classic, last_line, setting
from cnnmagic.memory import memory_of_process
from cnnmagic.storage import runs_folder

MOST_OF_MEMORY = 0.3
MOST_OF_RESULT = 0.8  # of what Spark lets a driver collect: Arrow adds to the bytes of the images
ARROW = "spark.sql.execution.arrow.pyspark.enabled"
FOLDER = "CNNMAGIC_FRAMES"
OTHER_FOLDER = f"Name another folder, which all machines of the cluster see: `%env {FOLDER}=/Volumes/…`."
PROCESSES = Path("/proc")
GROUP_BYTES = 8_000_000  # of images read at once
UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


@dataclass(frozen=True, eq=False)
class Collected:
    """Columns of a frame of Spark, here; `frame[name].to_list()` gives one, as that of pandas does."""

    table: Any
    size: int

    @property
    def columns(self) -> list[str]:
        return list(self.table.columns)

    def __getitem__(self, name: str) -> Any:
        return self.table[name]


_OWNER = re.sub(r"\W", "_", platform.node())
_known: WeakKeyDictionary[Any, dict[tuple[str, str], Any]] = WeakKeyDictionary()


def is_of_spark(value: Any) -> bool:
    """Whether a value is a frame of Spark, told without an import of it."""
    return type(value).__module__.startswith("pyspark.")


def brought_here(source: Held, workers: int | None = None) -> Held:
    """The source with its frames of Spark brought here, each once; raises `CnnError` where that can't be.

    Where workers train, frames that are too large to be sent to them are Parquet, which they read themselves.
    """
    found = _all_here(source, workers, None)
    if workers is not None and any(map(is_kept, found)) and not all(map(is_kept, found)):
        found = _all_here(source, workers, 0)  # workers read all of a source, or are sent all of it
    return replace(source, values=found)


def kept_in(source: Held) -> dict[str, Unseen]:
    """The folders of frames that are kept as Parquet, with the error of each where a worker can't see it."""
    values = zip(source.values, source.names, strict=True)
    return {str(value.path): _unseen(value.path, name) for value, name in values if is_kept(value)}


def is_kept(value: Any) -> bool:
    """Whether a value is a frame that is kept as Parquet."""
    from cnnmagic.engine.parquet import Shelf

    return isinstance(value, Shelf)


def _all_here(source: Held, workers: int | None, most: int | None) -> tuple[Any, ...]:
    frames = zip(source.values, source.names, strict=True)
    return tuple(_here(frame, source, name, workers, most) if is_of_spark(frame) else frame for frame, name in frames)


def _here(frame: Any, source: Held, name: str, workers: int | None, most: int | None) -> Any:
    """A frame of Spark brought here; as Parquet where it has more than `most` bytes, or than there is room for."""
    from cnnmagic.engine.tables import columns_of
    from cnnmagic.integrations.parcel import most_bytes

    if most is None:
        most = most_bytes(frame.sparkSession) if workers is not None else None
    columns = columns_of(list(frame.columns), source.image, source.label, name)
    known = _known.setdefault(frame, {})
    found = known.get(columns)
    if not _serves(found, most):
        chosen = frame.select(*columns)
        size, rows = (found.size, len(found.table)) if isinstance(found, Collected) else _size(chosen, columns[0], name)
        room = _room(frame.sparkSession) if most is None else min(most, _room(frame.sparkSession))
        fits = size <= room
        known[columns] = Collected(_by_arrow(chosen), size) if fits else _by_parquet(chosen, name, size, rows, workers)
    return known[columns]


def _serves(known: Any, most: int | None) -> bool:
    """Whether what is known of a frame is there, and of no more bytes than may be sent."""
    if is_kept(known):
        return bool(known.path.exists())
    return known is not None and (most is None or known.size <= most)


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


def _by_parquet(frame: Any, name: str, size: int, rows: int, workers: int | None) -> Any:
    """The frame as Parquet that Spark's workers write, and that is gone with it; raises `DataError`."""
    from cnnmagic.engine.parquet import Shelf

    home = _folder(name, size, workers)
    if workers is not None:
        _check_home(home, name, frame.sparkSession, workers)
    folder = home / f"frame-{_OWNER}-{os.getpid()}-{secrets.token_hex(4)}"
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
        message = f"the images of `{name}` ({size / 1e9:.1f} GB) {_why(workers)} and can't be kept as Parquet."
        remedy = f"Name a folder that all machines of the cluster see: `%env {FOLDER}=/Volumes/…`, or take fewer rows."
        raise DataError(message, reason=last_line(error), remedy=remedy) from error
    finalize(shelf, shutil.rmtree, folder, ignore_errors=True)
    return shelf


def _why(workers: int | None) -> str:
    return "don't fit into memory" if workers is None else "are too many to be sent to workers"


def _check_home(home: Path, name: str, spark: Any, workers: int) -> None:
    """Raise `CnnError` where a worker is no match, or can't see what is written in the folder of frames."""
    mark = home / f"seen-{secrets.token_hex(4)}"
    mark.write_text("seen", encoding="utf-8")  # closed: a volume shows a file to others only then
    try:
        check_workers(spark, workers, backend_name(), {str(mark): _unseen(mark, name)})
    finally:
        mark.unlink(missing_ok=True)


def _unseen(path: Path, name: str) -> Unseen:
    """What is told of a worker that can't see what lies in the folder of frames."""
    where = f"can't see `{path.parent}`, where the images of `{name}` are kept for it."
    return lambda host: DataError(f"the worker on {host} {where}", remedy=OTHER_FOLDER)


def _folder(name: str, size: int, workers: int | None) -> Path:
    """Where frames are kept, with room for this one; raises `DataError`. What killed processes left there is gone."""
    folder = Path(os.environ.get(FOLDER) or runs_folder().parent / "cache").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        message = f"the images of `{name}` {_why(workers)}, and `{folder}` can't keep them."
        raise DataError(message, reason=error.strerror or str(error), remedy=OTHER_FOLDER) from error
    if free < size:
        message = f"the images of `{name}` take {size / 1e9:.1f} GB, and `{folder}` has {free / 1e9:.1f} GB left."
        raise DataError(message, remedy=OTHER_FOLDER)
    return folder


def _clear(folder: Path) -> None:
    """Delete the frames of processes of this machine that are gone: one that was killed could not do so itself."""
    for path in folder.glob(f"frame-{_OWNER}-*") if PROCESSES.is_dir() else ():
        if not (PROCESSES / path.name.split("-")[2]).exists():
            shutil.rmtree(path, ignore_errors=True)


def address_of(folder: Path) -> str:
    """A folder as Spark writes to it: Databricks knows `/dbfs` and volumes by ways of its own."""
    if runtime_of() and folder.parts[1:2] == ("Volumes",):
        return str(folder)
    if runtime_of() and folder.parts[1:2] == ("dbfs",):
        return "dbfs:/" + "/".join(folder.parts[2:])
    return folder.as_uri()
