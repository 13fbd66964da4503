"""Images a second that reach a training from a folder of JPEG files, over a few epochs, in three ways.

A newcomer's `keras.utils.image_dataset_from_directory`, a `tf.data` pipeline tuned by hand (parallel decoding, a cache,
batches made ahead), and cnnmagic's, which checks every file besides. `python benchmarks/reading.py` lets them take
turns in one process, each from the listing of the folder to the last batch, prints a table with the spread of the
rounds, and writes build/benchmarks/reading.json. The files are made by chance, and lie in the system's cache for all.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULT = Path(__file__).parents[1] / "build" / "benchmarks" / "reading.json"
BATCH, CLASSES = 64, 10
WAYS = ("newcomer", "tuned by hand", "cnnmagic")
GOALS = {"newcomer": 1.5, "tuned by hand": 0.9}
# images, height and width of the files, and of what is trained on
CASES = {"thumbnails": (4_000, 32, 32, 32), "photos": (1_000, 320, 240, 128), "photos, on disk": (2_000, 320, 240, 160)}

Way = Callable[[], int]


def make_folder(path: Path, count: int, height: int, width: int) -> None:
    """JPEG files of smooth noise, as large as photos of their size are."""
    from PIL import Image

    random = np.random.default_rng(0)
    for number in range(count):
        folder = path / f"class{number % CLASSES}"
        folder.mkdir(exist_ok=True)
        coarse = random.integers(0, 256, (height // 4, width // 4, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:05}.jpg", quality=90)


def newcomer(folder: Path, size: int, epochs: int) -> Way:
    """As Keras's guide has it."""
    import keras

    def read() -> int:
        options = {"image_size": (size, size), "batch_size": BATCH, "verbose": False}
        given = keras.utils.image_dataset_from_directory(folder, **options)
        return sum(len(images) for _ in range(epochs) for images, _ in given)

    return read


def tuned_by_hand(folder: Path, size: int, epochs: int) -> Way:
    """Decoded in parallel once, held as bytes, shuffled, batched and prefetched; resized only where it must be."""
    import tensorflow as tf
    from PIL import Image

    resizes = Image.open(next(folder.glob("*/*.jpg"))).size != (size, size)

    def decoded(path: Any, label: Any) -> Any:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        if resizes:
            image = tf.cast(tf.round(tf.image.resize(image, (size, size), antialias=True)), tf.uint8)  # as cnnmagic
        return image, label

    def read() -> int:
        paths = sorted(map(str, folder.glob("*/*.jpg")))
        names = sorted({Path(path).parent.name for path in paths})
        labels = [names.index(Path(path).parent.name) for path in paths]
        given = tf.data.Dataset.from_tensor_slices((paths, labels)).map(decoded, num_parallel_calls=tf.data.AUTOTUNE)
        given = given.cache().shuffle(len(paths), seed=0).batch(BATCH).prefetch(tf.data.AUTOTUNE)
        return sum(len(images) for _ in range(epochs) for images, _ in given)

    return read


def cnnmagic(folder: Path, size: int, epochs: int) -> Way:
    """Listed, checked, decoded, kept and fed as in a training."""
    from cnnmagic.engine.reading import read_all
    from cnnmagic.pipeline import load_data, make_plan

    settings = f'data "images:{folder}" test=0\nresize {size}x{size}\ntrain validation=0 batch={BATCH}'

    def read() -> int:
        return fed(read_all(load_data(make_plan(f"{settings}\nglobalavgpool\noutput", {}))), epochs)

    return read


def fed(dataset: Any, epochs: int) -> int:
    """Images that come out of some epochs' batches, as a training is fed with them."""
    from cnnmagic.engine.feed import Feed

    feed, seen = Feed(dataset.train.images, dataset.train.labels, BATCH, seed=0), 0
    source = feed.source()
    for epoch in range(epochs):
        feed.begin(epoch)
        seen += sum(len(images) for images, _ in source)
    return seen


def in_turns(ways: dict[str, Way], rounds: int, expected: int) -> dict[str, list[float]]:
    """Images a second of every round; the first, which pays for what is done once, is left out."""
    names, speeds = list(ways), {way: [] for way in ways}  # type: tuple[list[str], dict[str, list[float]]]
    for turn in range(rounds + 1):
        first = turn % len(names)
        for way in names[first:] + names[:first]:
            begun = time.perf_counter()
            seen = ways[way]()
            assert seen == expected, (way, seen)
            if turn:
                speeds[way].append(seen / (time.perf_counter() - begun))
    return speeds


def measure(case: str, rounds: int, epochs: int) -> dict[str, Any]:
    """Images a second of every round of a case."""
    count, height, width, size = CASES[case]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_folder(folder, count, height, width)
        made = (make(folder, size, epochs) for make in (newcomer, tuned_by_hand, cnnmagic))
        ways = dict(zip(WAYS, made, strict=True))
        speeds = in_turns(ways, rounds, count * epochs)
    return {"images": count, "file": [height, width], "size": size, "epochs": epochs, "images a second": speeds}


def told(case: str, found: dict[str, Any]) -> str:
    """A table of one case: median, spread, and cnnmagic's share of it, by the medians of the rounds' quotients."""
    speeds = found["images a second"]
    lines = [f"{case}: {found['images']:,} files, {found['epochs']} epochs at {found['size']}x{found['size']}"]
    for way in WAYS:
        quotient = statistics.median(ours / other for ours, other in zip(speeds[WAYS[2]], speeds[way], strict=True))
        goal = f"   goal {GOALS[way]}" if way in GOALS else ""
        spread = f"{min(speeds[way]):>8,.0f} … {max(speeds[way]):<8,.0f}"
        middle = f"{statistics.median(speeds[way]):>9,.0f} images/s"
        lines.append(f"  {way:<14}{middle}  {spread} cnnmagic is {quotient:.2f}{goal}")
    return "\n".join(lines)


def main() -> None:
    """Measure all cases and write what came out."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--epochs", type=int, default=5)
    words.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    chosen = words.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    found = {}
    for case in chosen.cases:
        found[case] = measure(case, chosen.rounds, chosen.epochs)
        print(told(case, found[case]), flush=True)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
