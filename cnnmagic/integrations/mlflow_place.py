"""Which run of MLflow a run is logged to, kept in its folder: what goes on or is registered later finds it again."""

from __future__ import annotations

import json

from cnnmagic.integrations.mlflow_store import Store
from cnnmagic.run import Run

KEPT = "mlflow.json"


def place_of(run: Run, store: Store) -> str:
    """MLflow's name of the run in this store; empty where none is known."""
    if run.tracker is not None and run.tracker.run_id:
        return str(run.tracker.run_id)
    try:
        kept = json.loads((run.folder / KEPT).read_text(encoding="utf-8")) if run.folder is not None else {}
    except (OSError, ValueError):
        return ""
    return str(kept["run_id"]) if kept.get("store") == store.uri else ""


def keep_place(run: Run, store: Store, run_id: str) -> None:
    """Put it down, where the run is kept on disk."""
    if run.folder is None:
        return
    try:
        (run.folder / KEPT).write_text(json.dumps({"store": store.uri, "run_id": run_id}), encoding="utf-8")
    except OSError:  # a later training is logged to a place of its own then
        return
