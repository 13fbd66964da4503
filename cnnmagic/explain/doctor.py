"""What this kernel has and lacks, without importing any of it, and the cell that mends what lacks."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from cnnmagic.databricks import VERSION_FILE, foreign_spark, runtime_of
from cnnmagic.explain.texts import Words
from cnnmagic.hardware import this_machine
from cnnmagic.table import aligned

PACKAGES = (
    *("cnnmagic", "keras", "tensorflow", "jax", "torch", "mlflow", "optuna", "pyspark"),
    *("ipywidgets", "ipython", "numpy"),
)
NEEDED = {"keras": (3, 12), "tensorflow": (2, 16)}
NEEDED_FOR_SWEEPS = (3, 6)
INSTALL = '%pip install "keras>=3.12" "tensorflow>=2.16"'
INSTALL_OPTUNA = '%pip install "optuna>=3.6"'
UNINSTALL = "%pip uninstall -y pyspark"
RESTART = "dbutils.library.restartPython()"


@dataclass(frozen=True)
class Kernel:
    """What was found; `runtime` is Databricks's, empty elsewhere; `versions` hold what is installed.

    `foreign_spark` is where a Spark lies that was installed over the platform's.
    """

    python: str
    runtime: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    foreign_spark: str = ""


@dataclass(frozen=True)
class Remedy:
    """A step to take: `key` names its words, `cell` is what to run."""

    key: str
    cell: str = ""


def examine(environment: Mapping[str, str] = os.environ, version_file: Path = VERSION_FILE) -> Kernel:
    """The kernel that runs this."""
    versions = {name: found for name in PACKAGES if (found := _version(name))}
    gpus = tuple(gpu.name for gpu in this_machine().gpus)
    return Kernel(
        platform.python_version(), runtime_of(environment, version_file), versions, gpus, foreign_spark(environment)
    )


def remedies(kernel: Kernel) -> tuple[Remedy, ...]:
    """The steps to take, each with the cell to run; one that says that all is well where nothing lacks."""
    found = []
    lacking = [name for name, least in NEEDED.items() if numbers_of(kernel.versions.get(name, "")) < least]
    if lacking:
        # Keras alone moves nothing else on a runtime that has a TensorFlow of its own.
        has_tensorflow = "tensorflow" not in lacking
        install = '%pip install "keras>=3.12"' if has_tensorflow else INSTALL
        restart = Remedy("restart", RESTART) if kernel.runtime else Remedy("restart_here")
        found += [Remedy("install", install), restart]
    if kernel.foreign_spark:
        found += [Remedy("foreign_spark", UNINSTALL), Remedy("restart", RESTART)]
    if "mlflow" not in kernel.versions:
        found.append(Remedy("no_mlflow"))
    if numbers_of(kernel.versions.get("optuna", "")) < NEEDED_FOR_SWEEPS:
        found.append(Remedy("no_optuna", INSTALL_OPTUNA))
    if not kernel.gpus:
        found.append(Remedy("no_gpu_cluster" if kernel.runtime else "no_gpu"))
    return tuple(found) if lacking or kernel.foreign_spark else (Remedy("ready"), *found)


def report(kernel: Kernel) -> str:
    """What was found, in lines of a table; what is not installed is said too."""
    words = Words("databricks")
    rows = [("Python", kernel.python), ("Databricks", kernel.runtime or words("no_runtime"))]
    rows += [(name, kernel.versions.get(name) or words("absent")) for name in PACKAGES]
    return "\n".join(aligned([*rows, ("GPU", ", ".join(kernel.gpus) or words("no_gpus"))]))


def doctor_text(kernel: Kernel) -> str:
    """The report, then the steps to take with their cells."""
    words = Words("databricks")
    parts = [report(kernel)]
    for remedy in remedies(kernel):
        parts.append(words(remedy.key))
        parts += [f"    {remedy.cell}"] if remedy.cell else []
    return "\n\n".join(parts)


def numbers_of(version: str) -> tuple[int, ...]:
    """`3.12.0rc1` → (3, 12, 0)."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found[0].split("."))) if found else ()


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu", f"{package}-skinny"):  # Databricks's own builds bear such names
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""
