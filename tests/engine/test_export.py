"""Trained models written by Keras and read back: the same predictions; formats whose packages are missing say so."""

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import CnnError, RunError, train
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.export import export_model, write_arrays
from cnnmagic.pipeline import make_plan
from cnnmagic.session import Session

keras = load_keras()
TEXT = "data digits\nseed 1\nconv 4 3x3 bn relu\ndropout 0.2\nflatten\noutput\ntrain epochs=1 batch=256"


@pytest.fixture(scope="module")
def run() -> Any:
    return train(TEXT)


def wanted(run: Any) -> np.ndarray:
    return run.predict(run.dataset.test.images[:8])


@pytest.mark.parametrize("name", ["digits", "digits.keras", "digits.v2"])
def test_keras(name: str, run: Any, tmp_path: Path) -> None:
    path = export_model(run.model, "keras", tmp_path / name)
    assert path.name == (name if name.endswith(".keras") else f"{name}.keras")
    assert zipfile.is_zipfile(path)
    again = keras.models.load_model(path)
    np.testing.assert_allclose(again.predict(run.dataset.test.images[:8], verbose=0), wanted(run), atol=1e-6)
    assert again.evaluate(run.dataset.test.images, run.dataset.test.labels, verbose=0)[1] == pytest.approx(
        run.evaluate()["accuracy"]
    )


def test_savedmodel(run: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import tensorflow as tf

    path = export_model(run.model, "savedmodel", tmp_path / "digits")
    assert (path / "saved_model.pb").is_file()
    assert "Endpoint" not in "".join(capfd.readouterr())
    loaded = tf.saved_model.load(path)
    answers = loaded.serve(tf.constant(run.dataset.test.images[:8].astype("float32")))
    np.testing.assert_allclose(answers.numpy(), wanted(run), atol=1e-6)


@pytest.mark.parametrize("kind, ending, packages", [("onnx", ".onnx", ("onnx", "tf2onnx", "onnxruntime")),
                                                    ("litert", ".tflite", ("ai_edge_litert",))])  # fmt: skip
def test_formats_that_need_a_package(
    kind: str, ending: str, packages: tuple[str, ...], run: Any, tmp_path: Path
) -> None:
    """Written where Keras can; else an error that says what to install, and no file left half-written."""
    path = tmp_path / f"digits{ending}"
    there = all(importlib.util.find_spec(package) for package in packages)
    try:
        written = export_model(run.model, kind, tmp_path / "digits")
    except CnnError as error:
        assert not there
        assert "%pip install" in str(error)
        assert len(str(error).splitlines()) <= 3
        assert not path.exists()
        return
    assert written == path
    assert path.stat().st_size > 1000


def test_a_package_that_is_missing(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise ImportError("No module named 'onnx'")

    monkeypatch.setattr(type(run.model), "export", refuse)
    with pytest.raises(CnnError, match=r"Keras can't write onnx here: No module named 'onnx'") as caught:
        export_model(run.model, "onnx", tmp_path / "digits")
    assert "`%pip install onnx onnxruntime tf2onnx`" in str(caught.value)


def test_a_folder_that_is_not_there(run: Any, tmp_path: Path) -> None:
    with pytest.raises(CnnError, match="nowhere"):
        export_model(run.model, "keras", tmp_path / "nowhere" / "digits")


def test_arrays_of_the_notebook(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((12, 8, 8))
    names = np.array(["dog", "cat", "auk"])[np.arange(12) % 3]
    variables = {"x": x, "names": names, "more": x[:3], "theirs": ["cat", "dog", "auk"]}
    text = "data {{x}} {{names}} {{more}} {{theirs}}\nconv 2 3x3\nflatten\noutput\ntrain epochs=1"
    plan = make_plan(text, variables)
    write_arrays(plan.source, tmp_path / "net_data.npz")  # type: ignore[arg-type]  # they are arrays
    with np.load(tmp_path / "net_data.npz") as arrays:
        assert set(arrays.files) == {"x", "y", "x_test", "y_test"}
        assert arrays["x"].shape == (12, 8, 8, 1)
        assert list(arrays["y"][:3]) == [2, 1, 0]
        assert list(arrays["y_test"]) == [1, 2, 0]


def test_the_session_names_the_file_after_the_run(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    session = Session()
    assert session.export_model(run, "keras", None) == Path("net.keras")
    session.keep("planned", make_plan("input 8x8x1\nconv 2 3x3\nflatten\noutput 3", {}))
    with pytest.raises(RunError, match="`planned` is planned and not trained"):
        session.find_run("planned")
