"""Runs exported scripts where cnnmagic can't be imported, and tells what each comes to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

RUNNER = """
import contextlib, gc, io, json, runpy, sys
sys.modules["cnnmagic"] = None  # an import of it fails from here on
import keras
answers = {}
for path in sys.argv[2:]:
    keras.backend.clear_session()
    keras.config.set_dtype_policy("float32")
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told):
            found = runpy.run_path(path)
    except Exception as error:
        answers[path] = f"{type(error).__name__}: {error}"
        continue
    history = found["history"].history if "history" in found else {}
    parameters = found["model"].count_params() if "model" in found else None
    answers[path] = {"history": history, "parameters": parameters, "accuracy": found.get("accuracy")}
    answers[path]["told"] = told.getvalue()
    del found
    gc.collect()
json.dump(answers, open(sys.argv[1], "w"))
"""
SPLITS = ("train", "validation", "test")
SAVING = """
names = [f"{{part}}_{{split}}" for part in "xy" for split in {splits}]
np.savez({path!r}, **{{name: globals()[name] for name in names if name in globals()}})
"""


def run_scripts(paths: list[Path], folder: Path, timeout: float = 300) -> dict[str, Any]:
    """What each script comes to, an error as text, by its name; all of them run in one process."""
    answers = folder / "answers.json"
    command = [sys.executable, "-c", RUNNER, str(answers), *map(str, paths)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=timeout, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {Path(path).stem: answer for path, answer in json.loads(answers.read_text()).items()}


def saving(path: Path) -> str:
    """What a script is to end with for its splits to be found in a file."""
    return SAVING.format(splits=SPLITS, path=str(path))


def same_splits(path: Path, dataset: Any) -> None:
    """Hold the splits that a script has saved against those of a run."""
    found = np.load(path)
    for split in SPLITS:
        mine = getattr(dataset, split)
        assert (f"x_{split}" in found) == (len(mine) > 0), split
        if len(mine):
            np.testing.assert_array_equal(found[f"x_{split}"], mine.images, split)
            np.testing.assert_array_equal(found[f"y_{split}"], mine.labels, split)
