"""Runs in MLflow: what a real store holds afterwards, and that no store, however broken, harms a training."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import cnnmagic
from cnnmagic.integrations import mlflow as logging_to
from cnnmagic.integrations.mlflow_store import Store

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")

TEXT = "data digits\nconv 4 3x3 same relu\nflatten\noutput 10\ntrain epochs=3\nseed 1"
UNHARMED = "; the training itself is not affected"


def client():
    return mlflow.MlflowClient()


def read(run, path):
    return Path(client().download_artifacts(run.tracker.run_id, path)).read_text(encoding="utf-8")


def test_a_run_is_logged_whole(store):
    run = cnnmagic.train(TEXT, name="small")
    found = client().get_run(run.tracker.run_id)
    assert (run.state.notes, found.info.status, found.info.run_name) == ((), "FINISHED", "small")
    for name, values in run.history.items():
        logged = client().get_metric_history(run.tracker.run_id, name)
        assert [(metric.step, metric.value) for metric in logged] == list(enumerate(values, start=1))
    assert len(run.history["loss"]) == 3
    told = found.data.params
    assert {told[name] for name in ("epochs", "seed", "data", "input")} == {"3", "1", "digits", "8x8x1"}
    assert told["parameters"] == str(run.model.count_params())
    assert read(run, "cell.cnn") == f"%%cnn small\n{TEXT}\n"
    assert read(run, "plan.txt") == f"{run.plan}\n"
    assert read(run, "picture.svg").startswith("<svg ")
    assert json.loads(read(run, "versions.json"))["keras"] == found.data.tags["version.keras"]


def test_the_model_takes_encoded_images_and_answers_as_the_run_does(store, encoded_digits):
    run = cnnmagic.train(TEXT)
    model = mlflow.pyfunc.load_model(f"runs:/{run.tracker.run_id}/model")
    answers = model.predict(to_frame([*encoded_digits, b"no image"]))
    expected = run.predict(encoded_digits)
    assert np.array_equal(np.stack(answers["probabilities"][:-1]), expected.astype(float))
    assert list(answers["class"][:-1]) == [run.dataset.classes[n] for n in expected.argmax(axis=1)]
    assert answers["probability"][:-1].tolist() == expected.max(axis=1).astype(float).tolist()
    assert answers["class"].iloc[-1] == "" and answers.iloc[-1, 1:].isna().all()


def to_frame(contents):
    import pandas as pd

    return pd.DataFrame({"image": contents})


ALONE = """\
import sys
class NoCnnmagic:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "cnnmagic":
            raise ImportError("cnnmagic is not here")
sys.meta_path.insert(0, NoCnnmagic())
import mlflow, pandas
frame = pandas.read_pickle(sys.argv[2])
answers = mlflow.pyfunc.load_model(sys.argv[1]).predict(frame)
print("ANSWERS", " ".join(answers["class"]))
"""


@pytest.mark.long
def test_the_model_needs_no_cnnmagic(store, tmp_path):
    folder = tmp_path / "photos"
    for number, image in enumerate(load_digits().images[:200]):
        place = folder / f"class {load_digits().target[number] % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype("uint8")).resize((11, 9 + number % 3)).save(place / f"{number}.png")
    run = cnnmagic.train(
        f'data images:"{folder}"\nresize 12x10 pad\nconv 4 3x3 relu\nflatten\noutput 2\ntrain epochs=2'
    )
    contents = [path.read_bytes() for path in sorted(folder.glob("*/*.png"))]
    to_frame(contents).to_pickle(tmp_path / "frame.pkl")
    arguments = [sys.executable, "-c", ALONE, f"runs:/{run.tracker.run_id}/model", str(tmp_path / "frame.pkl")]
    told = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    line = next((line for line in told.stdout.splitlines() if line.startswith("ANSWERS")), told.stderr)
    expected = run.predict(contents).argmax(axis=1)
    assert line == "ANSWERS " + " ".join(run.dataset.classes[number] for number in expected)


def test_more_epochs_go_to_the_same_place(store):
    run = cnnmagic.train(TEXT)
    first = run.tracker.run_id
    run.more(2).wait()
    assert (run.tracker.run_id, run.state.notes) == (first, ())
    logged = client().get_metric_history(first, "loss")
    assert [(metric.step, metric.value) for metric in logged] == list(enumerate(run.history["loss"], start=1))
    assert len(logged) == 5 and client().get_run(first).info.status == "FINISHED"


def test_a_run_that_goes_on_from_disk_finds_its_place(store):
    run = cnnmagic.train(TEXT.replace("epochs=3", "epochs=200"), name="kept", wait=False)
    while len(run.state.history) < 2:
        time.sleep(0.02)
    run.stop()
    run.wait()
    again = cnnmagic.resume("kept", wait=False)
    again.stop()
    again.wait()
    assert again.tracker.run_id == run.tracker.run_id
    assert client().get_run(run.tracker.run_id).data.tags["phase"] == "stopped"


def test_a_training_that_fails_is_logged_as_failed(store):
    with pytest.raises(cnnmagic.CnnError):
        cnnmagic.train(TEXT.replace("train", "train optimizer=sgd lr=1e30"), name="diverging")
    found = client().search_runs(["0"], "attributes.run_name = 'diverging'")[0]
    assert found.info.status == "FAILED" and found.data.tags["failure"]


def test_a_run_open_in_the_program_is_the_parent(store):
    with mlflow.start_run() as parent:
        run = cnnmagic.train(TEXT)
    tags = client().get_run(run.tracker.run_id).data.tags
    assert tags["mlflow.parentRunId"] == parent.info.run_id


def test_the_experiment_that_the_program_has_chosen(store):
    chosen = mlflow.set_experiment("digits").experiment_id
    try:
        run = cnnmagic.train(TEXT)
    finally:
        mlflow.set_experiment(experiment_id="0")
    assert client().get_run(run.tracker.run_id).info.experiment_id == chosen


def test_no_training_is_logged_that_says_no(store):
    run = cnnmagic.train(TEXT.replace("epochs=3", "epochs=3 mlflow=no"))
    assert run.tracker is None and not client().search_runs(["0"])


@pytest.mark.parametrize(
    "variables, is_set",
    [
        ({}, False),
        ({"MLFLOW_TRACKING_URI": "sqlite:///x.db"}, True),
        ({"DATABRICKS_RUNTIME_VERSION": "17.3"}, True),
        ({"DATABRICKS_ENV_VERSION": "5"}, True),
    ],
)
def test_when_runs_are_logged(monkeypatch, variables, is_set):
    for name in ("MLFLOW_TRACKING_URI", "DATABRICKS_RUNTIME_VERSION", "DATABRICKS_ENV_VERSION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert logging_to.is_set() is is_set


def test_a_store_set_in_the_program_is_enough(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/own.db")
    try:
        assert logging_to.is_set()
    finally:
        mlflow.set_tracking_uri(None)
    assert not logging_to.is_set()


def test_registering_gives_versions(store, encoded_digits):
    run = cnnmagic.train(TEXT)
    assert [logging_to.register(run, "main.shop.digits") for _ in range(2)] == ["1", "2"]
    model = mlflow.pyfunc.load_model("models:/main.shop.digits/2")
    answers = model.predict(to_frame(encoded_digits))
    assert np.array_equal(np.stack(answers["probabilities"]), run.predict(encoded_digits))


def test_a_run_that_was_not_logged_is_logged_when_it_is_registered(store):
    run = cnnmagic.train(TEXT.replace("epochs=3", "epochs=3 mlflow=no"), name="late")
    assert logging_to.register(run, "late") == "1"
    found = client().search_runs(["0"], "attributes.run_name = 'late'")[0]
    assert found.data.metrics["loss"] == run.history["loss"][-1]


def test_registering_leaves_the_run_closed(monkeypatch, store):
    run = cnnmagic.train(TEXT)
    logging_to.register(run, "shop")
    assert client().get_run(run.tracker.run_id).info.status == "FINISHED"

    def log_model(*arguments):
        raise OSError("the registry is full")

    monkeypatch.setattr("cnnmagic.integrations.mlflow_model.log_model", log_model)
    with pytest.raises(cnnmagic.RunError, match="the registry is full"):
        logging_to.register(run, "shop")
    assert client().get_run(run.tracker.run_id).info.status == "FINISHED"


def test_a_run_brought_back_is_registered_in_its_place(store):
    run = cnnmagic.train(TEXT, name="kept")
    logging_to.register(cnnmagic.load("kept"), "shop")
    (found,) = client().search_runs(["0"])
    assert (found.info.run_id, found.info.status) == (run.tracker.run_id, "FINISHED")
    assert client().get_model_version("shop", "1").run_id == run.tracker.run_id


@pytest.mark.parametrize("is_logged", [True, False])
def test_what_is_registered_in_a_new_place_is_whole_there_and_stays_there(store, is_logged):
    run = cnnmagic.train(TEXT if is_logged else TEXT.replace("epochs=3", "epochs=3 mlflow=no"), name="kept")
    if is_logged:
        client().delete_run(run.tracker.run_id)
    again = cnnmagic.load("kept")
    for _ in range(2):
        logging_to.register(again, "shop")
    (found,) = client().search_runs(["0"])
    assert found.info.status == "FINISHED" and found.data.params["precision"] == run.state.precision
    logged = client().get_metric_history(found.info.run_id, "loss")
    assert [metric.value for metric in logged] == run.history["loss"]


def test_a_run_that_is_stopped_in_the_queue_has_nothing_to_settle(store):
    first = cnnmagic.train(TEXT.replace("epochs=3", "epochs=500"), name="first", wait=False)
    second = cnnmagic.train(TEXT, name="second", wait=False)
    second.stop()
    begin = time.monotonic()
    second.wait()
    assert time.monotonic() - begin < 5 and (second.state.phase, second.state.notes) == ("stopped", ())
    first.stop()
    first.wait()
    assert [found.info.run_name for found in client().search_runs(["0"])] == ["first"]


def test_the_model_that_was_put_aside_is_gone_where_the_log_breaks_off(monkeypatch, store, tmp_path):
    from cnnmagic.integrations.mlflow_records import Log

    (tmp_path / "aside").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "aside"))
    put_aside = []

    def ending(log, state):
        put_aside.extend((tmp_path / "aside").glob("cnnmagic-mlflow-*/network"))
        raise OSError("the store is full")

    monkeypatch.setattr(Log, "ending", ending)
    run = cnnmagic.train(TEXT)
    check_unharmed(run, 0)
    assert len(put_aside) == 1 and not list((tmp_path / "aside").glob("cnnmagic-mlflow-*"))


def test_the_model_that_was_put_aside_is_gone_where_the_log_is_given_up(monkeypatch, store, tmp_path):
    from cnnmagic.integrations import mlflow_tracker
    from cnnmagic.integrations.mlflow_records import Log

    (tmp_path / "aside").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "aside"))
    monkeypatch.setattr(mlflow_tracker, "SECONDS_OF_SILENCE", 1.0)
    monkeypatch.setattr(mlflow_tracker, "SECONDS_FOR_AN_ANSWER", 0.5)
    monkeypatch.setattr(Log, "ending", lambda log, state: time.sleep(4))
    run = cnnmagic.train(TEXT)
    check_unharmed(run, 0)
    assert "has not answered for 1 s" in run.state.notes[0]
    assert not list((tmp_path / "aside").glob("cnnmagic-mlflow-*"))


@contextmanager
def silent_server():
    """A server that takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def accept():
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for connection in held:
            connection.close()


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def check_unharmed(run, seconds):
    assert run.state.phase == "finished" and len(run.history["loss"]) == 3
    assert len(run.state.notes) == 1 and "MLflow" in run.state.notes[0] and run.state.notes[0].endswith(UNHARMED)
    assert seconds < 60


def trained_with(monkeypatch, tmp_path, uri):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    begin = time.monotonic()
    run = cnnmagic.train(TEXT)
    check_unharmed(run, time.monotonic() - begin)
    return run


def test_a_closed_port_costs_one_note(monkeypatch, tmp_path):
    trained_with(monkeypatch, tmp_path, closed_port())


def test_a_server_that_never_answers_costs_one_note(monkeypatch, tmp_path):
    with silent_server() as uri:
        trained_with(monkeypatch, tmp_path, uri)
        assert "timed out" in (Store(uri).silence() or "")


def test_a_store_where_nothing_can_be_written_costs_one_note(monkeypatch, tmp_path):
    trained_with(monkeypatch, tmp_path, "sqlite:////proc/nowhere/store.db")


def test_a_store_of_an_unknown_kind_costs_one_note(monkeypatch, tmp_path):
    trained_with(monkeypatch, tmp_path, "gopher://127.0.0.1/store")


@pytest.fixture
def small_disk(tmp_path, monkeypatch, empty_store):
    """A store, its artifacts too, on a disk that is full but for a few kilobytes."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", tmp_path], check=False, capture_output=True
    )
    if made.returncode != 0:
        pytest.skip("no small disk can be mounted here")
    shutil.copy(empty_store, tmp_path / "store.db")
    with (tmp_path / "full").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield f"sqlite:///{tmp_path}/store.db"
    monkeypatch.undo()
    subprocess.run(["umount", "--lazy", tmp_path], check=False)


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_costs_one_note(monkeypatch, tmp_path, small_disk):
    run = trained_with(monkeypatch, tmp_path, small_disk)
    assert "database or disk is full" in run.state.notes[0]


def test_a_network_that_takes_no_file_is_logged_without_its_model(store):
    images = np.random.default_rng(0).random((60, 8, 8, 2), dtype="float32")
    text = "conv 4 3x3 relu\nflatten\noutput 3\ntrain epochs=3"
    run = cnnmagic.train(text, data=(images, np.arange(60) % 3))
    check_unharmed(run, 0)
    assert "takes 2 channels" in run.state.notes[0]
    assert client().get_run(run.tracker.run_id).info.status == "FINISHED"


def test_an_mlflow_whose_own_needs_have_moved_on_costs_one_note(monkeypatch, tmp_path):
    """As with MLflow 2.14 to 3.8 beside SQLAlchemy 2.1, in which they look for what is no longer there."""
    monkeypatch.setitem(sys.modules, "mlflow.store.tracking.sqlalchemy_store", None)
    run = trained_with(monkeypatch, tmp_path, f"sqlite:///{tmp_path}/store.db")
    assert "mlflow.store.tracking.sqlalchemy_store" in run.state.notes[0]


def test_an_mlflow_that_can_not_take_the_model_logs_all_else(monkeypatch, store):
    from mlflow.models import Model

    def log(*arguments, **options):
        raise AttributeError("module 'keras' has no attribute 'engine'")

    monkeypatch.setattr(Model, "log", log)
    run = cnnmagic.train(TEXT)
    check_unharmed(run, 0)
    assert run.state.notes[0].startswith("the model is not logged to MLflow (AttributeError: module 'keras' has no")
    found = client().get_run(run.tracker.run_id)
    assert (found.info.status, found.data.metrics["loss"]) == ("FINISHED", run.history["loss"][-1])


def test_registering_with_a_silent_store_is_an_error(monkeypatch, store):
    run = cnnmagic.train(TEXT)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", closed_port())
    with pytest.raises(cnnmagic.RunError, match="does not answer"):
        logging_to.register(run, "main.shop.digits")


@pytest.fixture
def autologging():
    """MLflow's own logging of every `fit` of Keras, which it puts around `keras.Model.fit`."""
    mlflow.keras.autolog()
    yield
    mlflow.keras.autolog(disable=True)


def test_autologging_makes_no_second_run(store, autologging):
    run = cnnmagic.train(TEXT)
    (found,) = client().search_runs(["0"])
    assert (found.info.run_id, found.info.status, run.state.notes) == (run.tracker.run_id, "FINISHED", ())


def test_autologging_is_a_wish_to_log(monkeypatch, autologging):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert logging_to.is_set()
    mlflow.keras.autolog(disable=True)
    assert not logging_to.is_set()
