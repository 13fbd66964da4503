"""A training killed at any moment, or whose disk fills up, goes on to the history that it would have had."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

import cnnmagic
from cnnmagic.run import Run
from cnnmagic.storage import records
from tests.engine.other_process import History, begun, history_of, numbers
from tests.waiting import wait_until

LAYERS = """\
data digits
augment flip rotate=10
conv 8 3x3 relu bn
dropout 0.3
flatten
dense 32 relu
output 10
seed 5
"""
TRAININGS = (
    "sgd lr=0.1 momentum=0.9 schedule=cosine early_stop=3",
    "adam lr=0.01 schedule=onecycle ema=0.9",
    "adamw lr=0.003 weight_decay=0.01 warmup=1 label_smoothing=0.1 global_clipnorm=1 ema=0.95 early_stop=2",
    "sgd lr=0.05 schedule=step early_stop=3 validation=0.4",
    "rmsprop lr=0.01 schedule=cosine warmup=2 ema=0.9 early_stop=2",
)
EACH_BATCH = " checkpoint=0.00001"


def text_of(words: str, epochs: int = 12) -> str:
    return f"{LAYERS}train epochs={epochs} batch=32 {words}\n"


def killed(text: str, folder: Path, *moments: Callable[[], None]) -> History:
    """The history of a training that is killed when each of these has come back, and goes on."""
    child = begun(folder, "train", text)
    for wait in moments:
        wait()
        child.kill()
        child.communicate()
        child = begun(folder, "resume")
    return history_of(child)


def another_epoch() -> None:
    """Wait until another epoch is on record; the training goes on."""

    def recorded() -> int:
        return sum(len(record.about["history"]) for record in records("net"))

    known = recorded()
    wait_until(lambda: recorded() > known)
    (record,) = records("net")
    assert record.is_running and record.about["phase"] == "training"


def test_a_killed_training_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    text = text_of(TRAININGS[0] + EACH_BATCH, epochs=6)
    whole = cnnmagic.train(text, name="whole")
    assert killed(text, tmp_path, another_epoch, another_epoch) == numbers(whole.history)


@pytest.mark.long
@pytest.mark.parametrize("number", range(10))
def test_a_training_killed_at_random_goes_on_bit_for_bit(number: int, tmp_path: Path) -> None:
    text = text_of(TRAININGS[number % len(TRAININGS)] + EACH_BATCH * (number % 2))
    child = begun(tmp_path / "whole", "train", text)
    start = time.monotonic()
    whole = history_of(child)
    chance, took = random.Random(number), time.monotonic() - start
    moments = [partial(time.sleep, chance.uniform(0, took / part)) for part in (1, 2)]
    assert killed(text, tmp_path / "killed", *moments) == whole


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of a few megabytes, where runs are kept."""
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    made = subprocess.run([mount, "-t", "tmpfs", "-o", "size=6m", "tmpfs", tmp_path], check=False, capture_output=True)
    if made.returncode != 0:
        pytest.skip("no small disk can be mounted here")
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path / "runs"))
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=False)


def fill(disk: Path) -> Path:
    """Write until the disk is full."""
    path = disk / "full"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


def at_batch(run: Run, batch: int) -> None:
    """Wait until so many batches of the whole training are done."""
    while not run.is_done and (run.state.epoch - 1) * run.state.batches + run.state.batch < batch:
        time.sleep(0.002)


@pytest.mark.long
@pytest.mark.parametrize("batch", [0, 1, 47, 150, 300])
def test_a_disk_that_fills_up_keeps_the_last_good_checkpoint(batch: int, small_disk: Path) -> None:
    text = text_of("schedule=cosine ema=0.9 early_stop=4" + EACH_BATCH, epochs=10)
    run = cnnmagic.train(text, wait=False)
    at_batch(run, batch)
    full = fill(small_disk)
    run.wait()
    assert any("No space left on device" in note for note in run.state.notes)
    full.unlink()
    assert numbers(cnnmagic.resume("net").history) == numbers(run.history)


@pytest.mark.long
def test_a_minute_s_pause_changes_nothing() -> None:
    text = text_of("schedule=cosine ema=0.9", epochs=4)
    whole, run = cnnmagic.train(text, name="whole"), cnnmagic.train(text, name="paused", wait=False)
    at_batch(run, 20)
    run.pause()
    time.sleep(60)
    assert run.state.phase == "paused"
    run.resume()
    assert numbers(run.wait().history) == numbers(whole.history)
    assert run.state.pauses > 55
