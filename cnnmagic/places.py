"""Where a plan is trained: on this machine's one device, on several of them, or on a Spark cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnmagic.plans import Plan, Training
from cnnmagic.run import Run

Train = Callable[[Run, Any, Callable[[Any], None], Any, Any], None]


def check_places(plan: Plan) -> tuple[str, ...]:
    """Notes on where a plan is to be trained; raises `CnnError` where it can't be."""
    training = plan.training or Training()
    if training.workers is not None:
        from cnnmagic.integrations.spark import check

        return check(plan)
    on_devices(plan)
    return ()


def train_in_place(run: Run, keeper: Any, emit: Callable[[Any], None], commands: Any, start: Any) -> None:
    """Train where the `train` line says: on the Spark cluster, on all devices, or as Keras does it."""
    training = run.plan.training or Training()
    if training.workers is not None:
        from cnnmagic.integrations.spark import fit_on_workers

        fit_on_workers(run, keeper, emit, commands, start)
    elif on_devices(run.plan):
        from cnnmagic.integrations.distribute import fit_on_devices

        fit_on_devices(run.model, run.plan, run.dataset, keeper, emit, commands, start, run.seed)
    else:
        from cnnmagic.engine.fit import fit
        from cnnmagic.engine.tune import tune

        tune(run.model, run.plan, run.dataset, commands, emit, start and start.way)
        fit(run.model, run.dataset, training, keeper, emit, commands, start, run.seed)


def on_devices(plan: Plan) -> bool:
    """Whether several devices of this machine share each batch; raises `CnnError` where that can't be."""
    training = plan.training or Training()
    if training.devices in (None, 1):
        return False
    from cnnmagic.integrations.distribute import check

    return check(plan) > 1
