"""What the live dashboard costs against `model.fit(verbose=0)`, and what verbose=1, livelossplot and TensorBoard cost.

One kernel, one model, the same data and batch size; the ways of training take turns, and the seconds of each round are
compared with its plain fit. `python benchmarks/dashboard.py` prints a table and writes build/benchmarks/dashboard.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

HERE = Path(__file__).parent
RESULT = HERE.parent / "build" / "benchmarks" / "dashboard.json"
TEXT = """
data {{images}} {{labels}}
conv 32 3x3 relu
conv 64 3x3 relu
maxpool 2
flatten
dense 128 relu
output 10
train epochs=%d batch=128 validation=0.1
"""
PEERS = ("plain", "cnnmagic", "verbose=1", "livelossplot", "TensorBoard")


def measure(rounds: int, epochs: int, images_used: int) -> dict[str, list[float]]:
    """Seconds of each way of training, a list with one entry a round; runs in the kernel."""
    import keras
    import numpy as np

    from cnnmagic.pipeline import build_model, load_data, make_plan

    (images, labels), _ = _mnist(images_used)
    plan = make_plan(TEXT % epochs, {"images": images, "labels": labels})
    dataset, model = load_data(plan), build_model(plan)
    start = [np.array(weights) for weights in model.get_weights()]
    ways: dict[str, Callable[[], None]] = {
        "plain": lambda: _plain(model, dataset, plan),
        "cnnmagic": lambda: _with_dashboard(model, dataset, plan),
        "verbose=1": lambda: _plain(model, dataset, plan, verbose=1),
        "livelossplot": lambda: _with_livelossplot(model, dataset, plan),
    }
    if find_spec("tensorboard") is not None:
        ways["TensorBoard"] = lambda: _with_tensorboard(model, dataset, plan)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    _plain(model, dataset, plan)  # tracing and first touches are no one's cost
    for turn in range(rounds):
        first = turn % len(ways)
        for name in [*ways][first:] + [*ways][:first]:
            model.set_weights(start)
            keras.utils.set_random_seed(turn)
            started = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - started)
    return seconds


def _mnist(count: int) -> Any:
    import numpy as np

    folder = os.environ.get("CNNMAGIC_TEST_DATA")
    if folder:
        with np.load(Path(folder) / "mnist.npz") as archive:
            return (archive["x_train"][:count], archive["y_train"][:count]), None
    import keras

    (images, labels), rest = keras.datasets.mnist.load_data()
    return (images[:count], labels[:count]), rest


def _plain(model: Any, dataset: Any, plan: Any, callbacks: Any = None, verbose: int = 0) -> None:
    model.fit(
        dataset.train.images,
        dataset.train.labels,
        batch_size=plan.training.batch_size,
        epochs=plan.training.epochs,
        validation_data=(dataset.validation.images, dataset.validation.labels),
        verbose=verbose,
        callbacks=callbacks,
    )


def _with_dashboard(model: Any, dataset: Any, plan: Any) -> None:
    from cnnmagic.lifecycle import work_of
    from cnnmagic.run import Run
    from cnnmagic.ui.dashboard import Dashboard

    run = Run("net", plan, model, dataset)
    dashboard = Dashboard(run)
    run.start(work_of(run))
    dashboard.show()
    run.wait()
    dashboard.painted.wait(10)


def _with_livelossplot(model: Any, dataset: Any, plan: Any) -> None:
    from livelossplot import PlotLossesKeras

    _plain(model, dataset, plan, [PlotLossesKeras()])


def _with_tensorboard(model: Any, dataset: Any, plan: Any) -> None:
    import keras

    with tempfile.TemporaryDirectory() as folder:
        _plain(model, dataset, plan, [keras.callbacks.TensorBoard(folder)])


def in_kernel(rounds: int, epochs: int, images: int) -> tuple[dict[str, list[float]], list[int]]:
    """The seconds measured in a kernel, and the bytes of every message that updated a widget."""
    manager, client = start_new_kernel(extra_arguments=["--log-level=ERROR"])
    sizes: list[int] = []
    done = threading.Event()
    listener = threading.Thread(target=_listen, args=(client, sizes, done), daemon=True)
    listener.start()
    code = (
        f"import sys; sys.path[:0] = [{str(HERE)!r}]\n%matplotlib inline\n"
        f"import json, dashboard\nresult = json.dumps(dashboard.measure({rounds}, {epochs}, {images}))"
    )
    try:
        reply = client.execute_interactive(code, timeout=3600, output_hook=lambda message: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError("\n".join(reply["content"].get("traceback", ["the kernel failed"])))
        answer = client.execute_interactive("", user_expressions={"seconds": "result"}, timeout=60)
        text = answer["content"]["user_expressions"]["seconds"]["data"]["text/plain"]
    finally:
        done.set()
        listener.join(5)
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return json.loads(text.strip("'")), sizes


def _listen(client: BlockingKernelClient, sizes: list[int], done: threading.Event) -> None:
    """Read what a front end would get, on a connection of its own, and note how large the widgets' updates are."""
    socket = client.connect_iopub()
    session = client.session
    while not done.is_set():
        if not socket.poll(200):
            continue
        _, frames = session.feed_identities(socket.recv_multipart())
        header = json.loads(frames[1])
        if header["msg_type"] == "comm_msg":
            sizes.append(sum(len(frame) for frame in frames))


def report(seconds: dict[str, list[float]], sizes: list[int]) -> dict[str, Any]:
    """The table as data: medians, and the median of each round's ratio to the plain fit."""
    ways = {}
    for name, values in seconds.items():
        ratios = [value / plain for value, plain in zip(values, seconds["plain"], strict=True)]
        ways[name] = {
            "seconds": statistics.median(values),
            "ratio": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
        }
    messages = {"count": len(sizes), "largest": max(sizes, default=0), "median": statistics.median(sizes or [0])}
    return {"ways": ways, "messages": messages, "rounds": seconds}


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--epochs", type=int, default=8)
    words.add_argument("--images", type=int, default=12_000)
    given = words.parse_args()
    result = report(*in_kernel(given.rounds, given.epochs, given.images))
    print(f"{'way':<14}{'seconds':>9}{'of plain fit':>14}{'from':>8}{'to':>8}")
    for name, row in result["ways"].items():
        print(f"{name:<14}{row['seconds']:>9.2f}{row['ratio']:>14.3f}{row['lowest']:>8.3f}{row['highest']:>8.3f}")
    for name in PEERS:
        if name not in result["ways"]:
            print(f"{name:<14}left out: it is not installed")
    messages = result["messages"]
    print(
        f"widget updates: {messages['count']}, median {messages['median']:.0f} bytes, largest {messages['largest']:,}"
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
