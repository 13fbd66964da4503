"""One Spark cluster of two workers on this machine, started by the tests that need it; its ranks, its trainings."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.run import Run
from tests.engine.other_process import numbers
from tests.integrations.recipes import text_of

MASTER = "local-cluster[2,1,2048]"
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
SECONDS_TO_SERVE = 120


def started() -> Iterator[Any]:
    """A session on `local-cluster[2,1,2048]` that listens on this machine alone."""
    skip_without_spark()
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(MASTER).appName("cnnmagic tests")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def connected() -> Iterator[Any]:
    """A session of Spark Connect, whose server is a process of its own with such a cluster."""
    skip_without_spark()
    import pyspark

    home = Path(pyspark.__file__).parent
    if not list(home.glob("jars/spark-connect_*.jar")):
        pytest.skip(f"pyspark {pyspark.__version__} brings no server of Spark Connect")
    pytest.importorskip("grpc_status", reason="what Spark Connect needs is not installed")
    from pyspark.sql import SparkSession

    kept = dict(os.environ)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    address = {"spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port)}
    words = [word for name, value in (SETTINGS | address).items() for word in ("--conf", f"{name}={value}")]
    main = "org.apache.spark.sql.connect.service.SparkConnectServer"
    command = [str(home / "bin" / "spark-submit"), "--master", MASTER, "--class", main, *words, "spark-internal"]
    environment = {**os.environ, "SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=null, stderr=null, env=environment, start_new_session=True)
    try:
        await_server(port, process)
        session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        yield session
        session.stop()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        os.environ.clear()
        os.environ.update(kept)  # pyspark puts down there that it is connected


def await_server(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return when something listens on a port of this machine."""
    end = time.monotonic() + SECONDS_TO_SERVE
    while True:
        assert process.poll() is None and time.monotonic() < end, "the server of Spark Connect does not begin"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.2)
        else:
            return


def skip_without_spark() -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    if subprocess.run(["java", "-version"], capture_output=True, check=False).returncode:
        pytest.skip("Spark needs Java")


def ranks() -> list[tuple[int, int]]:
    """(process, its parent) of each rank that is alive."""
    told = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    lines = [line.split(None, 2) for line in told.splitlines() if "-m cnnmagic.integrations.worker" in line]
    return [(int(pid), int(parent)) for pid, parent, words in lines if words.startswith(sys.executable)]


def await_end_of_ranks(but: Collection[tuple[int, int]] = (), start: float | None = None) -> None:
    """Wait until no rank is alive but these; fails where that takes longer than 15 s from `start`, or from now."""
    start = time.monotonic() if start is None else start
    while set(ranks()) - set(but):
        assert time.monotonic() - start < 15
        time.sleep(0.05)


def begun(words: str, name: str = "two") -> Run:
    """A training on two workers that has come to its third epoch."""
    run = cnnmagic.train(text_of(f"{words} workers=2"), name=name, wait=False)
    while not run.is_done and run.state.epoch < 3:
        time.sleep(0.01)
    assert not run.is_done, run
    return run


def assert_same(run: Run, expected: Run) -> None:
    """Every epoch's numbers, and the weights, to 1e-5, of their size where that is above 1."""
    assert run.state.phase == expected.state.phase
    for name, values in numbers(expected.history).items():
        np.testing.assert_allclose(run.history[name], values, rtol=1e-5, atol=1e-5)
    for one, other in zip(run.model.get_weights(), expected.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
