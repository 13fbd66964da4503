"""Stores and images that the tests of MLflow share."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store of MLflow, which takes seconds to make."""
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    path = tmp_path_factory.mktemp("empty") / "store.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Iterator[str]:
    """A store of its own in an empty folder, named by the variable that MLflow reads."""
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'store.db')}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    yield uri
    mlflow.set_tracking_uri(None)  # what was set is forgotten


@pytest.fixture(scope="session")
def encoded_digits() -> list[bytes]:
    """The first 40 digits of scikit-learn as PNG."""
    contents = []
    for image in np.rint(load_digits().images[:40] * 255 / 16).astype("uint8"):
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "png")
        contents.append(stream.getvalue())
    return contents
