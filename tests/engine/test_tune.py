"""The trial before a training: what it chooses, and that it leaves no trace but its choice."""

import math
import pickle
import queue
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic.engine import tune as tuning
from cnnmagic.engine import tuned
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.snapshot import Variables, Way, take, way_of
from cnnmagic.engine.tuned import Found
from cnnmagic.events import Attend, Command, Noted, Pause, SetLearningRate, Stop, Watch
from cnnmagic.lifecycle import work_of
from cnnmagic.pipeline import build_model, load_data, make_plan
from cnnmagic.run import Run

keras = load_keras()
TENSORFLOW = keras.backend.backend() == "tensorflow"
NET = "data digits\nseed 5\nconv 4 3x3 same bn relu\ndropout 0.2\nflatten\noutput\n"
LONG = "train epochs=900 batch=32"


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of choices of its own for each test."""
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path / "runs"))
    tuned.forget()
    return tmp_path / tuned.FILE


def tried(train: str, seconds: dict[Way, float], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[str]]:
    """The model after a trial in which the ways take so many seconds a batch, and the notes."""
    plan = make_plan(NET + train, {})
    model = build_model(plan)
    told: list[Any] = []

    def measured(trial: Any, way: Way) -> float:
        tuning.use(model, way)
        trial.functions[way] = None
        return seconds.get(way, math.inf)

    monkeypatch.setattr(tuning._Trial, "seconds", measured)
    tuning.tune(model, plan, load_data(plan), queue.SimpleQueue(), told.append)
    return model, [event.text for event in told if isinstance(event, Noted)]


DEFAULT = Way(jit=not TENSORFLOW)
CHOICES: dict[str, tuple[str, dict[Way, float], Way, str]] = {
    "short": ("train epochs=2", {}, DEFAULT, ""),
    "shorter than thought": (LONG, {DEFAULT: 1e-5}, DEFAULT, ""),
    "forbidden": (f"{LONG} tune=no", {DEFAULT: 1.0}, DEFAULT, ""),
    "many steps": (
        LONG,
        {DEFAULT: 2e-3, Way(DEFAULT.jit, 16): 1e-3},
        Way(DEFAULT.jit, 16),
        "trial: running 16 steps at once is taken: 1 ms a batch against 2 ms",
    ),
    "steps that a Stop can wait for": (
        LONG,
        {DEFAULT: 1e-2, Way(DEFAULT.jit, 5): 5e-3},
        Way(DEFAULT.jit, 5),
        f"trial: {'XLA fails; ' * TENSORFLOW}running 5 steps at once is taken: 5 ms a batch against 10 ms",
    ),
    "steps of no use": (
        LONG,
        {DEFAULT: 2e-3, Way(DEFAULT.jit, 16): 1.95e-3},
        DEFAULT,
        "trial: running 16 steps at once is not: 1.95 ms a batch against 2 ms",
    ),
    "long steps": (LONG, {DEFAULT: 0.04}, DEFAULT, "trial: XLA fails" * TENSORFLOW),
}
if TENSORFLOW:
    CHOICES["xla"] = (
        LONG,
        {DEFAULT: 0.08, Way(True): 0.06},
        Way(True),
        "trial: XLA is taken: 60 ms a batch against 80 ms",
    )
    CHOICES["xla hardly faster"] = (
        LONG,
        {DEFAULT: 0.08, Way(True): 0.075},
        DEFAULT,
        "trial: XLA is not: 75 ms a batch against 80 ms",
    )


@pytest.mark.parametrize("name", CHOICES)
def test_choice(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    train, seconds, way, note = CHOICES[name]
    model, notes = tried(train, seconds, monkeypatch)
    assert (bool(model.jit_compile), model.steps_per_execution) == (way.jit, way.steps)
    assert "; ".join(notes) == note


def test_a_choice_is_remembered(monkeypatch: pytest.MonkeyPatch, memory: Path) -> None:
    seconds = {DEFAULT: 2e-3, Way(DEFAULT.jit, 16): 1e-3}
    _, first = tried(LONG, seconds, monkeypatch)
    tuned.forget()  # as a new kernel has
    model, again = tried(LONG, {}, monkeypatch)
    assert (model.steps_per_execution, again) == (16, first)
    memory.write_text("{")
    tuned.forget()
    assert tried(LONG, {DEFAULT: 1e-5}, monkeypatch)[1] == []


def test_a_resumed_training_takes_its_way_and_no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(NET + LONG, {})
    monkeypatch.setattr(tuning._Trial, "seconds", None)
    for steps in (1, 4):
        model = build_model(plan)
        told: list[Any] = []
        began = Way(DEFAULT.jit, steps)
        tuning.tune(model, plan, load_data(plan), queue.SimpleQueue(), told.append, began)
        assert (way_of(model), told) == (began, [])
        tuned.remember(tuned.key_of(plan), Found(Way(DEFAULT.jit, 8), "trial"))


def test_what_a_choice_hangs_on() -> None:
    texts = [NET + LONG, NET + LONG.replace("32", "64"), NET.replace("same", "") + LONG, NET + f"{LONG} sgd"]
    assert len({tuned.key_of(make_plan(text, {})) for text in texts}) == 4
    assert tuned.key_of(make_plan(NET + LONG, {})) == tuned.key_of(make_plan(NET + "train epochs=7 batch=32", {}))


def equal(one: Variables, other: Variables) -> bool:
    pairs = zip((*one.model, *one.optimizer), (*other.model, *other.optimizer), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("words", ["", " ema=0.9", " precision=float16 schedule=cosine"])
def test_a_trial_leaves_no_trace(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "WINDOW", 0.01)
    monkeypatch.setattr(tuning, "ROUNDS", 1)
    monkeypatch.setattr(tuning, "SHORTEST_TRAINING", 0.0)
    monkeypatch.setattr(tuning, "LONGEST_EXECUTION", 1e6)  # whatever the machine's speed, several steps are tried
    monkeypatch.setattr(tuning._Trial, "_other_jit", lambda *_: None)
    plan = make_plan(NET + LONG + words, {})
    model, dataset = build_model(plan), load_data(plan)
    model.optimizer.build(model.trainable_variables)
    before, python, numpy = take(model), random.getstate(), pickle.dumps(np.random.get_state())
    tuning.tune(model, plan, dataset, queue.SimpleQueue(), lambda event: None)
    assert tuned.recall(tuned.key_of(plan)) is not None, "there was a trial"
    assert equal(before, take(model))
    assert random.getstate() == python
    assert pickle.dumps(np.random.get_state()) == numpy
    assert not any(np.any(np.asarray(variable)) for variable in model.metrics_variables)


def test_a_tuned_training_gives_the_numbers_of_an_untuned_one(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(NET + "train epochs=2 batch=64", {})
    histories = []
    for steps in (1, 4):
        monkeypatch.setattr(tuning, "too_short", lambda *_: False)
        tuned.remember(tuned.key_of(plan), Found(Way(DEFAULT.jit, steps), "trial: told"))
        run = Run("net", plan, build_model(plan), load_data(plan))
        run.start(work_of(run))
        run.wait(60)
        assert "trial: told" in run.state.notes
        histories.append([run.history[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy")])
    assert histories[0] == histories[1]


def asked_within(commands: list[Command], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, list[Any], list[str]]:
    """A model before and after a trial in which these come, the commands left, and the notes."""
    monkeypatch.setattr(tuning, "WINDOW", 0.01)
    monkeypatch.setattr(tuning, "SHORTEST_TRAINING", 0.0)
    monkeypatch.setattr(tuning, "LONGEST_EXECUTION", 1e6)
    monkeypatch.setattr(tuning, "WORTH", {"jit": 0.0, "steps": 0.0})  # whatever is tried is taken
    monkeypatch.setattr(tuning._Trial, "_other_jit", lambda *_: None)
    plan = make_plan(NET + LONG, {})
    model, asked = build_model(plan), queue.SimpleQueue[Any]()
    measured, seconds = list[Way](), tuning._Trial.seconds

    def meanwhile(trial: Any, way: Way) -> float:
        measured.append(way)
        if len(measured) == 3:  # a candidate's turn: the first way has been measured alone, and again beside it
            assert way.steps > 1
            for command in commands:
                asked.put(command)
        return seconds(trial, way)

    monkeypatch.setattr(tuning._Trial, "seconds", meanwhile)
    told: list[Any] = []
    before = way_of(model)
    tuning.tune(model, plan, load_data(plan), asked, told.append)
    assert len(measured) >= 3
    ways = before, way_of(model)
    return ways, [asked.get() for _ in range(asked.qsize())], [event.text for event in told]


@pytest.mark.parametrize("last", [Stop(), Pause()])
def test_a_trial_that_is_broken_off_leaves_the_way_as_it_was(last: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[Command] = [Attend(True), last]
    (before, after), left, notes = asked_within(commands, monkeypatch)
    assert (after, left, notes) == (before, commands, [])


def test_what_can_wait_breaks_no_trial_off(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[Command] = [Attend(True), Watch("classes"), SetLearningRate(0.5)]
    (before, after), left, notes = asked_within(commands, monkeypatch)
    assert after.steps > before.steps and left == commands and "steps at once is taken" in notes[0]


def test_a_trial_that_fails_leaves_the_way_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan(NET + LONG, {})
    model = build_model(plan)

    def failing(trial: Any, way: Way) -> float:
        tuning.use(model, way)
        if way != DEFAULT:
            raise ValueError("no")
        return 2e-3

    monkeypatch.setattr(tuning._Trial, "seconds", failing)
    tuning.tune(model, plan, load_data(plan), queue.SimpleQueue(), lambda event: None)
    assert way_of(model) == DEFAULT


def test_a_command_ends_the_trial() -> None:
    plan = make_plan(NET + LONG, {})
    commands: queue.SimpleQueue[Any] = queue.SimpleQueue()
    commands.put(Stop())
    told: list[Any] = []
    tuning.tune(build_model(plan), plan, load_data(plan), commands, told.append)
    assert (told, commands.qsize(), tuned.recall(tuned.key_of(plan))) == ([], 1, None)
