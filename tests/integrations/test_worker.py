"""The process of a lone worker: it trains to the numbers of this machine, from whatever it was sent, and tidies up."""

import json
import os
import queue
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnnmagic
from cnnmagic.events import EpochEnded, Finished, Reading
from cnnmagic.integrations import worker
from cnnmagic.integrations.parcel import MOST_BYTES
from cnnmagic.integrations.spark import files_of
from cnnmagic.integrations.wire import heard, unpacked
from cnnmagic.lifecycle import begin
from cnnmagic.pipeline import build_model, load_data
from cnnmagic.run import Run
from tests.engine.photos import folder as folder_of_photos

TEXT = """\
data digits
augment flip, mixup
conv 4 3x3 relu bn
flatten
dropout 0.4
output
train epochs=3 batch=64 schedule=cosine ema=0.9 precision=float32 tune=no
seed 3"""


class Driver:
    """The end of the line that a worker talks to."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.snapshots: list[Any] = []
        self.best: list[tuple[int, float]] = []

    def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        if head["kind"] == "event":
            self.events.append(heard({name: value for name, value in head.items() if name != "kind"}))
        elif head["kind"] == "best":
            self.best.append((head["epoch"], head["score"]))
        elif head["kind"] == "snapshot":
            self.snapshots.append(unpacked(body))


def worked(run: Run, start: Any, folder: Path) -> Driver:
    """What the driver hears of a worker that trains a run from `start` on."""
    folder.mkdir()
    for name, body in files_of(run, start, MOST_BYTES).items():
        (folder / name).write_bytes(body)
    driver: Any = Driver()
    worker.train(folder, {"rank": 0, "workers": 1}, driver, queue.SimpleQueue())
    return driver


def losses(driver: Driver) -> list[float]:
    return [event.logs["val_loss"] for event in driver.events if isinstance(event, EpochEnded)]


def test_a_lone_worker_trains_to_the_numbers_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    expected = cnnmagic.train(TEXT, name="here")
    plan = cnnmagic.plan(TEXT)
    run = begin("there", plan, build_model(plan, "there"), load_data(plan))
    driver = worked(run, None, tmp_path / "whole")
    assert losses(driver) == pytest.approx(expected.history["val_loss"], abs=1e-5)
    assert isinstance(driver.events[-1], Finished) and driver.events[-1].reason == "finished"
    scores = expected.history["val_accuracy"]
    assert driver.best == [(n + 1, score) for n, score in enumerate(scores) if score > max(scores[:n], default=0)]
    after_one = next(snapshot for snapshot in driver.snapshots if snapshot.position.epoch == 1)
    again = worked(run, after_one, tmp_path / "rest")
    assert losses(again) == pytest.approx(expected.history["val_loss"][1:], abs=1e-5)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_rank_whose_task_is_killed_removes_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "cnnmagic-1"
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = {"driver": server.getsockname(), "secret": "secret", "rank": 0}
        (folder / "place.json").write_text(json.dumps(place))
        os.mkfifo(folder / "specification.json")  # it waits for what is never written
        command = [sys.executable, "-m", "cnnmagic.integrations.worker", str(folder)]
        rank = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line, _ = server.accept()
        assert folder.exists() and rank.stdin is not None
        rank.stdin.close()  # as the end of its parent does
        assert rank.wait(60) == worker.ORPHANED
        line.close()
    assert not folder.exists()


def test_a_rank_that_reads_its_images_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNMAGIC_RUNS", str(tmp_path))
    photos = folder_of_photos(tmp_path / "photos", count=20)
    plan = cnnmagic.plan(f'data images:"{photos}"\nresize 8x8\nflatten\noutput\ntrain epochs=1 tune=no\nseed 1')
    run = begin("photos", plan, build_model(plan, "photos"), load_data(plan))
    driver = worked(run, None, tmp_path / "whole")
    last = [event for event in driver.events if isinstance(event, Reading)][-1]
    assert last.done == last.whole == 40 and isinstance(driver.events[0], Reading)
