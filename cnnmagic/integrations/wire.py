"""Events and commands as plain JSON values and back, and snapshots as bytes."""

from __future__ import annotations

import io
import time
from dataclasses import asdict, fields, replace
from typing import Any

from cnnmagic import events
from cnnmagic.events import ClassesSeen, Command, Event, LayerNumbers, LayersSeen


def told(what: Event | Command) -> dict[str, Any]:
    """An event or a command as plain values, its kind under `is`."""
    return {"is": type(what).__name__, **asdict(what)}


def heard(values: dict[str, Any]) -> Any:
    """The event or command of plain values; an event happens now, since another machine has another clock."""
    given = {name: value for name, value in values.items() if name != "is"}
    kind: Any = getattr(events, values["is"])
    if kind is ClassesSeen:
        given["cells"] = tuple(map(tuple, given["cells"]))
    if kind is LayersSeen:
        given["layers"] = tuple(LayerNumbers(**layer) for layer in given["layers"])
    if "classes" in given:
        given["classes"] = tuple(given["classes"])
    what = kind(**given)
    return replace(what, time=time.monotonic()) if "time" in {field.name for field in fields(kind)} else what


def packed(snapshot: Any) -> bytes:
    """A snapshot as the bytes of an `.npz` file."""
    from cnnmagic.engine.checkpoint import write_snapshot_to

    file = io.BytesIO()
    write_snapshot_to(file, snapshot, {})
    return file.getvalue()


def unpacked(body: bytes) -> Any:
    """The snapshot of such bytes."""
    from cnnmagic.engine.checkpoint import read_snapshot_from

    return read_snapshot_from(io.BytesIO(body))[0]
