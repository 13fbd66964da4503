"""A training on a real Spark cluster: the numbers of one machine, Stop, checkpoints and going on after a kill."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.errors import CnnError, RunError
from cnnmagic.session import Session
from tests.integrations.recipes import LAYERS, RANDOM_LAYERS, RECIPES, text_of
from tests.integrations.spark_sessions import assert_same, await_end_of_ranks, begun, ranks, started

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]
LATE = 240.0


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    yield from started()


@pytest.mark.parametrize("words", RECIPES)
def test_two_workers_give_the_numbers_of_one_machine(words: str, spark: Any) -> None:
    expected = cnnmagic.train(text_of(words), name="one")
    run = cnnmagic.train(text_of(f"{words} workers=2"), name="two")
    assert run.state.device == "2 workers, each CPU"
    assert_same(run, expected)
    assert run.evaluate() == pytest.approx(expected.evaluate(), abs=1e-5)


def test_one_worker_trains_on_the_cluster_to_the_numbers_of_this_machine(spark: Any) -> None:
    text = text_of(RECIPES[1])
    run = cnnmagic.train(f"{text} workers=1", name="away")
    assert run.state.device == "1 worker, CPU"
    assert_same(run, cnnmagic.train(text, name="here"))


def test_what_is_drawn_on_workers_is_the_seed_s(spark: Any) -> None:
    text = text_of("epochs=2 workers=2", RANDOM_LAYERS)
    one, again = cnnmagic.train(text, name="one"), cnnmagic.train(text, name="again")
    assert_same(again, one)
    other = cnnmagic.train(text.replace("seed 5", "seed 6"), name="other")
    assert abs(other.history["loss"][0] - one.history["loss"][0]) > 1e-4


def test_images_that_all_machines_see_are_read_by_each_worker(spark: Any, tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=rng.integers(0, 255, (200, 8, 8, 1), np.uint8), y=np.arange(200) % 4)
    layers = LAYERS.replace("digits", str(tmp_path / "data.npz")).replace("output 10", "output")
    expected = cnnmagic.train(text_of("epochs=2", layers), name="one")
    assert_same(cnnmagic.train(text_of("epochs=2 workers=2", layers), name="two"), expected)


def test_a_stop_ends_the_job_within_5_seconds_and_keeps_the_model(spark: Any) -> None:
    run = begun("epochs=500")
    start = time.monotonic()
    run.stop()
    run.wait(LATE)
    assert time.monotonic() - start < 5
    assert run.state.phase == "stopped" and run.evaluate()["accuracy"] > 0.5
    assert not ranks() and not spark.sparkContext.statusTracker().getActiveJobsIds()


def test_a_pause_and_a_rate_reach_all_workers(spark: Any) -> None:
    run = begun("epochs=500")
    run.pause()
    run.set_learning_rate(0.0125)
    while run.state.phase != "paused":
        time.sleep(0.01)
    epoch = run.state.epoch
    run.resume()
    while run.state.epoch < epoch + 2:
        time.sleep(0.01)
    assert run.state.learning_rate == pytest.approx(0.0125)
    run.stop()
    run.wait(LATE)
    assert run.state.phase == "stopped"


def ancestor(process: int, words: str) -> int:
    """The nearest ancestor of a process whose command has these words."""
    while words not in Path(f"/proc/{process}/cmdline").read_text():
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return process


@pytest.mark.parametrize("victim", ["rank", "task", "executor"])
def test_a_killed_worker_fails_the_run_which_goes_on_as_if_nothing_had_been(victim: str, spark: Any) -> None:
    words = "epochs=30 sgd lr=0.02 momentum=0.9 schedule=cosine"
    expected = cnnmagic.train(text_of(words), name="one")
    run = begun(f"{words} checkpoint=0.01", "killed")
    process, parent = random.choice(ranks())
    killed = {"rank": process, "task": parent, "executor": ancestor(parent, "CoarseGrainedExecutorBackend")}[victim]
    start = time.monotonic()
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(RunError, match="killed by SIGKILL" if victim == "rank" else "worker . on .* is gone"):
        run.wait(LATE)
    assert time.monotonic() - start < 15
    await_end_of_ranks(start=start)
    assert_same(cnnmagic.resume("killed"), expected)


def test_more_workers_than_slots_are_refused_at_once(spark: Any) -> None:
    start = time.monotonic()
    with pytest.raises(CnnError, match="needs 5 free slots at once, and the cluster has 2"):
        cnnmagic.train(text_of("epochs=1 workers=5"))
    assert time.monotonic() - start < 5


def test_a_path_that_workers_cannot_see_is_told(spark: Any) -> None:
    from cnnmagic.integrations.cluster import check_workers, unseen_data

    paths = {path: unseen_data(path) for path in (str(ROOT), "/nowhere/photos")}
    with pytest.raises(RunError, match="can't see `/nowhere/photos`"):
        check_workers(spark, 2, "tensorflow", paths)


def test_a_cell_that_runs_again_takes_the_slots_of_its_earlier_training(spark: Any) -> None:
    session = Session()
    text = text_of("epochs=500 workers=2")
    first = session.start("again", cnnmagic.plan(text))
    while first.state.epoch < 2:
        time.sleep(0.01)
    second = session.start("again", cnnmagic.plan(text.replace("500", "2")))
    assert first.state.phase == "stopped"
    second.wait(LATE)
    assert second.state.phase == "finished"


def test_progress_comes_within_a_second(spark: Any) -> None:
    run = begun("epochs=60")
    moments: list[float] = []
    run.listen(lambda state, event: moments.append(time.monotonic()))
    run.wait(LATE)
    assert len(moments) > 20 and np.diff(moments).max() < 1


CHILD = """\
import time, cnnmagic
from tests.integrations.spark_sessions import started
keep = started()
next(keep)
run = cnnmagic.train("data digits\\nflatten\\noutput 10\\ntrain epochs=10000 workers=2", wait=False)
while run.state.epoch < 2:
    time.sleep(0.05)
print("begun", flush=True)
run.wait()
"""


def test_no_rank_outlives_a_driver_that_is_killed(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    before = set(ranks())
    environment = {**os.environ, "CNNMAGIC_RUNS": str(tmp_path), "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert child.stdout is not None and "begun" in child.stdout.readline()
    assert len(set(ranks()) - before) == 2
    child.kill()
    child.communicate()
    await_end_of_ranks(but=before)
