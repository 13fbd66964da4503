"""What this machine computes with, known without Keras: units of its processor and GPUs, and the precision to take."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VARIABLE = "CNNMAGIC_HARDWARE"
PROCESSOR = Path("/proc/cpuinfo")
# The processor's flags that tell of units for bfloat16, the faster ones first, with the words that name them.
UNITS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}
FIRST_WITH_BFLOAT16, FIRST_WITH_FLOAT16 = (8, 0), (7, 0)
SECONDS_FOR_NVIDIA = 5


@dataclass(frozen=True)
class Gpu:
    """A GPU of NVIDIA's, and its compute capability, such as (8, 0)."""

    name: str
    capability: tuple[int, int]


@dataclass(frozen=True)
class Hardware:
    """What a training can be computed with; `units` are those flags of the processor that are among `UNITS`."""

    units: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    tpu: bool = False


def precision_of(wanted: str, hardware: Hardware | None = None, backend: str | None = None) -> tuple[str, str]:
    """`float32`, `bfloat16` or `float16`, and why; what `auto` means on a machine, this one if none is given."""
    if wanted != "auto":
        return wanted, "as the cell says"
    found = this_machine() if hardware is None else hardware
    if found.tpu:
        return "bfloat16", "a TPU computes with it"
    if found.gpus:
        return _of_gpu(min(found.gpus, key=lambda gpu: gpu.capability))
    if not found.units:
        return "float32", "this machine has no units for bfloat16"
    backend = backend or backend_name()
    if backend != "tensorflow":
        return "float32", f"this machine has no units for bfloat16 that {backend} uses"
    return "bfloat16", f"this processor has {UNITS[found.units[0]]}"


@cache
def this_machine() -> Hardware:
    """This machine's hardware; CNNMAGIC_HARDWARE stands for another, as in `amx_bf16`, `gpu=7.5`, `tpu` or `plain`."""
    told = os.environ.get(VARIABLE)
    return read_hardware(told) if told else Hardware(_units(), _gpus(), "TPU_NAME" in os.environ)


def read_hardware(text: str) -> Hardware:
    """The hardware that words name; those that name none are passed over."""
    words = text.split()
    gpus = [Gpu("GPU", capability) for word in words if (capability := _capability(word.removeprefix("gpu=")))]
    return Hardware(tuple(flag for flag in UNITS if flag in words), tuple(gpus), "tpu" in words)


@cache
def backend_name() -> str:
    """The backend that Keras is going to take: of its variable, else of its file, else TensorFlow."""
    if named := os.environ.get("KERAS_BACKEND"):
        return named
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        return str(json.loads((home / "keras.json").read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def _of_gpu(gpu: Gpu) -> tuple[str, str]:
    if gpu.capability >= FIRST_WITH_BFLOAT16:
        return "bfloat16", f"the {gpu.name} has tensor cores for it"
    if gpu.capability >= FIRST_WITH_FLOAT16:
        return "float16", f"the {gpu.name} has tensor cores for it, and none for bfloat16; the loss is scaled"
    return "float32", f"the {gpu.name} has no tensor cores"


def _units() -> tuple[str, ...]:
    try:
        text = PROCESSOR.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return ()
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return tuple(flag for flag in UNITS if flag in flags)


def _gpus() -> tuple[Gpu, ...]:
    """NVIDIA's GPUs, as its own tool tells them; none where it is missing, fails, or the user hides them."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return ()
    command = ["nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_FOR_NVIDIA, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = (line.rpartition(",") for line in told.splitlines())
    return tuple(Gpu(name.strip(), found) for name, _, number in lines if (found := _capability(number)))


def _capability(text: str) -> tuple[int, int] | None:
    major, _, minor = text.strip().partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None
