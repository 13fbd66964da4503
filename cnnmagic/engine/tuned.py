"""What trials have found, remembered in this process and on disk: the same cell is run in the same way again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.snapshot import Way
from cnnmagic.hardware import this_machine
from cnnmagic.plans import Plan, Training
from cnnmagic.storage import runs_folder

FILE = "tuned.json"
WITHOUT_EFFECT = ("epochs", "early_stop", "validation", "checkpoint", "tune", "learning_rate")


@dataclass(frozen=True)
class Found:
    """What a trial has found, and how it tells that."""

    way: Way
    told: str


_found: dict[str, Found] = {}


def key_of(plan: Plan) -> str:
    """What the fastest way hangs on: the network, its batches and optimizer, this machine and the versions."""
    keras = load_keras()
    training = {
        name: value for name, value in asdict(plan.training or Training()).items() if name not in WITHOUT_EFFECT
    }
    backend = keras.backend.backend()
    machine = [repr(this_machine()), os.cpu_count(), platform.machine(), backend, _version(backend), keras.__version__]
    network = [repr([(step.layer, step.inputs) for step in plan.steps]), plan.input_shape, plan.precision]
    return hashlib.blake2b(json.dumps([machine, network, training]).encode(), digest_size=12).hexdigest()


def recall(key: str) -> Found | None:
    """What was found for a key, by this process or by an earlier one."""
    if key not in _found and (known := _read().get(key)) is not None:
        try:
            _found[key] = Found(Way(bool(known["jit"]), max(1, int(known["steps"]))), str(known["told"]))
        except (KeyError, TypeError, ValueError):
            return None
    return _found.get(key)


def remember(key: str, found: Found) -> None:
    """Keep what was found; where the disk does not allow it, for this process."""
    _found[key] = found
    path = _path()
    beside = path.with_name(f".{FILE}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({**_read(), key: asdict(found.way) | {"told": found.told}}, indent=1))
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)


def forget() -> None:
    """Forget what this process has found; what is on disk stays."""
    _found.clear()


def _read() -> dict[str, Any]:
    try:
        told = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _path() -> Path:
    return runs_folder().parent / FILE


def _version(backend: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(backend)
    except metadata.PackageNotFoundError:
        return ""
