"""The Spark cluster of this notebook: its session, what its workers have, and one barrier job on it.

Only the DataFrame API is used for work, so that Spark Connect serves as well as a classic session.
"""

from __future__ import annotations

import json
import platform
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from cnnmagic.databricks import foreign_spark
from cnnmagic.errors import CnnError, RunError

PACKAGES = ("cnnmagic", "keras", "tensorflow", "jax", "torch")
LONGEST_CAUSE = 400
Unseen = Callable[[str], CnnError]  # the error of a path that the worker on this host can't see
_PYTHON = re.compile(r"[A-Za-z]\w*(Error|Exception): ")
_JAVA = re.compile(r"(?:[a-z]\w*\.)+\w+(?:Error|Exception): (.+)")


def session() -> Any:
    """The Spark session that is active here, or the first of this process; raises `RunError` where there is none."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        message = f"`workers` trains on a Spark cluster, and pyspark can't be imported: {error}."
        remedy = 'On a machine without Spark: `%pip install "cnnmagic[spark]"`. Or leave `workers` out.'
        raise RunError(message, remedy=unless_hidden(remedy)) from error
    try:
        return SparkSession.active()
    except Exception as error:  # pyspark 4 has another than 3.5
        remedy = "Begin one first, in a cell of its own: `spark = SparkSession.builder.getOrCreate()`."
        raise RunError("there is no Spark session in this notebook.", remedy=unless_hidden(remedy)) from error


def unless_hidden(remedy: str) -> str:
    """The remedy, or another one where a Spark from PyPI hides that of Databricks."""
    if not (folder := foreign_spark()):
        return remedy
    return (
        f"A Spark from PyPI in {folder} hides the one of Databricks, and can't reach the cluster. "
        "In a cell of its own: `%pip uninstall -y pyspark`, then `dbutils.library.restartPython()`."
    )


def is_classic(spark: Any) -> bool:
    """Whether the session has a Spark context of its own, and is not one of Spark Connect."""
    return "connect" not in type(spark).__module__


def is_over(spark: Any) -> bool:
    """Whether the session has been stopped, or its machinery is gone."""
    if not is_classic(spark):
        return bool(getattr(spark, "is_stopped", False))
    try:
        return spark.sparkContext._jsc is None or bool(spark.sparkContext._jsc.sc().isStopped())
    except Exception:  # py4j has lost Java
        return True


def setting(spark: Any, name: str, default: str) -> str:
    """A setting of the session; the default where it is not set, or is not to be seen."""
    try:
        if is_classic(spark):  # whose `conf` would first have to make a catalogue, for seconds
            return str(spark.sparkContext.getConf().get(name, default))
        return str(spark.conf.get(name, default))
    except Exception:  # Connect tells of some settings only that they are not there
        return default


def check_allocation(spark: Any) -> None:
    """Raise `RunError` where Spark may take executors away."""
    if setting(spark, "spark.dynamicAllocation.enabled", "false").lower() == "true":
        message = "`spark.dynamicAllocation.enabled` is on, and Spark runs no barrier job then."
        raise RunError(message, remedy="Turn it off where the cluster is set up, and begin the session anew.")


def check_workers(spark: Any, workers: int, backend: str, paths: Mapping[str, Unseen]) -> None:
    """Raise `RunError` where workers have other versions than the driver, or the error of a path that one can't see."""
    wanted = versions(backend)
    for told in asked(spark, workers, backend, tuple(paths)):
        compare(wanted, told, paths)


def asked(spark: Any, workers: int, backend: str, paths: Sequence[str]) -> list[dict[str, Any]]:
    """What each of so many tasks tells: its host, its versions, and which paths it can't see; raises `RunError`."""
    try:
        rows = spark.range(0, workers, 1, workers).mapInArrow(_teller(backend, paths), "told string").collect()
    except Exception as error:
        remedy = (
            "Workers take the Python that PYSPARK_PYTHON names where the session begins; give it the same packages."
        )
        reason = last_line(error)
        raise RunError("a task on the Spark cluster fails.", reason=reason, remedy=unless_hidden(remedy)) from error
    return [json.loads(row["told"]) for row in rows]


def compare(wanted: Mapping[str, str], told: Mapping[str, Any], paths: Mapping[str, Unseen]) -> None:
    """Raise `RunError` where the versions that a worker tells are not as wanted, or the error of an unseen path."""
    host = told["host"]
    for package, version in wanted.items():
        found = told["versions"].get(package)
        if found != version:
            has = f"has {package} {found}" if found else f"lacks {package}"
            message = f"the worker on {host} {has}, and this notebook has {version}."
            remedy = "Give all machines the same packages; on Databricks, by the cluster's libraries."
            raise RunError(message, remedy=remedy)
    for path in told["unseen"]:
        raise paths[path](host)


def unseen_data(path: str) -> Unseen:
    """What is told of a worker that can't see the data's path."""
    remedy = "Put the data where all machines see the same files, on Databricks under `/Volumes/…`."
    return lambda host: RunError(f"the worker on {host} can't see `{path}`.", remedy=remedy)


def versions(backend: str) -> dict[str, str]:
    """What must be the same on all machines: Python's minor version, and those packages that train."""
    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for package in ("cnnmagic", "keras", backend):
        found[package] = version_of(package)
    return found


def version_of(package: str) -> str:
    """The version of a package; empty where it is missing."""
    try:
        if package == "cnnmagic":
            import cnnmagic

            return cnnmagic.__version__
        return metadata.version(package)
    except (ImportError, metadata.PackageNotFoundError):
        return ""


def _teller(backend: str, paths: Sequence[str]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def tell(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for _ in batches:
            pass
        told = {
            "host": socket.gethostname(),
            "versions": versions(backend),
            "unseen": [path for path in paths if not Path(path).exists()],
        }
        yield pyarrow.RecordBatch.from_pydict({"told": [json.dumps(told)]})

    return tell


class BarrierJob:
    """One barrier job in a thread; `ended` is called there, with the error or None."""

    def __init__(self, spark: Any, workers: int, task: Any, name: str, ended: Callable[[BaseException | None], object]):
        self.spark, self.workers, self.task, self.name, self.ended = spark, workers, task, name, ended
        self.key = f"cnnmagic-{name}-{time.monotonic_ns()}"
        self.thread = threading.Thread(target=self._run, name=self.key, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            if is_classic(self.spark):
                self.spark.sparkContext.setJobGroup(self.key, f"cnnmagic: {self.name}", interruptOnCancel=True)
            else:
                self.spark.addTag(self.key)
            frame = self.spark.range(0, self.workers, 1, self.workers)
            frame.mapInArrow(self.task, "rank long, code long", barrier=True).collect()
        except BaseException as error:
            self.ended(error)
        else:
            self.ended(None)

    def cancel(self) -> None:
        """Have Spark end the job's tasks."""
        if is_classic(self.spark):
            self.spark.sparkContext.cancelJobGroup(self.key)
        else:
            self.spark.interruptTag(self.key)


def last_line(error: BaseException) -> str:
    """What of an error of Spark's tells the cause: a Python error in it, else the last of its Java ones."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    python = [line for line in lines if _PYTHON.match(line)]
    java = [found[1] for line in lines if (found := _JAVA.search(line))]
    return [type(error).__name__, *lines[:1], *java[-1:], *python[-1:]][-1][:LONGEST_CAUSE]
