"""On JAX, and not yet on PyTorch, a training goes on bit for bit too; on neither TensorFlow is imported."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = """\
import sys, cnnmagic
text = '''data digits
augment flip
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


UNEQUAL = pytest.mark.xfail(reason="on PyTorch the history after a stop differs, and why is not known yet")


@pytest.mark.parametrize("backend", ["jax", pytest.param("torch", marks=UNEQUAL)])
def test_the_other_backends(backend: str, tmp_path: Path) -> None:
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "KERAS_BACKEND": backend, "CNNMAGIC_RUNS": str(tmp_path), "PYTHONPATH": path}
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=False)
    assert answer.stdout.splitlines()[-1:] == ["True False"], answer.stderr
