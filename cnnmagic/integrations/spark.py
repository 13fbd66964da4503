"""Trains a run on a Spark cluster: one barrier job, whose rank 0 feeds the run's events, snapshots and commands.

Its workers share each batch; where the `train` line names none, one worker trains alone, as a trial of a sweep.
"""

from __future__ import annotations

import queue
import secrets
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cnnmagic.datasets import Held
from cnnmagic.events import Command, Event, Finished, Queued
from cnnmagic.hardware import backend_name, precision_of
from cnnmagic.integrations.cluster import (
    Unseen,
    check_allocation,
    check_workers,
    session,
    setting,
    unseen_data,
)
from cnnmagic.integrations.gang import Gang
from cnnmagic.integrations.slots import check_slots
from cnnmagic.integrations.task import Job
from cnnmagic.plans import Plan, Training

EXCHANGE = 0.025  # seconds that two workers need for a step beside its arithmetic, on 2 cores of one machine
SLOW_FLOPS = 2e10  # a second, of a slow machine


def check(plan: Plan) -> tuple[str, ...]:
    """Notes on a training on the cluster; raises `CnnError` where it can't be, before anything of it is begun."""
    from cnnmagic.integrations.distribute import check_backend, check_plan, check_precision

    training = plan.training or Training()
    check_backend()
    check_precision(training)
    check_plan(plan)
    check_cluster(plan, training.workers or 1)
    return advice(plan)


def check_cluster(plan: Plan, workers: int) -> Any:
    """The Spark session; raises `CnnError` where it can't run so many workers, or these can't train on the data."""
    spark = session()
    check_allocation(spark)
    check_slots(spark, workers)
    check_workers(spark, workers, backend_name(), paths_of(plan, workers))
    return spark


def paths_of(plan: Plan, workers: int) -> dict[str, Unseen]:
    """The paths of the data that every worker must see, with the error of each; none where the data are sent.

    Frames of Spark are brought where so many workers have them; raises `CnnError` where that can't be.
    """
    from cnnmagic.engine.folders import local
    from cnnmagic.pipeline import source_at_hand

    source = source_at_hand(plan, workers)
    if isinstance(source, Held):
        from cnnmagic.integrations.frames import kept_in

        return kept_in(source)
    path = getattr(source, "path", None)
    return {} if path is None else {(whole := str(local(path).absolute())): unseen_data(whole)}


def advice(plan: Plan) -> tuple[str, ...]:
    """That one machine is faster, where the exchange takes longer than what it saves."""
    training = plan.training or Training()
    workers = training.workers or 1
    if plan.flops is None or workers == 1:
        return ()
    step = 3 * plan.flops * training.batch_size / SLOW_FLOPS
    if step * (1 - 1 / workers) > EXCHANGE:
        return ()
    return (
        f"a step of this network takes some {1000 * step:.2g} ms of arithmetic, and {workers} workers need "
        f"about {1000 * EXCHANGE:.0f} ms more to exchange their gradients (measured on one machine): "
        "without `workers` it trains faster",
    )


def fit_on_workers(
    run: Any, keeper: Any, emit: Callable[[Event], None], commands: queue.SimpleQueue[Command], start: Any
) -> None:
    """Train a run's model on the cluster; the model gets what the workers had learned, however the training ends.

    Raises `RunError` with the cause where a worker is gone.
    """
    from cnnmagic.integrations.distribute import take_over
    from cnnmagic.integrations.parcel import most_bytes

    training = run.plan.training or Training()
    emit(Queued("the cluster"))
    spark = session()
    host = setting(spark, "spark.driver.host", socket.gethostname())
    if start is not None:
        keeper.hold(start)
    with socket.create_server((setting(spark, "spark.driver.bindAddress", host), 0)) as server:
        job = Job(
            (host, server.getsockname()[1]),
            secrets.token_hex(16),
            training.workers or 1,
            {"KERAS_BACKEND": backend_name()},
            files_of(run, start, most_bytes(spark), keeper.best),
        )
        gang = Gang(job, server, keeper, emit, commands)
        try:
            reason = gang.train(spark, run.name)
        finally:
            gang.close()
            take_over(run.model, training, keeper)
    emit(Finished(reason, time.monotonic()))


def files_of(run: Any, start: Any, most: int, best: float | None = None) -> dict[str, bytes]:
    """What each worker gets: the model's file, the specification, and where they are needed a snapshot and data.

    `best` is the highest score so far. Raises `DataError` where the data take more than `most` bytes.
    """
    from cnnmagic.integrations.draws import draws_of
    from cnnmagic.integrations.specification import Specification, data_of
    from cnnmagic.integrations.wire import packed

    plan, training = run.plan, run.plan.training or Training()
    data, parcel = data_of(plan, run.dataset, most)
    settled = replace(training, precision=precision_of(training.precision)[0])
    specification = Specification(
        name=run.name,
        text=plan.text,
        training=asdict(settled),
        output=asdict(plan.output),
        data=data,
        seed=run.seed,
        seconds=training.checkpoint * 60,
        best=best,
        backend=backend_name(),
        draws=draws_of(run.model),
    )
    with tempfile.TemporaryDirectory(prefix="cnnmagic-") as name:
        path = Path(name, "model.keras")
        run.model.save(path)
        files = {"model.keras": path.read_bytes(), "specification.json": specification.to_json().encode()}
    files |= {"data.npz": parcel} if parcel else {}
    return files | ({"start.npz": packed(start)} if start is not None else {})
