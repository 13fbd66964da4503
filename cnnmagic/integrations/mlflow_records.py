"""What MLflow keeps of a run: parameters, tags, cell and plan, metrics of every epoch, the picture of the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from cnnmagic.integrations.mlflow_store import Store, experiment_in_force, surroundings
from cnnmagic.layers import show
from cnnmagic.plans import Training
from cnnmagic.recorder import versions
from cnnmagic.run import Run
from cnnmagic.state import RunState

LONGEST_VALUE, LONGEST_TAG = 500, 5_000  # characters that every version of MLflow takes
MOST_METRICS = 1_000  # of one request
NOT_LOGGED = ("mlflow", "tune", "checkpoint", "precision", "mixing")
ENDS = {"failed": "FAILED"}


class Log:
    """One run in MLflow's store; every method may ask the store, and raises what MLflow raises.

    `run_id` names an earlier one to go on with; a new one is made where it is empty, or gone.
    """

    def __init__(self, run: Run, store: Store, run_id: str = ""):
        from mlflow import MlflowClient

        self.run = run
        self.client = MlflowClient(tracking_uri=store.uri or None)
        self.run_id = run_id if run_id and self._goes_on(run_id) else ""
        if not self.run_id:
            experiment = store.experiment or experiment_in_force()
            tags = (store.tags or surroundings()) | ({"mlflow.parentRunId": store.parent} if store.parent else {})
            self.run_id = self.client.create_run(experiment, run_name=run.name, tags=tags).info.run_id
            self._introduce()

    def _goes_on(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            self.client.update_run(run_id, status="RUNNING")
        except MlflowException:
            return False
        return True

    def _introduce(self) -> None:
        from mlflow.entities import RunTag

        cell = f"%%cnn {self.run.name}\n{self.run.plan.text.strip()}\n"
        tags = {"mlflow.note.content": f"```\n{cell}```"[:LONGEST_TAG]}
        tags |= {f"version.{name}": version for name, version in versions().items()}
        self.client.log_batch(self.run_id, tags=[RunTag(name, value) for name, value in tags.items()])
        self.client.log_text(self.run_id, cell, "cell.cnn")
        self.client.log_text(self.run_id, f"{self.run.plan}\n", "plan.txt")
        self.client.log_text(self.run_id, json.dumps(versions(), indent=1) + "\n", "versions.json")

    def parameters(self, state: RunState) -> None:
        """Log what the training was set to, once it is known what its automatic settings are."""
        from mlflow.entities import Param

        told = {name: str(value)[:LONGEST_VALUE] for name, value in _parameters(self.run, state)}
        self.client.log_batch(self.run_id, params=[Param(name, value) for name, value in told.items()])

    def epochs(self, records: Sequence[tuple[int, Mapping[str, float]]]) -> None:
        """Log the records of epochs, each with its number from 1 as MLflow's step."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [
            Metric(name, float(value), now, epoch) for epoch, record in records for name, value in record.items()
        ]
        for start in range(0, len(metrics), MOST_METRICS):
            self.client.log_batch(self.run_id, metrics=metrics[start : start + MOST_METRICS])

    def ending(self, state: RunState) -> None:
        """Log how it ended, with the picture."""
        from cnnmagic.ui.picture import picture

        self.client.set_tag(self.run_id, "phase", state.phase)
        if state.failure:
            self.client.set_tag(self.run_id, "failure", state.failure)
        self.client.log_text(self.run_id, picture(state), "picture.svg")

    def close(self, state: RunState) -> None:
        """Tell MLflow that nothing more comes."""
        self.client.set_terminated(self.run_id, ENDS.get(state.phase, "FINISHED"))

    def whole(self) -> None:
        """Log all of a run that is over, but not the model."""
        state = self.run.state
        self.parameters(state)
        self.epochs(list(enumerate(state.history, start=1)))
        self.ending(state)


def _parameters(run: Run, state: RunState) -> Iterator[tuple[str, Any]]:
    plan, data = run.plan, run.dataset
    training = asdict(plan.training or Training())
    yield from ((name, value) for name, value in training.items() if value is not None and name not in NOT_LOGGED)
    yield from (plan.training or Training()).mixing
    yield "precision", state.precision
    yield "device", state.device
    yield "seed", run.seed
    yield "data", plan.source
    yield "input", show(plan.input_shape)
    yield "parameters", plan.parameters
    yield "classes", len(data.classes)
    yield from ((f"{split}_images", len(getattr(data, split))) for split in ("train", "validation", "test"))
