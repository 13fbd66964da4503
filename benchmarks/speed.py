"""Images a second of ways to train one network: a newcomer's Keras, the best hand-tuned Keras, PyTorch, and cnnmagic.

`python benchmarks/speed.py` lets them take turns in one process, prints a table with the spread of the rounds and the
part of the machine's peak that each reaches, and writes build/benchmarks/speed.json. PyTorch takes part where it is
installed. `--seeds 5` also trains with so many seeds, and tells the accuracies. MNIST is read from the folder that
CNNMAGIC_TEST_DATA names, or downloaded; resnet20 trains on noise of CIFAR-10's shape. All train on the
GPU where there is one, and Keras on the backend that KERAS_BACKEND names, TensorFlow or JAX.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import peers

from cnnmagic import plan
from cnnmagic.engine.backend import device_name
from cnnmagic.hardware import precision_of

RESULT = Path(__file__).parents[1] / "build" / "benchmarks" / "speed.json"
BATCH = 128
TRAIN = f"train epochs=%d batch={BATCH} optimizer=adam validation=0 schedule=constant checkpoint=no"
IMAGES = {"mnist_cnn": 5_120, "resnet20": 1_280, "lenet5": 25_600, "mnist_fast": 10_240}
MORE_ON_GPU = 10

Data = tuple[np.ndarray, np.ndarray]
Way = Callable[[], float]


def data_for(net: str, count: int) -> tuple[Data, Data]:
    """Training and test images as they come, 0 … 255, and their labels."""
    if net == "resnet20":
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        labels = random.integers(0, 10, count)
        return (images, labels), (images[:1000], labels[:1000])
    (images, labels), test = mnist()
    return (images[:count], labels[:count]), test


def mnist() -> tuple[Data, Data]:
    """All of MNIST."""
    folder = os.environ.get("CNNMAGIC_TEST_DATA")
    if folder:
        with np.load(Path(folder) / "mnist.npz") as archive:
            x, y, x_test, y_test = (archive[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    else:
        import keras

        (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()
    return (x[..., None], y.astype(np.int64)), (x_test[..., None], y_test.astype(np.int64))


def plain_model(net: str, policy: str = "float32") -> Any:
    """The network as one writes it in Keras: its own batch normalization, pixels scaled beforehand."""
    import keras

    from cnnmagic import build

    model = build(f"use {net}")

    def remade(layer: Any) -> Any:
        own = policy if layer.name != "output" else "float32"
        return type(layer).from_config({**layer.get_config(), "dtype": own})

    return keras.models.clone_model(model, clone_function=remade)


def compiled(model: Any, **options: Any) -> Any:
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def second_epoch(model: Any, *data: Any, **options: Any) -> float:
    """Seconds of the second of two epochs: the first one pays for what is done once."""
    import keras

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.begun = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seconds = time.perf_counter() - self.begun

    watch = Watch()
    model.fit(*data, epochs=2, verbose=0, callbacks=[watch], **options)
    return watch.seconds


def newcomer(net: str, data: Data) -> Way:
    """`fit(x, y, batch_size=128)` of what `compile` makes by itself."""
    model, images = compiled(plain_model(net)), data[0].astype("float32") / 255
    return lambda: second_epoch(model, images, data[1], batch_size=BATCH)


def tuned_by_hand(net: str, data: Data) -> tuple[Way, str]:
    """The best of what one tries by hand in both precisions, with the words that name it."""
    import keras

    images, lower = data[0].astype("float32") / 255, precision_of("auto")[0]
    policies = ["float32"] + [f"mixed_{lower}"] * (lower != "float32")
    tried = _tried_on_jax if keras.backend.backend() == "jax" else _tried_on_tensorflow
    ways = tried(net, (images, data[1]), policies)
    best = min(ways, key=lambda name: ways[name]())
    return ways[best], best


def _tried_on_tensorflow(net: str, data: Data, policies: list[str]) -> dict[str, Way]:
    """XLA on or off, fed by `tf.data`."""
    import tensorflow as tf

    fed = tf.data.Dataset.from_tensor_slices(data).cache().shuffle(len(data[0]), seed=0)
    fed = fed.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    ways: dict[str, Way] = {}
    for jit in (False, True):
        for policy in policies:
            model = compiled(plain_model(net, policy), jit_compile=jit)
            ways[f"{policy}, XLA {'on' if jit else 'off'}"] = lambda model=model: second_epoch(model, fed)
    return ways


def _tried_on_jax(net: str, data: Data, policies: list[str]) -> dict[str, Way]:
    """One step or several an execution, the arrays in the device's memory or not."""
    import jax

    ways: dict[str, Way] = {}
    for place, arrays in (("host", data), ("device", jax.device_put(data))):
        for steps in (1, 16):
            for policy in policies:
                model = compiled(plain_model(net, policy), steps_per_execution=steps)
                name = f"{policy}, {steps} steps, arrays on the {place}"
                ways[name] = lambda model=model, arrays=arrays: second_epoch(model, *arrays, batch_size=BATCH)
    return ways


def cnnmagic(net: str, data: Data) -> tuple[Way, str]:
    """The real path: a run with its thread, events and checkpoints' bookkeeping."""
    from cnnmagic.lifecycle import work_of
    from cnnmagic.pipeline import build_model, load_data, make_plan
    from cnnmagic.run import Run

    plan = make_plan(f"data {{{{x}}}} {{{{y}}}} test=0\nuse {net}\n{TRAIN % 2}", {"x": data[0], "y": data[1]})
    dataset, model = load_data(plan), build_model(plan)

    def train() -> float:
        run = Run("net", plan, model, dataset)
        run.start(work_of(run))
        run.wait()
        return run.history["seconds"][-1]

    return train, plan.precision


def measure(net: str, rounds: int) -> dict[str, Any]:
    """Seconds of every round, and what the peers chose."""
    data, _ = data_for(net, IMAGES[net] * (1 if device_name() == "CPU" else MORE_ON_GPU))
    by_hand, chosen = tuned_by_hand(net, data)
    ours, precision = cnnmagic(net, data)
    ways = {"newcomer": newcomer(net, data), "tuned by hand": by_hand, "cnnmagic": ours, **pytorch(net, data)}
    names, seconds = list(ways), {name: [] for name in ways}  # type: dict[str, list[float]]
    for turn in range(rounds):
        for number in range(len(names)):
            name = names[(turn + number) % len(names)]
            seconds[name].append(ways[name]())
    lower = precision_of("auto")[0]
    return {
        "seconds": seconds,
        "images": len(data[0]),
        "tuned by hand": chosen,
        "precision": precision,
        "FLOPs of a step's image": 3 * (plan(f"use {net}").flops or 0),
        "peak": {name: peers.peak(name) for name in dict.fromkeys(("float32", lower))},
        "device": device_name(),
    }


def pytorch(net: str, data: Data) -> dict[str, Way]:
    """Eager and compiled, in the precision that cnnmagic takes."""
    if find_spec("torch") is None:
        return {}
    lower = precision_of("auto")[0]
    return {f"PyTorch {how}": peers.in_another_process(net, *data, BATCH, lower, how) for how in ("eager", "compiled")}


def accuracies(net: str, seeds: int, epochs: int) -> dict[str, list[float]]:
    """Test accuracies of a newcomer's Keras in float32 and of cnnmagic, on all of MNIST."""
    import keras

    import cnnmagic as package

    data, test = mnist()
    found: dict[str, list[float]] = {"newcomer": [], "cnnmagic": []}
    for seed in range(1, seeds + 1):
        keras.utils.set_random_seed(seed)
        model = compiled(plain_model(net), jit_compile="auto" if keras.backend.backend() == "jax" else False)
        model.fit(data[0] / np.float32(255), data[1], batch_size=BATCH, epochs=epochs, verbose=0)
        found["newcomer"].append(model.evaluate(test[0] / np.float32(255), test[1], verbose=0)[1])
        run = package.train(f"use {net}\nseed {seed}\n{TRAIN % epochs}", data=(*data, *test))
        found["cnnmagic"].append(run.evaluate()["accuracy"])
    return found


def table(net: str, result: dict[str, Any]) -> list[str]:
    """Rows of images a second and ratios: median, and from the lowest to the highest round."""
    seconds, lines = result["seconds"], []
    best = max(result["peak"].values())
    for name in seconds:
        speed = result["images"] / statistics.median(seconds[name])
        ratios = [
            [other / own for other, own in zip(seconds[peer], seconds[name], strict=True)]
            for peer in ("newcomer", "tuned by hand")
        ]
        cells = [f"{statistics.median(r):.2f} ({min(r):.2f} to {max(r):.2f})" for r in ratios]
        share = speed * result["FLOPs of a step's image"] / best
        lines.append(f"{net:<11}{name:<17}{speed:>8,.0f}  {cells[0]:>24}{cells[1]:>24}{share:>9.0%}")
    peaks = ", ".join(f"{value / 1e9:,.0f} GFLOP/s in {name}" for name, value in result["peak"].items())
    chosen = f"on {result['device']}; by hand: {result['tuned by hand']}; cnnmagic: {result['precision']}"
    return [*lines, f"{'':<11}{chosen}; peak of a matrix product: {peaks}"]


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("nets", nargs="*", default=["mnist_cnn", "resnet20"], help=", ".join(IMAGES))
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--seeds", type=int, default=0, help="train with so many seeds for the accuracy too")
    words.add_argument("--epochs", type=int, default=3, help="epochs of each of these trainings")
    given = words.parse_args()
    print(f"{'network':<11}{'way':<17}{'images/s':>8}  {'times newcomer':>24}{'times tuned by hand':>24}{'of peak':>9}")
    results: dict[str, Any] = {}
    for net in given.nets:
        results[net] = measure(net, given.rounds)
        print("\n".join(table(net, results[net])), flush=True)
        if given.seeds and net != "resnet20":
            results[net]["accuracies"] = found = accuracies(net, given.seeds, given.epochs)
            for name, values in found.items():
                spread = statistics.stdev(values) if len(values) > 1 else 0.0
                print(f"{net:<11}{name:<15}accuracy {statistics.mean(values):.2%}, of the seeds {spread:.2%}")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
