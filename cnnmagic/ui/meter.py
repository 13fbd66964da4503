"""Measures what the process takes of the machine: processor, memory and GPU, at most every few seconds."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

SECONDS_BETWEEN_LOOKS, GPU_SECONDS = 2.0, 5.0
QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")
GIGABYTE = 1e9


class Meter:
    """Texts such as `CPU 87 %, 1.2 GB`, measured anew where the last is old; in the thread that asks.

    `process` is a `psutil.Process`, None without psutil; `gpu` gives per cent, bytes used and bytes there are.
    """

    def __init__(self) -> None:
        self.process, self.cores = _process()
        self.gpu: Callable[[], tuple[float, float, float]] | None = _gpu()
        self.cpu_text = self.gpu_text = ""
        self.cpu_at = self.gpu_at = float("-inf")

    def text(self) -> str:
        """The processor's and the GPU's use now, or a moment ago."""
        now = time.monotonic()
        if self.process is not None and now - self.cpu_at >= SECONDS_BETWEEN_LOOKS:
            self.cpu_at, self.cpu_text = now, self._cpu()
        if self.gpu is not None and now - self.gpu_at >= GPU_SECONDS:
            self.gpu_at, self.gpu_text = now, self._gpu()
        return " · ".join(filter(None, (self.cpu_text, self.gpu_text)))

    def _cpu(self) -> str:
        share, taken = self.process.cpu_percent() / self.cores, self.process.memory_info().rss
        return (
            f"CPU {share:.0f} %, {taken / GIGABYTE:.1f} GB" if self.cpu_text or share else f"{taken / GIGABYTE:.1f} GB"
        )

    def _gpu(self) -> str:
        assert self.gpu is not None  # asked only where there is one
        try:
            share, used, whole = self.gpu()
        except (OSError, ValueError, subprocess.SubprocessError):
            self.gpu = None
            return ""
        return f"GPU {share:.0f} %, {used / GIGABYTE:.1f} of {whole / GIGABYTE:.0f} GB"


def _process() -> tuple[Any, int]:
    try:
        psutil = importlib.import_module("psutil")
    except ImportError:
        return None, 1
    process = psutil.Process()
    process.cpu_percent()  # the first call begins the measuring
    return process, psutil.cpu_count() or 1


def _gpu() -> Callable[[], tuple[float, float, float]] | None:
    return _ask_nvidia if shutil.which(QUERY[0]) else None


def _ask_nvidia() -> tuple[float, float, float]:
    """Per cent in use, bytes taken and bytes there are of the first GPU, whoever takes them."""
    told = subprocess.run(QUERY, capture_output=True, text=True, timeout=2, check=True).stdout.splitlines()[0]
    share, used, whole = (float(part) for part in told.split(","))
    return share, used * 2**20, whole * 2**20
