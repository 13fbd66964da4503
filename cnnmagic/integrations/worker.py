"""The process of one rank: `python -m cnnmagic.integrations.worker FOLDER` trains its part of every batch.

It lives no longer than the task that started it, which holds its standard input open, nor than the driver.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cnnmagic.errors import CnnError
from cnnmagic.integrations.accord import Accord, Follower, Leader
from cnnmagic.integrations.lines import Line, LineBroken, answered, call
from cnnmagic.integrations.wire import heard, packed, told, unpacked

ORPHANED, FAILED = 3, 4
SECONDS_TO_SEND = 0.2


def main(folder: Path) -> None:
    """Train as the folder's files say, and end this process."""
    place = json.loads((folder / "place.json").read_text(encoding="utf-8"))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    hello = {"secret": place["secret"], "rank": place["rank"], "pid": os.getpid(), "host": socket.gethostname()}
    driver = call((place["driver"][0], place["driver"][1]), hello)
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(driver, asked), daemon=True).start()
    code = 0
    try:
        train(folder, place, driver, asked)
        driver.send({"kind": "bye"})
    except BaseException as error:
        code = FAILED
        driver.send({"kind": "failed", **_cause(error)})
    time.sleep(SECONDS_TO_SEND)
    os._exit(code)  # the backend's threads may wait for ranks that are gone


def train(folder: Path, place: dict[str, Any], driver: Line, asked: queue.SimpleQueue[Any]) -> None:
    """Train rank `place["rank"]` of all; rank 0 tells the driver how it goes."""
    from cnnmagic.engine.fit import fit
    from cnnmagic.integrations.specification import dataset_of, from_json
    from cnnmagic.plans import Training

    specification = from_json((folder / "specification.json").read_text(encoding="utf-8"))
    training, leads = Training(**specification.training), place["rank"] == 0
    replicas = _replicas(folder, place, specification, training)
    dataset = dataset_of(specification, _bytes(folder / "data.npz"))
    start = unpacked(body) if (body := _bytes(folder / "start.npz")) else None
    keeper = _keeper(replicas.model, specification, driver if leads else None)
    accord = _accord(place, keeper, asked, specification.seconds)
    replicas.use(dataset.validation, accord)
    with replicas.steps.scope():
        fit(
            replicas.model,
            dataset,
            training,
            keeper,
            (lambda event: driver.send({"kind": "event", **told(event)})) if leads else (lambda event: None),
            accord,  # type: ignore[arg-type]  # a loop uses it as the queue that it stands for
            start,
            specification.seed,
            replicas,
        )


def _replicas(folder: Path, place: dict[str, Any], specification: Any, training: Any) -> Any:
    """The replicas of the model that the driver sent, of which this process has its part."""
    from cnnmagic.engine.backend import device_name, load_keras
    from cnnmagic.engine.build import compile_model
    from cnnmagic.integrations.replicas import Replicas
    from cnnmagic.plans import Output

    keras = load_keras()

    def model() -> Any:
        found = keras.models.load_model(folder / "model.keras", compile=False)
        compile_model(found, training, Output(**specification.output))
        return found

    steps = (_jax_steps if specification.backend == "jax" else _tensorflow_steps)(model, place, training)
    device = "CPU" if device_name() == "CPU" else "GPU"
    return Replicas(steps, model(), training, f"{place['workers']} workers, each {device}")


def _tensorflow_steps(model: Callable[[], Any], place: dict[str, Any], training: Any) -> Any:
    import tensorflow as tf

    from cnnmagic.integrations.distribute import made_replica
    from cnnmagic.integrations.steps_tensorflow import TensorflowSteps

    strategy = tf.distribute.MultiWorkerMirroredStrategy()  # before anything else that TensorFlow does
    with strategy.scope():
        made = model()
        made_replica(made)
        each = strategy.num_replicas_in_sync // place["workers"]
        ranks = tuple(range(each * place["rank"], each * (place["rank"] + 1)))
        return TensorflowSteps(strategy, made, training, ranks)


def _jax_steps(model: Callable[[], Any], place: dict[str, Any], training: Any) -> Any:
    import jax

    from cnnmagic.integrations.distribute import made_replica
    from cnnmagic.integrations.steps_jax import JaxSteps

    jax.distributed.initialize(place["first"], place["workers"], place["rank"])
    made = model()
    made_replica(made)
    return JaxSteps(made, jax.devices())


def _keeper(model: Any, specification: Any, driver: Line | None) -> Any:
    """Keeps the last snapshot in memory; rank 0 has the driver write it."""
    from cnnmagic.engine.keeper import Keeper
    from cnnmagic.engine.snapshot import Position, Snapshot, Variables, copied
    from cnnmagic.state import RunState

    class Remote(Keeper):
        def hold(self, snapshot: Snapshot) -> None:
            super().hold(snapshot)
            if driver is not None:
                driver.send({"kind": "snapshot"}, packed(snapshot))

        def keep_best(self, epoch: int, score: float) -> None:
            if driver is None or (self.best is not None and score <= self.best):
                return
            self.best = score
            weights = Snapshot(Position(), Variables(copied(self.model.variables), (), ()))
            driver.send({"kind": "best", "epoch": epoch, "score": score}, packed(weights))

    keeper = Remote(model, None, float("inf"), lambda: RunState(specification.name), lambda text: None)
    keeper.best = specification.best
    return keeper


def _accord(place: dict[str, Any], keeper: Any, asked: queue.SimpleQueue[Any], seconds: float) -> Accord:
    """How this rank agrees with the others: rank 0 answers the lines of all of them."""

    def keep() -> None:
        keeper.overdue = True

    if place["rank"]:
        return Follower(keep, _called(place))
    with socket.create_server((place["meeting"][0], place["meeting"][1])) as server:
        others: list[Line] = []
        while len(others) < place["workers"] - 1:
            if (found := answered(server, place["secret"])) is not None:
                others.append(found[0])
    return Leader(keep, asked, others, lambda: time.monotonic() - keeper.kept_at >= (seconds or float("inf")))


def _called(place: dict[str, Any]) -> Line:
    """The line to rank 0, as soon as that is there."""
    end = time.monotonic() + 60
    while True:
        try:
            return call((place["meeting"][0], place["meeting"][1]), {"secret": place["secret"], "rank": place["rank"]})
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def _cause(error: BaseException) -> dict[str, Any]:
    if isinstance(error, CnnError):
        problem = error.problems[0]
        return {"error": problem.message, "reason": problem.reason, "remedy": problem.remedy}
    trace = "".join(traceback.format_exception(error))
    return {"error": f"{type(error).__name__}: {str(error).strip()[:600]}", "reason": "", "remedy": "", "trace": trace}


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(ORPHANED)


def _hear(driver: Line, asked: queue.SimpleQueue[Any]) -> None:
    """Put down what the user asks for; without the driver there is nothing left to do."""
    try:
        while True:
            asked.put(heard(driver.receive()[0]))
    except LineBroken:
        os._exit(ORPHANED)


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
