"""What a kernel tells of Databricks: its runtime, and whether it is one of serverless compute."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

VERSION_FILE = Path("/databricks/DBR_VERSION")
PLATFORM = Path("/databricks")
RUNTIME, SERVERLESS = "DATABRICKS_RUNTIME_VERSION", "DATABRICKS_ENV_VERSION"


def runtime_of(environment: Mapping[str, str] = os.environ, version_file: Path = VERSION_FILE) -> str:
    """The Databricks runtime in words; empty elsewhere.

    Classic clusters tell it in one variable, serverless ones in another, and a file tells it where neither is set.
    """
    if version := environment.get(RUNTIME):
        return f"Databricks Runtime {version}"
    if version := environment.get(SERVERLESS):
        return f"Databricks serverless environment {version}"
    try:
        return f"Databricks Runtime {version_file.read_text(encoding='utf-8').strip()}"
    except OSError:
        return ""


def foreign_spark(environment: Mapping[str, str] = os.environ, platform: Path = PLATFORM) -> str:
    """Where a Spark lies that was installed over the one of Databricks; empty where there is none, and elsewhere.

    `pip install pyspark`, or `cnnmagic[spark]`, puts it first on the path, and it can't reach the cluster.
    """
    found = find_spec("pyspark") if runtime_of(environment) else None
    if found is None or found.origin is None:
        return ""
    folder = Path(found.origin).parent
    return "" if folder.is_relative_to(platform) else str(folder)
