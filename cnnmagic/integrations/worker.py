"""The process of one rank: `python -m cnnmagic.integrations.worker FOLDER` trains its part of every batch, or all.

It lives no longer than the task that started it, which holds its standard input open, nor than the driver. A task that
Spark kills can't remove its folder: then the rank does.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cnnmagic.errors import CnnError
from cnnmagic.events import Event, Reading
from cnnmagic.integrations.accord import accord_of
from cnnmagic.integrations.lines import Line, LineBroken, call
from cnnmagic.integrations.wire import heard, told, unpacked

ORPHANED, FAILED = 3, 4
SECONDS_TO_SEND = 0.2
TWO_PROCESSORS = "--xla_force_host_platform_device_count=2"  # what JAX counts the processor as; not a GPU


def main(folder: Path) -> None:
    """Train as the folder's files say, and end this process."""
    place = json.loads((folder / "place.json").read_text(encoding="utf-8"))
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    hello = {"secret": place["secret"], "rank": place["rank"], "pid": os.getpid(), "host": socket.gethostname()}
    driver = call((place["driver"][0], place["driver"][1]), hello)
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(driver, asked, folder), daemon=True).start()
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
    from cnnmagic.integrations.specification import from_json
    from cnnmagic.plans import Training

    specification = from_json((folder / "specification.json").read_text(encoding="utf-8"))
    training = Training(**specification.training)
    start = unpacked(body) if (body := _bytes(folder / "start.npz")) else None
    if training.workers is None:
        _train_alone(folder, specification, training, driver, asked, start)
    else:
        _train_together(folder, place, specification, training, driver, asked, start)


def _train_alone(folder: Path, specification: Any, training: Any, driver: Line, asked: Any, start: Any) -> None:
    """Train all of every batch, as a machine that has no others does: by Keras's own `fit`."""
    from cnnmagic.engine.fit import fit
    from cnnmagic.engine.reading import read_all
    from cnnmagic.engine.trainer import KerasTrainer
    from cnnmagic.integrations.remote_keeper import RemoteKeeper
    from cnnmagic.integrations.specification import dataset_of

    model = _model(folder, specification, training)
    dataset = dataset_of(specification, _bytes(folder / "data.npz"))
    emit = _emit(driver)
    dataset = read_all(dataset, lambda done, whole: emit(Reading(done, whole))) or dataset
    keeper = RemoteKeeper(model, specification, driver, specification.seconds or float("inf"))
    trainer = KerasTrainer(model, dataset.validation, training.batch_size)
    trainer.device = f"{trainer.device} of {socket.gethostname()}"
    fit(model, dataset, training, keeper, emit, asked, start, specification.seed, trainer)


def _train_together(
    folder: Path, place: dict[str, Any], specification: Any, training: Any, driver: Line, asked: Any, start: Any
) -> None:
    """Train this rank's part of every batch, in step with the others."""
    from cnnmagic.engine.fit import fit
    from cnnmagic.integrations.remote_keeper import RemoteKeeper
    from cnnmagic.integrations.specification import dataset_of

    leads = place["rank"] == 0
    replicas = _replicas(folder, place, specification, training)
    dataset = dataset_of(specification, _bytes(folder / "data.npz"))
    keeper = RemoteKeeper(replicas.model, specification, driver if leads else None, float("inf"))
    accord: Any = accord_of(place, keeper, asked, specification.seconds)  # a loop uses it as the queue it stands for
    replicas.use(dataset.validation, accord)
    emit = _emit(driver) if leads else lambda event: None
    with replicas.steps.scope():
        fit(replicas.model, dataset, training, keeper, emit, accord, start, specification.seed, replicas)


def _emit(driver: Line) -> Callable[[Event], None]:
    """What tells the driver of events."""
    return lambda event: driver.send({"kind": "event", **told(event)})


def _model(folder: Path, specification: Any, training: Any) -> Any:
    """The model that the driver sent."""
    from cnnmagic.engine.backend import load_keras
    from cnnmagic.engine.build import compile_model
    from cnnmagic.integrations.draws import put_draws
    from cnnmagic.plans import Output

    model = load_keras().models.load_model(folder / "model.keras", compile=False)
    put_draws(model, specification.draws)
    compile_model(model, training, Output(**specification.output))
    return model


def _replicas(folder: Path, place: dict[str, Any], specification: Any, training: Any) -> Any:
    """The replicas of the model that the driver sent, of which this process has its part."""
    from cnnmagic.engine.backend import device_name
    from cnnmagic.integrations.replicas import Replicas

    model = partial(_model, folder, specification, training)
    steps = (_jax_steps if specification.backend == "jax" else _tensorflow_steps)(model, place, training)
    device = "CPU" if device_name() == "CPU" else "GPU"
    workers = place["workers"]
    where = f"{workers} workers, each {device}" if workers > 1 else f"1 worker, {device}"
    return Replicas(steps, model(), training, where)


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

    if place["workers"] > 1:
        jax.distributed.initialize(place["first"], place["workers"], place["rank"])
    else:  # a lone processor adds up a batch by halves as two do, so that their numbers are the same to the bit
        os.environ["XLA_FLAGS"] = f"{TWO_PROCESSORS} {os.environ.get('XLA_FLAGS', '')}"
    made = model()
    made_replica(made)
    return JaxSteps(made, jax.devices())


def _cause(error: BaseException) -> dict[str, Any]:
    if isinstance(error, CnnError):
        problem = error.problems[0]
        return {"error": problem.message, "reason": problem.reason, "remedy": problem.remedy}
    trace = "".join(traceback.format_exception(error))
    return {"error": f"{type(error).__name__}: {str(error).strip()[:600]}", "reason": "", "remedy": "", "trace": trace}


def _end_with_parent(folder: Path) -> None:
    while sys.stdin.buffer.read(1):
        pass
    _leave(folder)


def _hear(driver: Line, asked: queue.SimpleQueue[Any], folder: Path) -> None:
    """Put down what the user asks for; without the driver there is nothing left to do."""
    try:
        while True:
            asked.put(heard(driver.receive()[0]))
    except LineBroken:
        _leave(folder)


def _leave(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(ORPHANED)


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


if __name__ == "__main__":
    main(Path(sys.argv[1]))
