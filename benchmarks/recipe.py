"""Time to the accuracy of the classic recipe: mnist_cnn with Adadelta for 12 epochs, against the zoo's mnist_fast.

`python benchmarks/recipe.py` trains both on MNIST with five seeds, taking turns: the classic as a newcomer's Keras runs
it and as cnnmagic does, the fast one by cnnmagic. An epoch of the classic takes as long as the next, so that
`--classic 2` trains only so many of them and tells the time of all; its accuracy is then that of so few.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from speed import mnist, plain_model

RESULT = Path(__file__).parents[1] / "build" / "benchmarks" / "recipe.json"
EPOCHS, BATCH = 12, 128
TEXTS = {
    "classic, cnnmagic": "use mnist_cnn\ntrain epochs={epochs} validation=0",
    "mnist_fast": "use mnist_fast\ntrain",
}


def by_keras(data: Any, test: Any, seed: int, epochs: int) -> tuple[float, float]:
    """Seconds for all epochs, and test accuracy, of the classic recipe as it stands in Keras's examples."""
    import keras

    keras.utils.set_random_seed(seed)
    model = plain_model("mnist_cnn")
    optimizer = keras.optimizers.Adadelta(learning_rate=1.0)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images, started = data[0].astype("float32") / 255, time.perf_counter()
    model.fit(images, data[1], batch_size=BATCH, epochs=epochs, verbose=0)
    seconds = (time.perf_counter() - started) * EPOCHS / epochs
    return seconds, model.evaluate(test[0].astype("float32") / 255, test[1], verbose=0)[1]


def by_cnnmagic(text: str, data: Any, test: Any, seed: int, epochs: int) -> tuple[float, float]:
    """The same of a text."""
    import cnnmagic

    started = time.perf_counter()
    run = cnnmagic.train(f"seed {seed}\n{text.format(epochs=epochs)}", data=(*data, *test))
    seconds = time.perf_counter() - started
    part = EPOCHS / epochs if "{epochs}" in text else 1.0
    return seconds * part, run.evaluate()["accuracy"]


def measure(seeds: int, epochs: int) -> dict[str, list[tuple[float, float]]]:
    """(seconds, accuracy) of each seed, by way."""
    data, test = mnist()
    found: dict[str, list[tuple[float, float]]] = {"classic, Keras": [], **{name: [] for name in TEXTS}}
    for seed in range(1, seeds + 1):
        found["classic, Keras"].append(by_keras(data, test, seed, epochs))
        for name, text in TEXTS.items():
            found[name].append(by_cnnmagic(text, data, test, seed, epochs))
        for name, values in found.items():
            print(f"seed {seed}  {name:<20}{values[-1][0]:>8.1f} s  {values[-1][1]:.2%}", flush=True)
    return found


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seeds", type=int, default=5)
    words.add_argument("--classic", type=int, default=EPOCHS, help="epochs of the classic recipe to train")
    given = words.parse_args()
    found = measure(given.seeds, given.classic)
    whole = [seconds for seconds, _ in found["classic, Keras"]]
    print(f"{'way':<20}{'seconds':>9}{'of the classic':>16}{'accuracy':>10}{'of seeds':>10}")
    for name, values in found.items():
        parts = [seconds / classic for (seconds, _), classic in zip(values, whole, strict=True)]
        scores = [accuracy for _, accuracy in values]
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        seconds = statistics.median(seconds for seconds, _ in values)
        print(
            f"{name:<20}{seconds:>9.1f}{statistics.median(parts):>16.3f}{statistics.mean(scores):>10.2%}{spread:>10.2%}"
        )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"epochs of the classic": given.classic, "ways": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
