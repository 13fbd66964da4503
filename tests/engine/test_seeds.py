"""With another backend than TensorFlow nothing imports TensorFlow, and a seed still fixes the numbers."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRAINING = """\
import json, sys, cnnmagic
text = "data digits\\naugment flip\\nconv 4 3x3 relu bn\\nflatten\\noutput\\nseed 3\\ntrain epochs=2 batch=128"
losses = [cnnmagic.train(text, name=name).history["loss"] for name in "ab"]
print(json.dumps([*losses, "tensorflow" in sys.modules]))
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_nothing_imports_tensorflow(backend: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "KERAS_BACKEND": backend, "CNNMAGIC_RUNS": str(tmp_path), "PYTHONPATH": path}
    told = subprocess.run([sys.executable, "-c", TRAINING], env=environment, capture_output=True, text=True, check=True)
    one, other, imported = json.loads(told.stdout.splitlines()[-1])
    assert one == other and len(one) == 2
    assert not imported
