"""How many tasks the Spark cluster can run at once, and the error where they are too few."""

from __future__ import annotations

import contextlib
import io
import re
import time
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.integrations.cluster import is_classic, setting, unless_hidden

SECONDS_FOR_SLOTS = 2.5


def check_slots(spark: Any, workers: int) -> None:
    """Raise `RunError`, with both numbers, where fewer tasks can run at once than there are workers."""
    end = time.monotonic() + SECONDS_FOR_SLOTS
    most = slots_by_master(spark)
    if most is not None and most < workers:  # nothing to wait for
        raise _too_few(workers, most)
    while (free := free_slots(spark)) < workers:
        if time.monotonic() > end:  # executors that start, and tasks that are just ending, have been waited for
            raise _too_few(workers, free)
        time.sleep(0.2)


def _too_few(workers: int, free: int) -> RunError:
    needed = f"{workers} free slots at once" if workers > 1 else "a free slot"
    message = f"`workers={workers}` needs {needed}, and the cluster has {free}."
    remedy = f"Write `workers={free}`" if free else "Wait for other jobs to end"
    return RunError(message, remedy=unless_hidden(f"{remedy}, or have a larger cluster."))


def slots_by_master(spark: Any) -> int | None:
    """Tasks that can run at once when all executors are there, where the master's name tells so; else None."""
    cores = cores_of(setting(spark, "spark.master", ""))
    return None if cores is None else slots(cores, int(setting(spark, "spark.task.cpus", "1")), 0)


def cores_of(master: str) -> int | None:
    """The cores of a cluster on one machine by the name of its master; None for any other master."""
    found = re.fullmatch(r"local-cluster\[\s*(\d+)\s*,\s*(\d+)\s*,\s*\d+\s*\]|local\[(\d+)[^\]]*\]", master)
    if found is None:
        return 1 if master == "local" else None
    return int(found[3]) if found[3] else int(found[1]) * int(found[2])


def free_slots(spark: Any) -> int:
    """Tasks that can be started now."""
    if not is_classic(spark):
        return connected_slots(spark)
    context = spark.sparkContext
    taken = int(setting(spark, "spark.task.cpus", "1"))
    executors = list(context._jsc.sc().statusTracker().getExecutorInfos())
    running = sum(executor.numRunningTasks() for executor in executors)
    return slots(cores_there(spark), taken, running)


def cores_there(spark: Any) -> int:
    """The cores of the executors that are there: Spark's default parallelism, unless the user has set that."""
    context = spark.sparkContext
    if not setting(spark, "spark.default.parallelism", ""):
        return int(context.defaultParallelism)
    executors = context._jsc.sc().statusStore().executorList(True)
    return sum(executors.apply(number).totalCores() for number in range(executors.size()))


def slots(cores: int, each: int, running: int) -> int:
    """Tasks that find room on so many cores, where each takes some and some are running."""
    return max(0, cores // each - running)


def connected_slots(spark: Any) -> int:
    """The cluster's cores: Spark Connect tells them by how it divides a frame; what runs there, it does not tell.

    How it would divide it, its plan says in a third of the time that a first job takes.
    """
    frame, said = spark.range(0, 1 << 20), io.StringIO()
    with contextlib.redirect_stdout(said):
        frame.explain()
    return splits_of(said.getvalue()) or counted_parts(frame)


def splits_of(plan: str) -> int:
    """The parts of a frame by its plan; 0 where the plan does not say."""
    found = re.search(r"\bRange \(.*\bsplits=(?:Some\()?(\d+)", plan)
    return int(found[1]) if found else 0


def counted_parts(frame: Any) -> int:
    """The parts of a frame that holds some rows in each, counted by a job."""
    from pyspark.sql.functions import max, spark_partition_id

    last: int = frame.select(spark_partition_id().alias("part")).agg(max("part")).first()[0]
    return last + 1
