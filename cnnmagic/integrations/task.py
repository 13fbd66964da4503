"""What a task of the Spark cluster does: it starts the process of its rank, waits for it, and tells how it ended.

The training has a process of its own, since a Python worker that Spark uses again would keep TensorFlow's cluster.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom
from typing import Any

LONGEST_TAIL = 2_000
PORTS = range(20_000, 32_000)  # below those that Linux, macOS and Windows give to connections


@dataclass(frozen=True)
class Job:
    """What every rank gets: where the driver listens, the secret of the training, and its files by their names."""

    driver: tuple[str, int]
    secret: str
    workers: int
    variables: dict[str, str]
    files: dict[str, bytes] = field(repr=False)


def task_of(job: Job) -> Callable[[Iterator[Any]], Iterator[Any]]:
    """The function that Spark calls in each of the barrier's tasks."""

    def task(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow
        from pyspark import BarrierTaskContext

        for _ in batches:
            pass
        context = BarrierTaskContext.get()
        rank = context.partitionId()
        own = own_address(job.driver)
        told = context.allGather(json.dumps({"train": free_port(own), "meet": free_port(own), "host": own}))
        gpus = gpus_of(context.resources(), os.environ)
        code, tail = run_rank(job, rank, list(map(json.loads, told)), gpus)
        if code:
            tell_failure(job, rank, how_it_ended(code), tail)
            raise RuntimeError(f"worker {rank}: {how_it_ended(code)}\n{tail}")
        yield pyarrow.RecordBatch.from_pydict({"rank": [rank], "code": [code]})

    return task


def own_address(driver: tuple[str, int]) -> str:
    """This machine's address on the network that leads to the driver."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(driver)
        return str(probe.getsockname()[0])


def free_port(address: str) -> int:
    """A port that nobody listens on now, of those that the system gives nobody unasked: a rank opens it much later."""
    for port in SystemRandom().sample(PORTS, len(PORTS)):  # processes that Spark has forked share the usual chance
        with socket.socket() as server:
            try:
                server.bind((address, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"all ports from {PORTS[0]} to {PORTS[-1]} of {address} are taken")


def gpus_of(resources: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str]:
    """The variable that leaves to a task the GPUs which Spark gave it; empty where Spark shares out none.

    Their addresses count among those that this machine's processes may see.
    """
    if "gpu" not in resources:
        return {}
    addresses, seen = resources["gpu"].addresses, variables.get("CUDA_VISIBLE_DEVICES", "")
    places = seen.split(",") if seen else []
    owned = [places[int(address)] for address in addresses] if places else addresses
    return {"CUDA_VISIBLE_DEVICES": ",".join(owned)}


def run_rank(job: Job, rank: int, places: list[dict[str, Any]], gpus: Mapping[str, str]) -> tuple[int, str]:
    """Run the process of a rank to its end: its exit code, and the last that it said."""
    with tempfile.TemporaryDirectory(prefix="cnnmagic-") as name:
        folder = Path(name)
        for file, body in job.files.items():
            (folder / file).write_bytes(body)
        first = places[0]
        meeting = (first["host"], first["meet"])
        training = f"{first['host']}:{first['train']}"
        place = {**where(job), "rank": rank, "meeting": meeting, "first": training}
        (folder / "place.json").write_text(json.dumps(place), encoding="utf-8")
        with (folder / "said").open("w+b") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "cnnmagic.integrations.worker", name],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env={**environment(job, rank, places), **gpus},
            )
            try:
                code = process.wait()
            finally:
                process.kill()
            said.seek(0)  # a rank that has lost the driver has removed the folder
            return code, said.read().decode("utf-8", errors="replace")[-LONGEST_TAIL:]


def where(job: Job) -> dict[str, Any]:
    return {"driver": job.driver, "secret": job.secret, "workers": job.workers}


def environment(job: Job, rank: int, places: list[dict[str, Any]]) -> dict[str, str]:
    """The variables of the rank's process: Spark's own, with those that tell TensorFlow of the others."""
    cluster = [f"{place['host']}:{place['train']}" for place in places]
    config = {"cluster": {"worker": cluster}, "task": {"type": "worker", "index": rank}}
    path = os.pathsep.join(filter(None, sys.path))
    return {**os.environ, "PYTHONPATH": path, **job.variables, "TF_CONFIG": json.dumps(config)}


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"its process ended with code {code}"
    try:
        return f"its process was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"its process was killed by signal {-code}"


def tell_failure(job: Job, rank: int, how: str, tail: str) -> None:
    """Tell the driver why a rank is gone; Spark would try the stage again before it says so."""
    from cnnmagic.integrations.lines import call

    try:
        line = call(job.driver, {"secret": job.secret, "rank": rank, "ended": how, "tail": tail})
        line.close()
    except OSError:
        return
