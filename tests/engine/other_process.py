"""Trains in another process, which a test may kill, and lets it tell the history."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LATE = 300.0
CHILD = """\
import sys, json, cnnmagic
try:
    run = cnnmagic.train(sys.argv[2], wait=False) if sys.argv[1] == "train" else cnnmagic.resume("net", wait=False)
except cnnmagic.CnnError as error:
    if "nothing to resume" not in str(error):
        raise
    run = cnnmagic.load("net")
print("begun", flush=True)
run.wait()
print(json.dumps(run.history), flush=True)
"""
CLOCKS = ("seconds", "images_per_second")
History = dict[str, list[float]]
Child = subprocess.Popen[str]


def numbers(history: History) -> History:
    """A history without what a clock says."""
    return {name: values for name, values in history.items() if name not in CLOCKS}


def begun(folder: Path, *words: str) -> Child:
    """A process that trains a text, `train TEXT`, or lets the training go on, `resume`; it has begun."""
    environment = {**os.environ, "CNNMAGIC_RUNS": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, *words]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert child.stdout is not None and child.stdout.readline() == "begun\n"
    return child


def history_of(child: Child) -> History:
    """The history of its training, at its end."""
    assert child.stdout is not None
    lines = child.stdout.read().splitlines()  # `communicate` passes over what was read ahead with the first line
    assert child.wait(LATE) == 0, lines
    found: History = json.loads(lines[-1])
    return numbers(found)
