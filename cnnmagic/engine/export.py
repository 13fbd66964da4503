"""Writes a trained model in the formats that Keras exports, and arrays for an exported script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cnnmagic.datasets import Arrays
from cnnmagic.engine import arrays
from cnnmagic.errors import CnnError

FORMATS = {"savedmodel": ("tf_saved_model", ""), "onnx": ("onnx", ".onnx"), "litert": ("litert", ".tflite")}
NEEDS = {"onnx": "onnx onnxruntime tf2onnx", "litert": "ai-edge-litert"}


def export_model(model: Any, kind: str, path: Path) -> Path:
    """Write `model` as `keras` (the whole model), `savedmodel`, `onnx` or `litert` (for use only); returns the path.

    The ending is added where it is missing. Raises `CnnError` where Keras lacks what the format needs.
    """
    if not path.parent.is_dir():
        raise CnnError(f"there is no folder `{path.parent}`.", remedy="Make it, or choose another path.")
    if kind == "keras":
        path = path if path.suffix == ".keras" else path.with_name(f"{path.name}.keras")
        model.save(path)
        return path
    name, ending = FORMATS[kind]
    path = path if not ending or path.suffix == ending else path.with_name(f"{path.name}{ending}")
    try:
        model.export(path, format=name, verbose=False)
    except (ImportError, ModuleNotFoundError) as error:
        remedy = f"In a cell of its own: `%pip install {NEEDS[kind]}`." if kind in NEEDS else ""
        raise CnnError(f"Keras can't write {kind} here: {str(error).splitlines()[0]}", remedy=remedy) from error
    return path


def write_arrays(source: Arrays, path: Path) -> None:
    """Write the arrays of the notebook as an exported script reads them: x, y and, where given, x_test, y_test."""
    images, labels, *tests = source.values
    ready = arrays.read_images(images, source.names[0])
    found = arrays.read_labels(labels, source.names[1], len(ready))
    written = {"x": ready, "y": found.indices}
    if tests:
        written["x_test"] = arrays.read_images(tests[0], source.names[2])
        written["y_test"] = arrays.encode_labels(tests[1], source.names[3], len(written["x_test"]), found.classes)
    np.savez_compressed(path, **written)  # type: ignore[arg-type]  # NumPy's stub takes the names for its own option
