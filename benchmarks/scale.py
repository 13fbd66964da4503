"""What a training gains from up to 1,000 workers: a simulation of steps, exchange, reading, checkpoints, failures.

`python benchmarks/scale.py` first measures on this machine what it can (the spread of steps' times, how fast a
checkpoint is written), takes the other constants from `Cluster`, each with where it comes from, prints tables of
docs/scale.md and writes build/benchmarks/scale.json. It simulates synchronous data parallelism as `train workers=N`
does it: every worker computes the gradients of its part of a batch, a ring sums them, a dead worker ends the job, and
the job goes on from its last checkpoint.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

RESULT = Path(__file__).parents[1] / "build" / "benchmarks" / "scale.json"
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
HOUR = 3600.0


@dataclass(frozen=True)
class Net:
    """A network and how one worker trains it: its parameters, the images of its batch, its seconds and bytes an image.

    The seconds of resnet20 are those of a processor of two cores, the others' those of a GPU of 400 and 250 images/s.
    """

    name: str
    parameters: int
    batch: int
    seconds_per_image: float
    bytes_per_image: int


@dataclass(frozen=True)
class Cluster:
    """Machines, and what was measured of the job that trains on them."""

    bandwidth: float = 1.25e9  # bytes/s of a machine's network, 10 Gbit/s: of the cheaper cloud machines
    latency: float = 100e-6  # s of a message between two machines of one zone
    overhead: float = 0.020  # s a step that two workers on one machine took beyond ring and computing: measured
    storage: float = 25e9  # bytes/s that one bucket or volume gives to all readers together
    reading: float = 0.95e9  # bytes/s of one worker that reads encoded images from Parquet: measured
    writing: float = 0.5e9  # bytes/s of a checkpoint: measured by `writing_speed`
    detecting: float = 10.0  # s from the death of a worker to the end of the job: measured, 5 to 10
    starting: float = 26.0  # s to start a job anew: measured, 16 to 26 with processes that are cold
    life: float = 1_000 * HOUR  # mean time between failures of one machine, spot machines live shorter


NETS = (
    Net("resnet20", 274_042, 128, 1.6e-3, 2_500),
    Net("resnet50", 25_636_712, 64, 2.5e-3, 110_000),
    Net("vgg16", 138_357_544, 32, 4.0e-3, 110_000),
)


def exchanged(parameters: int, workers: int) -> float:
    """Bytes that each worker sends in a step: a ring sums and spreads 4 bytes a parameter in 2(N - 1)/N turns.

    P. Patarasuk and X. Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations" (2009).
    """
    return 2 * (workers - 1) / workers * 4 * parameters


def exchange(net: Net, workers: int, cluster: Cluster) -> float:
    """Seconds of a step's exchange: bytes over bandwidth, 2(N - 1) messages one after the other, and the overhead."""
    if workers == 1:
        return 0.0
    sent = exchanged(net.parameters, workers) / cluster.bandwidth
    return sent + 2 * (workers - 1) * cluster.latency + cluster.overhead


def computing(net: Net, workers: int, spread: np.ndarray, steps: int, random: np.random.Generator) -> float:
    """Mean seconds until the slowest of the workers has computed: each draws its step from the measured spread."""
    slowest = random.choice(spread, (steps, workers)).max(axis=1)
    return float(net.batch * net.seconds_per_image * slowest.mean())


def reading(net: Net, workers: int, cluster: Cluster) -> float:
    """Seconds that a worker waits for a step's images: its own reading, or its share of the storage."""
    return net.batch * net.bytes_per_image / min(cluster.reading, cluster.storage / workers)


def checkpoint(net: Net, cluster: Cluster) -> float:
    """Seconds to write weights and Adam's two means, 12 bytes a parameter; one worker writes for all."""
    return 12 * net.parameters / cluster.writing


def best_interval(net: Net, workers: int, cluster: Cluster) -> float:
    """Seconds between checkpoints that lose least: the root of 2 x writing x time between failures.

    J. W. Young, "A first order approximation to the optimum checkpoint interval" (1974).
    """
    return math.sqrt(2 * checkpoint(net, cluster) * cluster.life / workers)


def useful(net: Net, workers: int, cluster: Cluster, hours: float, random: np.random.Generator) -> float:
    """The share of the time that is trained and kept, by playing failures until `hours` of training are done."""
    interval, writing = best_interval(net, workers, cluster), checkpoint(net, cluster)
    wanted, done, clock = hours * HOUR, 0.0, 0.0
    failure = random.exponential(cluster.life / workers)
    while done < wanted:
        part = min(interval, wanted - done)
        if clock + part + writing <= failure:
            clock, done = clock + part + writing, done + part
        else:  # what was trained since the last checkpoint is lost
            clock = failure + cluster.detecting + cluster.starting
            failure = clock + random.exponential(cluster.life / workers)
    return done / clock


def simulate(net: Net, workers: int, cluster: Cluster, spread: np.ndarray, steps: int, seed: int) -> dict[str, float]:
    """Seconds of a step by what they go to, images a second, and how much of N times one worker that is."""
    random = np.random.default_rng(seed)
    computed = computing(net, workers, spread, steps, random)
    waited = max(0.0, reading(net, workers, cluster) - computed)  # images are read while the last are computed
    sent = exchange(net, workers, cluster)
    kept = useful(net, workers, cluster, 24.0, random)
    alone = computing(net, 1, spread, steps, random)
    speed = workers * net.batch / (computed + waited + sent) * kept
    return {
        "workers": workers,
        "computing": computed,
        "exchange": sent,
        "waiting for images": waited,
        "kept": kept,
        "images/s": speed,
        "efficiency": speed / (workers * net.batch / alone),
        "megabytes sent": exchanged(net.parameters, workers) / 1e6,
        "checkpoint every": best_interval(net, workers, cluster),
    }


def measured_spread(steps: int) -> np.ndarray:
    """How times of equal steps differ on this machine, their median taken as 1: products of the same two matrices."""
    one = np.random.default_rng(0).random((600, 600), np.float32)
    times = []
    for _ in range(steps):
        begun = time.perf_counter()
        for _ in range(4):
            one @ one
        times.append(time.perf_counter() - begun)
    return np.array(times) / np.median(times)


def writing_speed(size: int = 200_000_000) -> float:
    """Bytes a second of a file that is on the disk, and not only in the system's cache."""
    content = os.urandom(size // 10)
    with tempfile.TemporaryFile() as file:
        begun = time.perf_counter()
        for _ in range(10):
            file.write(content)
        file.flush()
        os.fsync(file.fileno())
        return size / (time.perf_counter() - begun)


def told(net: Net, rows: list[dict[str, float]]) -> str:
    """A table of one network."""
    lines = [f"{net.name}: {net.parameters:,} parameters, {net.batch} images a worker and step"]
    lines.append("workers  computing  exchange  waiting   kept  images/s  efficiency  checkpoint every")
    for row in rows:
        seconds = f"{row['computing']:>9.3f} s{row['exchange']:>8.3f} s{row['waiting for images']:>7.3f} s"
        gained = f"{row['kept']:>7.1%}{row['images/s']:>10,.0f}{row['efficiency']:>12.0%}"
        lines.append(f"{row['workers']:>7,.0f}{seconds}{gained}{row['checkpoint every']:>16,.0f} s")
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--steps", type=int, default=2_000, help="steps that are drawn, and measured")
    words.add_argument("--seed", type=int, default=0)
    given = words.parse_args()
    spread, cluster = measured_spread(given.steps), Cluster(writing=writing_speed())
    slow = np.quantile(spread, [0.5, 0.9, 0.99])
    print(
        f"times of steps: median 1, of ten the slowest {slow[1]:.2f}, of a hundred {slow[2]:.2f}, "
        f"at most {spread.max():.2f}"
    )
    print(f"a checkpoint is written at {cluster.writing / 1e6:,.0f} MB/s\n")
    found = {}
    for net in NETS:
        found[net.name] = [simulate(net, count, cluster, spread, given.steps, given.seed) for count in WORKERS]
        print(told(net, found[net.name]), end="\n\n")
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    told_of = {"cluster": asdict(cluster), "quantiles 50, 90, 99": slow.tolist(), "networks": found}
    RESULT.write_text(json.dumps(told_of, indent=2) + "\n")


if __name__ == "__main__":
    main()
