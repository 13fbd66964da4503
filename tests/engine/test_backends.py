"""On JAX and PyTorch nothing imports TensorFlow and a seed fixes the numbers; a training goes on bit for bit."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEEDED = """\
import json, sys, cnnmagic
text = "data digits\\naugment flip\\nconv 4 3x3 relu bn\\nflatten\\noutput\\nseed 3\\ntrain epochs=2 batch=128"
losses = [cnnmagic.train(text, name=name).history["loss"] for name in "ab"]
print(json.dumps([*losses, "tensorflow" in sys.modules]))
"""
CODE = """\
import sys, cnnmagic
text = '''data digits
augment flip, mixup 0.2
conv 4 3x3 relu bn
dropout 0.2
flatten
output 10
seed 3
train epochs=2 batch=128 schedule=cosine ema=0.9 label_smoothing=0.1 early_stop=2'''
def numbers(run):
    return {name: values for name, values in run.history.items() if name not in ("seconds", "images_per_second")}
whole = cnnmagic.train(text, name="whole")
run = cnnmagic.train(text, name="stopped", wait=False)
run.stop()
run.wait()
if run.state.phase == "stopped":
    run.go_on()
    run.wait()
print(numbers(run) == numbers(whole), "tensorflow" in sys.modules)
"""


def told(backend: str, code: str, folder: Path) -> str:
    """The last line that code prints in a process of its own on a backend."""
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "KERAS_BACKEND": backend, "CNNMAGIC_RUNS": str(folder), "PYTHONPATH": path}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.splitlines()[-1]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_nothing_imports_tensorflow(backend: str, tmp_path: Path) -> None:
    one, other, imported = json.loads(told(backend, SEEDED, tmp_path))
    assert one == other and len(one) == 2
    assert not imported


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_a_training_goes_on_bit_for_bit(backend: str, tmp_path: Path) -> None:
    assert told(backend, CODE, tmp_path) == "True False"
