"""What of a training's time the dashboard takes: processor time of its painter, and of its callbacks in the training.

Wall times of two trainings differ by more than the dashboard costs on a busy machine; processor time does not. The
looks at classes and layers after an epoch let TensorFlow compute in threads of its own: of them the clock counts. One
epoch of MNIST is trained in a kernel, and `python benchmarks/dashboard_share.py` prints the shares
and writes build/benchmarks/dashboard_share.json.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

RESULT = Path(__file__).parents[1] / "build" / "benchmarks" / "dashboard_share.json"
SETUP = """
%load_ext cnnmagic
import time
from cnnmagic.engine import loop
from cnnmagic.ui import dashboard

spent = {"painter": 0.0, "callbacks": 0.0, "looks": 0.0}
calls = dict.fromkeys(spent, 0)
wall = dict.fromkeys(spent, 0.0)

def timed(kind, method, name):
    original = getattr(kind, method)
    def wrapper(*arguments, **options):
        started, begun = time.thread_time(), time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            spent[name] += time.thread_time() - started
            wall[name] += time.perf_counter() - begun
            calls[name] += 1
    setattr(kind, method, wrapper)

timed(dashboard.Dashboard, "_paint", "painter")
timed(loop.Loop, "on_train_batch_end", "callbacks")
timed(loop.Loop, "look", "looks")
"""
CELL = """%%cnn net --wait
data {{source}}
conv 32 3x3 relu
conv 64 3x3 relu
maxpool 2
flatten
dense 128 relu
output 10
train epochs=1 batch=128"""
SHARES = """
import json
taken = net.state.seconds
print(json.dumps({name: {"calls": calls[name], "processor seconds": seconds, "seconds": wall[name], "of": taken}
                  for name, seconds in spent.items()}))
"""
REPORT = """
for name, seconds in spent.items():
    share, each = wall[name] / net.state.seconds, 1000 * seconds / max(1, calls[name])
    print(f"{name}: {calls[name]} calls, {seconds:.2f} s of this thread's processor time ({each:.2f} ms each), "
          f"{seconds / net.state.seconds:.2%} of {net.state.seconds:.0f} s; {share:.2%} by the clock")
"""


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    folder = os.environ.get("CNNMAGIC_TEST_DATA")
    source = str(Path(folder) / "mnist.npz") if folder else "mnist"
    notebook = nbformat.v4.new_notebook()
    texts = [f"source = {source!r}\n{SETUP}", CELL, REPORT, SHARES]
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in texts]
    NotebookClient(notebook, timeout=1800, extra_arguments=["--log-level=ERROR"]).execute()
    told, shares = (cell.outputs[0].text for cell in notebook.cells[-2:])
    print(told, end="")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(json.loads(shares), indent=1) + "\n", encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
