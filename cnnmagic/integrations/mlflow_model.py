"""A trained model as MLflow keeps it: encoded images go in, names of classes come out, and cnnmagic is not needed."""

from __future__ import annotations

import hashlib
import inspect
import json
import shutil
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from cnnmagic.databricks import runtime_of
from cnnmagic.integrations import scoring
from cnnmagic.run import Run

ARTIFACT = "model"
UNITY_CATALOG = "databricks-uc"
DATA = "network"


def write_model(run: Run, folder: Path) -> None:
    """Write the model and what its images need into a folder; raises `DataError` where no image has its channels."""
    import keras

    from cnnmagic.engine import decode
    from cnnmagic.engine.typed import form_of

    data = run.dataset
    form = form_of(data)
    are_arrays = data.album is None
    resize = form.resize
    about = {
        "name": run.name,
        "classes": list(data.classes),
        "height": form.height,
        "width": form.width,
        "channels": form.channels,
        "resize": resize and {"height": resize.height, "width": resize.width, "how": resize.how},
        "black": data.black,
        "white": data.white,
        "logits": run.plan.output is not None and run.plan.output.gives_logits,
        "kind": str(data.train.images.dtype) if are_arrays else "",
        "backend": keras.backend.backend(),
    }
    inside = folder / DATA
    inside.mkdir()
    run.model.save(inside / scoring.MODEL)
    (inside / scoring.ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    shutil.copyfile(decode.__file__, inside / scoring.DECODER)


def log_folder(folder: Path, run_id: str, name: str, registered: str | None = None) -> Any:
    """Log what `write_model` has written to a run of MLflow; with `registered` as a new version of that model."""
    import mlflow.pyfunc
    from mlflow.models import Model

    code = _code(folder)
    places = "name" if "name" in inspect.signature(Model.log).parameters else "artifact_path"  # before MLflow 3
    return Model.log(
        **{"artifact_path": None, places: ARTIFACT},
        flavor=mlflow.pyfunc,
        run_id=run_id,
        registered_model_name=registered,
        loader_module=code.stem,
        data_path=str(folder / DATA),
        code_paths=[str(code)],
        signature=_signature(),
        pip_requirements=_requirements(),
        metadata={"network": name},
    )


def log_model(run: Run, run_id: str, registered: str) -> str:
    """Log the model as it is now, and register it; returns the version that it has in the registry."""
    import mlflow

    if runtime_of() and registered.count(".") == 2 and mlflow.get_registry_uri() == "databricks":
        mlflow.set_registry_uri(UNITY_CATALOG)  # the default of MLflow 3
    with tempfile.TemporaryDirectory(prefix="cnnmagic-mlflow-") as folder:
        write_model(run, Path(folder))
        found = log_folder(Path(folder), run_id, run.name, registered)
    return str(getattr(found, "registered_model_version", None) or _newest(registered))


def _newest(registered: str) -> int:
    from mlflow import MlflowClient

    found = MlflowClient().search_model_versions(f"name='{registered}'")
    return max((int(version.version) for version in found), default=1)


def _code(folder: Path) -> Path:
    """The code that loads the model, named by its content: models of several versions live in one process."""
    text = Path(scoring.__file__).read_bytes()
    path = folder / f"cnnmagic_scoring_{hashlib.blake2b(text, digest_size=4).hexdigest()}.py"
    path.write_bytes(text)
    return path


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    given = Schema([ColSpec(DataType.binary, scoring.COLUMN)])
    answers: list[Any] = [
        ColSpec(DataType.string, "class"),
        ColSpec(DataType.double, "probability"),
        ColSpec(Array(DataType.double), "probabilities"),
    ]
    return ModelSignature(given, Schema(answers))


def _requirements() -> list[str]:
    """What loading the model takes, as it is installed here."""
    import keras

    packages = ("keras", keras.backend.backend(), "numpy", "pandas", "pillow")
    return [_pinned(package) for package in packages]


def _pinned(package: str) -> str:
    try:
        return f"{package}=={metadata.version(package)}"
    except metadata.PackageNotFoundError:  # a build of another name, such as tensorflow-cpu
        return package
