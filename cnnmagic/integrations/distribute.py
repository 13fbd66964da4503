"""Trains a run on several devices of this machine, each with a part of every batch, to the numbers of one device."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.fit import fit, put_result
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.snapshot import Snapshot, assign, copied, restore
from cnnmagic.errors import CnnError, RunError
from cnnmagic.events import Command, Event
from cnnmagic.hardware import backend_name, precision_of
from cnnmagic.plans import Plan, Training

BACKENDS = ("tensorflow", "jax")
OLDEST_KERAS = (3, 10)  # 3.2 to 3.7 train wrong on two replicas, 3.8 and 3.9 tell a wrong loss


def devices_of(training: Training) -> list[str]:
    """The devices that share each batch; raises `RunError` where there are fewer than asked for."""
    here = local_devices()
    if training.devices in (None, 0):
        return here
    assert training.devices is not None
    if training.devices > len(here):
        message = f"{training.devices} devices are asked for, and Keras sees {len(here)} here: {', '.join(here)}."
        raise RunError(message, remedy="Write `devices=all`, which takes what there is.")
    return here[: training.devices]


def local_devices() -> list[str]:
    """The GPUs of this machine by their names, else its processor, or the several that it is made to count as."""
    if load_keras().backend.backend() == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return [device.name for device in found]
    import jax

    return list(map(str, jax.local_devices()))


def check_keras(version: str) -> None:
    """Raise `RunError` for a Keras that would train wrong on several replicas."""
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_KERAS:
        message = f"Keras {version} trains wrong on several devices, without a word."
        remedy = 'In a cell of its own: `%pip install "keras>=3.12"`, then restart the kernel; or train on one device.'
        raise RunError(message, remedy=remedy)


def check(plan: Plan) -> int:
    """How many devices a training has on this machine; raises `CnnError` where it can't have what it asks for."""
    training = plan.training or Training()
    check_backend()
    count = len(devices_of(training))
    if count > 1:
        check_keras(load_keras().__version__)
        check_precision(training)
        check_plan(plan)
        if 0 < training.batch_size < count:
            message = f"a batch of {training.batch_size} is not enough for {count} devices."
            raise RunError(message, remedy="Each needs one image of a batch at least: write a larger `batch`.")
    return count


def check_backend() -> None:
    """Raise `CnnError` on a backend on which no batch is shared out."""
    name = backend_name()
    if name not in BACKENDS:
        message = f"a training by Keras on {name} is not shared out yet."
        raise CnnError(message, remedy="Take tensorflow or jax as KERAS_BACKEND, or leave `devices` and `workers` out.")


def check_precision(training: Training) -> None:
    """Raise `RunError` where the precision that `auto` means is float16."""
    if precision_of(training.precision)[0] == "float16":
        message = "float16 is not trained on several devices: each replica would scale its loss in its own way."
        raise RunError(message, remedy="Write `precision=float32`.")


def check_plan(plan: Plan) -> None:
    """Raise `RunError` for what belongs to a batch as a whole."""
    mixing = plan.training.mixing if plan.training else ()
    if mixing:
        names = " and ".join(name for name, _ in mixing)
        message = f"`{names}` mixes the images of a batch, and the batch is shared out."
        raise RunError(message, remedy=f"Take `{names}` away.")
    if None in plan.input_shape and plan.resize is None:
        message = "images of several sizes come in batches of their own, which are not shared out yet."
        raise RunError(message, remedy="Bring them to one size with a line `resize`, such as `resize 64x64`.")


def fit_on_devices(
    model: Any,
    plan: Plan,
    dataset: Any,
    keeper: Keeper,
    emit: Callable[[Event], None],
    commands: queue.SimpleQueue[Command],
    start: Snapshot | None,
    seed: int,
) -> None:
    """Train a twin of the model on several devices; the model gets its weights at the end, however that comes."""
    from cnnmagic.integrations.replicas import Replicas

    training = plan.training or Training()
    names = devices_of(training)
    steps = _steps(model, plan, names)
    trainer = Replicas(steps, model, training, f"{len(names)} {'CPUs' if 'CPU' in names[0].upper() else 'GPUs'}")
    trainer.use(dataset.validation)
    keeper.model = steps.model
    try:
        with steps.scope():
            fit(steps.model, dataset, training, keeper, emit, commands, start, seed, trainer)
    finally:
        take_over(model, training, keeper)


def _steps(model: Any, plan: Plan, names: list[str]) -> Any:
    """The steps of a twin of the model on these devices."""
    if load_keras().backend.backend() == "jax":
        import jax

        from cnnmagic.integrations.steps_jax import JaxSteps

        return JaxSteps(twin_of(model, plan), [device for device in jax.local_devices() if str(device) in names])
    import tensorflow as tf

    from cnnmagic.integrations.steps_tensorflow import TensorflowSteps

    # Between processors TensorFlow's collective operations come in an order that differs by replica, and it aborts.
    by_hand = None if "GPU" in names[0] else tf.distribute.ReductionToOneDevice()
    strategy = tf.distribute.MirroredStrategy(names, cross_device_ops=by_hand)
    with strategy.scope():
        twin = twin_of(model, plan)
        return TensorflowSteps(strategy, twin, plan.training or Training(), tuple(range(len(names))))


def twin_of(model: Any, plan: Plan) -> Any:
    """A model of the same plan and weights, made within the scope of a strategy, ready to train as a replica."""
    from cnnmagic.engine.build import compile_model

    twin = load_keras().models.clone_model(model)
    assign(twin.variables, copied(model.variables))
    assert plan.output is not None  # what is trained has one
    compile_model(twin, plan.training or Training(), plan.output)
    made_replica(twin)
    return twin


def made_replica(model: Any) -> None:
    """Have a model's batch normalization see the whole batch, as it does on JAX anyway, and its optimizer made."""
    for layer in model.layers if load_keras().backend.backend() == "tensorflow" else ():
        if hasattr(layer, "synchronized"):
            layer.synchronized = True
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def take_over(model: Any, training: Training, keeper: Keeper) -> None:
    """Give the model what its twin had learned at the last snapshot."""
    if keeper.last is not None:
        restore(model, keeper.last.variables)
        put_result(model, training, keeper.last.best)
