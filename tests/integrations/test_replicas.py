"""Replicas in several processes: they decide by the same numbers."""

import queue
import socket
from typing import Any

import pytest

from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.clock import Clock
from cnnmagic.engine.feed import Feed
from cnnmagic.engine.keeper import Keeper
from cnnmagic.engine.snapshot import Position
from cnnmagic.integrations.accord import Accord, Follower, Leader
from cnnmagic.integrations.lines import answered, call
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.plans import Training
from cnnmagic.state import RunState

if load_keras().backend.backend() != "tensorflow":
    pytest.skip("the steps are TensorFlow's", allow_module_level=True)


def judged(accord: Accord, off: float) -> tuple[dict[str, float], dict[str, float]]:
    """What a rank whose weights are a little off judges by, and what Keras finds for these weights."""
    import tensorflow as tf

    from cnnmagic.engine.loop import Loop
    from cnnmagic.integrations.replicas import Replicas
    from cnnmagic.integrations.steps_tensorflow import TensorflowSteps

    plan = make_plan("data digits\nconv 4 3x3 relu\nflatten\noutput\nseed 1\ntrain early_stop=2", {})
    training = plan.training or Training()
    model, dataset = build_model(plan), load_data(plan)
    model.set_weights([weight + off for weight in model.get_weights()])
    keeper = Keeper(model, None, float("inf"), lambda: RunState(name="net"), lambda note: None)
    model.optimizer.build(model.trainable_variables)
    keeper.keep(Position())
    feed = Feed(dataset.train.images, dataset.train.labels, training.batch_size, 0)
    clock = Clock(len(dataset.train), training.batch_size, feed.batches, training.epochs)
    commands: queue.SimpleQueue[Any] = queue.SimpleQueue()
    steps = TensorflowSteps(tf.distribute.OneDeviceStrategy("CPU:0"), model, training, (0,))
    replicas = Replicas(steps, model, training, "CPU")
    replicas.use(dataset.validation, accord)
    numbers = replicas.judge(Loop(model, training, feed, clock, keeper, lambda event: None, commands))
    alone = model.evaluate(dataset.validation.images, dataset.validation.labels, verbose=0, return_dict=True)
    return numbers, {f"val_{name}": value for name, value in alone.items()}


def test_all_judge_an_epoch_by_the_first_one_s_numbers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = call(server.getsockname(), {"secret": "word"})
        answer = answered(server, "word")
    assert answer is not None
    first, found = judged(Leader(lambda: None, queue.SimpleQueue(), [answer[0]], lambda: False), 0.0)
    assert first == pytest.approx(found, abs=1e-5)
    second, other = judged(Follower(lambda: None, line), 0.01)
    assert other["val_loss"] != pytest.approx(found["val_loss"], abs=1e-5)
    assert second == first
