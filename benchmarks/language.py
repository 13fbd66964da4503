"""How long a plan and its picture take, without Keras: ResNet-50, ever longer texts, and the worst of the hostile ones.

`python benchmarks/language.py` prints milliseconds of processor time, the least of several tries, and those of loading
the extension in a new process; it writes build/benchmarks/language.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cnnmagic import CnnError, plan
from cnnmagic.ui.architecture import draw_network

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "build" / "benchmarks" / "language.json"
WORST = 10
LOAD = """
import time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
start = time.perf_counter()
shell.run_line_magic("load_ext", "cnnmagic")
print(1000 * (time.perf_counter() - start))
"""


def milliseconds(text: str, tries: int) -> float:
    """The least processor time of several plans of a text, or of its refusals."""
    return least(lambda: plan(text, x=3, width=8), tries)


def least(call: Callable[[], object], tries: int) -> float:
    """The least processor time of several calls, in milliseconds."""
    times = []
    for _ in range(tries):
        start = time.process_time()
        with suppress(CnnError):
            call()
        times.append(time.process_time() - start)
    return min(times) * 1000


def loading() -> float:
    """Milliseconds by the clock that `%load_ext cnnmagic` takes in a new process: the least of three."""
    answers = [subprocess.run([sys.executable, "-c", LOAD], capture_output=True, check=True) for _ in range(3)]
    return min(float(answer.stdout) for answer in answers)


def main() -> None:
    milliseconds("input 8x8x1\noutput 3", 1)  # what is imported and read once
    found = {"%load_ext cnnmagic": loading(), "resnet50": milliseconds("use resnet50", 9)}
    resnet50 = plan("use resnet50")
    found["picture of resnet50"] = least(lambda: draw_network(resnet50, "resnet50"), 9)
    for layers in (500, 1000, 2000, 3900):
        found[f"{layers:,} layers"] = milliseconds("input 8x8x1\n" + "conv 8 3x3 same\n" * layers, 5)
    found |= worst()
    for name, took in found.items():
        print(f"{name:<32}{took:>8.0f} ms")
    assert "keras" not in sys.modules
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


def worst() -> dict[str, float]:
    """The hostile texts that take longest."""
    sys.path.insert(0, str(ROOT))
    from tests.lang.test_robustness import LARGE

    found = sorted(((milliseconds(text, 3), name) for name, text in LARGE.items()), reverse=True)
    return {name: took for took, name in found[:WORST]}


if __name__ == "__main__":
    main()
