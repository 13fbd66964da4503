"""Images a second that reach a training from a Spark frame of encoded images, against reading its Parquet by hand.

20,000 images lie in Parquet. By hand they are read by `pyarrow.dataset` and decoded in parallel by `tf.data`, in every
epoch anew, or once with `.cache()`. cnnmagic gets `spark.read.parquet(…)` as `data {{frame}}`, and brings it here by
Arrow, or, with the limit of memory set low, by Parquet of its own that it streams; it checks every image besides.
`python benchmarks/reading_spark.py` lets all take turns in one process, each from the frame to the last batch, prints a
table with the spread of the rounds, and writes build/benchmarks/reading_spark.json. It needs `cnnmagic[spark]`, Java.
One epoch pays for the frame's way here; further ones come from decoded images.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from reading import BATCH, CLASSES, Way, fed, in_turns

RESULT = Path(__file__).parents[1] / "build" / "benchmarks" / "reading_spark.json"
WAYS = ("by hand", "by hand, cached", "Spark, Arrow", "Spark, Parquet")
GOAL = 0.8  # of "by hand", for both of ours
# kind of the files, height, channels
CASES = {"digits": ("PNG", 28, 1), "thumbnails": ("JPEG", 32, 3), "photos": ("JPEG", 160, 3)}


def make_files(folder: Path, case: str, count: int) -> None:
    """Parquet files of images of smooth noise, 2,000 in a group of rows as pyarrow might write them."""
    import pyarrow
    import pyarrow.parquet
    from PIL import Image

    kind, size, channels = CASES[case]
    random, contents = np.random.default_rng(0), []
    for _ in range(count):
        coarse = random.integers(0, 256, (size // 4, size // 4, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
        file = io.BytesIO()
        image.convert("L" if channels == 1 else "RGB").save(file, kind)
        contents.append(file.getvalue())
    half = count // 2
    for part, rows in enumerate((slice(0, half), slice(half, count))):
        labels = [number % CLASSES for number in range(count)][rows]
        table = pyarrow.table({"content": contents[rows], "label": labels})
        pyarrow.parquet.write_table(table, folder / f"part-{part}.parquet", row_group_size=2_000)


def by_hand(folder: Path, case: str, epochs: int, cached: bool) -> Way:
    """What one would write: batches of Arrow, unbatched, decoded in parallel, shuffled, batched, made ahead."""
    import pyarrow.dataset
    import tensorflow as tf

    kind, size, channels = CASES[case]
    decode = tf.io.decode_png if kind == "PNG" else tf.io.decode_jpeg

    def rows() -> Any:
        found = pyarrow.dataset.dataset(folder, format="parquet")
        for batch in found.to_batches(columns=["content", "label"], batch_size=1_024):
            yield np.array(batch.column(0).to_pylist(), object), batch.column(1).to_numpy()

    def decoded(content: Any, label: Any) -> Any:
        return tf.ensure_shape(decode(content, channels), (size, size, channels)), label

    def read() -> int:
        signature = (tf.TensorSpec((None,), tf.string), tf.TensorSpec((None,), tf.int64))
        given = tf.data.Dataset.from_generator(rows, output_signature=signature).unbatch()
        given = given.map(decoded, num_parallel_calls=tf.data.AUTOTUNE)
        given = given.cache() if cached else given
        given = given.shuffle(4_096, seed=0).batch(BATCH).prefetch(tf.data.AUTOTUNE)
        return sum(len(images) for _ in range(epochs) for images, _ in given)

    return read


def by_spark(spark: Any, folder: Path, case: str, epochs: int, share: float) -> Way:
    """A frame of Spark, checked, decoded, kept and fed as in a training; `share` of the memory may hold it."""
    from cnnmagic.engine.reading import read_all
    from cnnmagic.integrations import frames
    from cnnmagic.pipeline import load_data, make_plan

    text = f"data {{{{frame}}}} test=0\ntrain validation=0 batch={BATCH}\nglobalavgpool\noutput"
    usual = frames.MOST_OF_MEMORY

    def read() -> int:
        frames.MOST_OF_MEMORY = share * usual
        found: Any = read_all(load_data(make_plan(text, {"frame": spark.read.parquet(f"file:{folder}")})))
        return fed(found, epochs)

    return read


def measure(spark: Any, case: str, count: int, rounds: int, epochs: int) -> dict[str, Any]:
    """Images a second of every round of a case."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_files(folder, case, count)
        hands = (by_hand(folder, case, epochs, cached) for cached in (False, True))
        made = (*hands, *(by_spark(spark, folder, case, epochs, share) for share in (1.0, 1e-12)))
        ways = dict(zip(WAYS, made, strict=True))
        speeds = in_turns(ways, rounds, count * epochs)
    return {"images": count, "epochs": epochs, "images a second": speeds}


def told(case: str, found: dict[str, Any]) -> str:
    """A table of one case: median, spread, and the share of what is read by hand, by the medians of the quotients."""
    speeds = found["images a second"]
    kind, size, channels = CASES[case]
    epochs = "1 epoch" if found["epochs"] == 1 else f"{found['epochs']} epochs"
    lines = [f"{case}: {found['images']:,} {kind} of {size}x{size}x{channels}, {epochs}"]
    for way in WAYS:
        quotient = statistics.median(ours / other for ours, other in zip(speeds[way], speeds[WAYS[0]], strict=True))
        goal = f"   goal {GOAL}" if way.startswith("Spark") else ""
        spread = f"{min(speeds[way]):>8,.0f} … {max(speeds[way]):<8,.0f}"
        middle = f"{statistics.median(speeds[way]):>9,.0f} images/s"
        lines.append(f"  {way:<16}{middle}  {spread} {quotient:.2f} of by hand{goal}")
    return "\n".join(lines)


def started() -> Any:
    """A session on this machine's cores."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[*]").config("spark.driver.memory", "2g")
    for name in ("spark.driver.host", "spark.driver.bindAddress"):
        builder = builder.config(name, "127.0.0.1")
    for name in ("spark.ui.enabled", "spark.ui.showConsoleProgress"):
        builder = builder.config(name, "false")
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def main() -> None:
    """Measure all cases, one epoch and several, and write what came out."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--images", type=int, default=20_000)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--epochs", type=int, nargs="*", default=[1, 5])
    words.add_argument("--cases", nargs="*", choices=CASES, default=["digits", "thumbnails"])
    chosen = words.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    spark, found = started(), {}
    for case in chosen.cases:
        for epochs in chosen.epochs:
            one = measure(spark, case, chosen.images, chosen.rounds, epochs)
            found[f"{case}, {epochs}"] = one
            print(told(case, one), flush=True)
    spark.stop()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(f"written: {RESULT}")


if __name__ == "__main__":
    main()
