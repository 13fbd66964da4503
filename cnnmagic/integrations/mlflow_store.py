"""Where MLflow keeps what is logged, whether it answers, and how it is kept from writing into the user's cells."""

from __future__ import annotations

import logging
import os
import ssl
import sys
import threading
import urllib.error
import urllib.request
import warnings
from dataclasses import dataclass, field

from cnnmagic.databricks import runtime_of

STORE = "MLFLOW_TRACKING_URI"
SECONDS_FOR_AN_ANSWER = 6.0
NO_EXAMPLE = r".*An input example was not provided"  # MLflow's advice to a caller; the signature is written by hand
MIGRATING = "alembic.runtime.migration"  # its handlers are made when a database is opened, later than ours
TALKING = ("mlflow", "alembic", "sqlalchemy", "huey", "urllib3")


@dataclass(frozen=True)
class Store:
    """A tracking store: `experiment` is empty where MLflow's own rules tell it, `tags` are those of its surroundings.

    `parent` is the run that the user has open, whose child a training becomes.
    """

    uri: str
    experiment: str = ""
    parent: str = ""
    tags: dict[str, str] = field(default_factory=dict)

    def silence(self) -> str | None:
        """Why a server can't be reached, None where it answers anything at all; what is no server always answers.

        MLflow itself asks a silent server again and again for a quarter of an hour.
        """
        if not self.uri.lower().startswith(("http://", "https://")):
            return None
        try:
            urllib.request.urlopen(self.uri, timeout=SECONDS_FOR_AN_ANSWER).close()
        except urllib.error.HTTPError:
            return None
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", error)
            return None if isinstance(why, ssl.SSLError) else f"`{self.uri}` is silent ({why})"
        return None


def find_store() -> Store:
    """The store in force, asked for in the thread of the cell: elsewhere Databricks does not know the notebook."""
    mlflow = sys.modules.get("mlflow")
    if runtime_of():
        import mlflow as on_databricks  # a second, once, where the runtime has not done so

        mlflow = on_databricks
    if mlflow is None:
        return Store(os.environ.get(STORE, ""))
    active = mlflow.active_run()
    parent = active.info.run_id if active is not None else ""
    if not runtime_of():
        return Store(mlflow.get_tracking_uri(), parent=parent)
    return Store(mlflow.get_tracking_uri(), experiment_in_force(), parent, surroundings())


def experiment_in_force() -> str:
    """The experiment that `mlflow.start_run()` would log to; this may ask the store."""
    from mlflow.tracking import fluent

    return str(fluent._get_experiment_id() or "0")  # MLflow has no public name for it


def surroundings() -> dict[str, str]:
    """The tags that MLflow gives to every run: user, notebook, cluster, job."""
    try:
        from mlflow.tracking.context.registry import resolve_tags

        return {name: str(value) for name, value in resolve_tags().items() if value is not None}
    except Exception:  # they are a convenience
        return {}


class _OwnThreads(logging.Filter):
    """Drops what is said in the threads that log: it would appear in whichever cell runs."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread not in self.threads


_own = _OwnThreads()


def be_quiet() -> None:
    """Drop what MLflow and its libraries say in this thread, after they are imported; errors still come as errors."""
    _own.threads.add(threading.get_ident())
    warnings.filterwarnings("ignore", message=NO_EXAMPLE)
    logging.getLogger(MIGRATING).addFilter(_own)
    for name in TALKING:
        for handler in logging.getLogger(name).handlers:
            if _own not in handler.filters:
                handler.addFilter(_own)


def be_heard() -> None:
    """End the quiet of this thread, whose number another may get."""
    _own.threads.discard(threading.get_ident())
