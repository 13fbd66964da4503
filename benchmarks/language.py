"""How long a plan and its picture take, without Keras: ResNet-50, ever longer texts, and the worst of the hostile ones.

`python benchmarks/language.py` prints milliseconds of processor time, the least of several tries.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cnnmagic import CnnError, plan
from cnnmagic.ui.architecture import draw_network

ROOT = Path(__file__).parents[1]
WORST = 10


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


def main() -> None:
    milliseconds("input 8x8x1\noutput 3", 1)  # what is imported and read once
    print(f"resnet50 {milliseconds('use resnet50', 9):.0f} ms")
    resnet50 = plan("use resnet50")
    print(f"picture of resnet50 {least(lambda: draw_network(resnet50, 'resnet50'), 9):.0f} ms")
    for layers in (500, 1000, 2000, 3900):
        text = "input 8x8x1\n" + "conv 8 3x3 same\n" * layers
        print(f"{layers:,} layers {milliseconds(text, 5):.0f} ms")
    sys.path.insert(0, str(ROOT))
    from tests.lang.test_robustness import LARGE

    found = sorted(((milliseconds(text, 3), name) for name, text in LARGE.items()), reverse=True)
    for took, name in found[:WORST]:
        print(f"{name} {took:.0f} ms")
    assert "keras" not in sys.modules


if __name__ == "__main__":
    main()
