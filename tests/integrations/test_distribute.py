"""Two devices of one machine train to the numbers of one, and what can't be shared out is refused in words."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cnnmagic.errors import CnnError, PlanError, RunError
from cnnmagic.integrations.distribute import check_keras, check_plan, check_precision
from cnnmagic.pipeline import make_plan
from cnnmagic.plans import Training
from tests.integrations.recipes import RANDOM_LAYERS, RECIPES, text_of

ROOT = Path(__file__).parents[2]
LATE = 600.0


@pytest.mark.long
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_devices_give_the_numbers_of_one(backend: str) -> None:
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)}
    texts = list(map(text_of, RECIPES))
    command = [sys.executable, str(Path(__file__).with_name("two_devices.py")), *texts]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LATE, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(texts) + 1, done.stderr[-2000:]
    for text, told in zip(texts, lines[:-1], strict=True):
        assert told["device"] == "2 CPUs"
        assert told["phases"][0] == told["phases"][1] and told["epochs"][0] == told["epochs"][1]
        assert told["weights"] < 1e-5 and told["history"] < 1e-5
        assert bool(told["seen"]) != text.endswith("validation=0")
        assert told["test"][0] == pytest.approx(told["test"][1], abs=1e-5)
    assert "3 devices are asked for, and Keras sees 2 here" in lines[-1]


@pytest.mark.parametrize("version, wrong", [("3.7.0", True), ("3.9.2", True), ("3.10.0", False), ("4.0", False)])
def test_a_keras_that_trains_wrong_on_several_devices_is_refused(version: str, wrong: bool) -> None:
    if not wrong:
        return check_keras(version)
    with pytest.raises(RunError, match=f"Keras {version} trains wrong on several devices"):
        check_keras(version)


@pytest.mark.parametrize(
    "words, told",
    [
        ("workers=2 devices=all", "`devices` is for one machine alone"),
        ("workers=2 precision=float16", "float16 is not trained with `workers`"),
        ("devices=all precision=float16", "float16 is not trained with `devices`"),
        ("workers=64 batch=32", "a batch of 32 is not enough for 64 workers"),
        ("devices=none", "`none` is not a whole number above 0, or `all`"),
    ],
)
def test_a_train_line_that_cannot_be_shared_out(words: str, told: str) -> None:
    with pytest.raises(PlanError, match=told):
        make_plan(f"data digits\nflatten\noutput\ntrain {words}", {})


@pytest.mark.parametrize(
    "text, told",
    [
        ("data digits\naugment mixup\nflatten\noutput\ntrain", "`mixup` mixes the images of a batch"),
        ("input ?x?x1\nconv 8 3x3\nglobalavgpool\noutput 10", "images of several sizes"),
    ],
)
def test_a_plan_that_cannot_be_shared_out(text: str, told: str) -> None:
    with pytest.raises(CnnError, match=told):
        check_plan(make_plan(text, {}))


def test_float16_by_itself_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNMAGIC_HARDWARE", "gpu=7.5")
    from cnnmagic.hardware import this_machine

    this_machine.cache_clear()
    try:
        with pytest.raises(RunError, match="float16 is not trained on several devices"):
            check_precision(Training())
    finally:
        this_machine.cache_clear()


@pytest.mark.long
def test_on_jax_two_workers_are_one_and_two_devices_bit_for_bit() -> None:
    for package in ("jax", "pyspark", "pyarrow"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)}
    texts = [text_of(RECIPES[1]), text_of(RECIPES[2]), text_of("epochs=3", RANDOM_LAYERS)]
    command = [sys.executable, str(Path(__file__).with_name("two_workers_jax.py")), *texts]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LATE, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(texts), done.stderr[-2000:]
    for told in lines:
        assert len(set(told["phases"])) == 1
        assert told["one"] < 1e-5 and told["devices"] == told["worker"] == 0
