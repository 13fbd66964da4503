"""Runs in MLflow: whether a training is logged, and a trained model saved to MLflow's registry."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any

from cnnmagic.databricks import runtime_of
from cnnmagic.errors import CnnError, RunError
from cnnmagic.integrations.mlflow_place import keep_place, place_of
from cnnmagic.integrations.mlflow_store import STORE, Store, find_store
from cnnmagic.run import Run
from cnnmagic.state import cause


def tracker_of(run: Run, wanted: bool | None) -> Any:
    """A tracker of the run's next training; None where it is not to be logged. Never fails: it notes what is wrong.

    `wanted` is the cell's word; without one a training is logged where MLflow is there and a tracking store is set.
    """
    if wanted is False or not (wanted or is_set()):
        run.tracker = None
        return None
    from cnnmagic.integrations.mlflow_tracker import Tracker

    try:
        run.tracker = Tracker(run, find_store())
    except Exception as error:  # whatever MLflow raises, a training is not to be harmed by it
        run.note(f"this training is not logged to MLflow ({cause(error)})")
        run.tracker = None
    return run.tracker


def is_set() -> bool:
    """Whether MLflow is installed and is to log: it knows where, as always on Databricks, or logs Keras unasked."""
    if find_spec("mlflow") is None:
        return False
    return bool(os.environ.get(STORE) or runtime_of()) or _set_in_program() or _is_autologging()


def register(run: Run, name: str) -> str:
    """Log the model as it is now to the run's place in MLflow and register it as `name`; returns its version.

    On Databricks the name is that of Unity Catalog, `catalog.schema.model`. Raises `RunError` where it can't be.
    """
    from cnnmagic.integrations.mlflow_model import log_model
    from cnnmagic.integrations.mlflow_records import Log

    if find_spec("mlflow") is None:
        raise RunError("MLflow is not installed here.", remedy="In a cell of its own: `%pip install mlflow`.")
    run.wait_until_usable()
    run.wait()
    store: Store = find_store()
    if (silence := store.silence()) is not None:
        raise RunError(f"MLflow's store does not answer: {silence}.", remedy=f"It is `{store.uri}` ({STORE}).")
    try:
        logged = place_of(run, store)
        log = Log(run, store, logged)
        try:
            if log.run_id != logged:
                log.whole()
                keep_place(run, store, log.run_id)
            return log_model(run, log.run_id, name)
        finally:
            log.close(run.state)
    except CnnError:
        raise
    except Exception as error:
        remedy = "On Databricks a name is `catalog.schema.model`, of a schema in which you may create models."
        raise RunError(f"MLflow can't register `{name}`: {cause(error)}", remedy=remedy) from error


def _is_autologging() -> bool:
    """Whether the user's own code has MLflow log every `fit` of Keras; a training here logs itself instead."""
    utils = sys.modules.get("mlflow.utils.autologging_utils")
    is_disabled = getattr(utils, "autologging_is_disabled", None)
    return is_disabled is not None and not (is_disabled("keras") and is_disabled("tensorflow"))


def _set_in_program() -> bool:
    """Whether the user's own code has told MLflow where to log."""
    mlflow = sys.modules.get("mlflow")
    told = getattr(getattr(mlflow, "tracking", None), "is_tracking_uri_set", None)
    return bool(told is not None and told())
