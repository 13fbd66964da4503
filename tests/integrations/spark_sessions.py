"""One Spark cluster of two workers on this machine, started by the tests that need it; its ranks' processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest


def started() -> Iterator[Any]:
    """A session on `local-cluster[2,1,2048]` that listens on this machine alone."""
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    if subprocess.run(["java", "-version"], capture_output=True, check=False).returncode:
        pytest.skip("Spark needs Java")
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local-cluster[2,1,2048]").appName("cnnmagic tests")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def ranks() -> list[tuple[int, int]]:
    """(process, its parent) of each rank that is alive."""
    told = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    lines = [line.split(None, 2) for line in told.splitlines() if "-m cnnmagic.integrations.worker" in line]
    return [(int(pid), int(parent)) for pid, parent, words in lines if words.startswith(sys.executable)]
