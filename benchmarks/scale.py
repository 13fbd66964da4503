"""What a step, a day and a failure cost on 1 to 1,000 workers: a simulation, by constants that are named.

`python benchmarks/scale.py` prints the tables of docs/scale.md. Nothing is trained: every worker's step takes its
arithmetic with chance added, then all wait for the slowest and exchange their gradients around a ring; workers fail by
chance, and all go on from the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

WORKERS = (1, 2, 8, 32, 128, 512, 1000)
FLOAT_BYTES = 4
STEPS, DAYS = 2_000, 200
DAY = 86_400.0


@dataclass(frozen=True)
class Network:
    """A network: its weights, and floating-point operations of one image's way forward.

    `reading` images a second one machine read and decoded from Parquet: measured, on 2 cores.
    """

    name: str
    weights: int
    flops: float
    reading: float


@dataclass(frozen=True)
class Constants:
    """What the machines are like. `measured` here on one machine of 2 cores; the others are assumed, and said so."""

    overhead: float = 0.025  # measured: seconds that two workers need for a step beside its arithmetic
    detection: float = 3.6  # measured as 1.6 s from a killed executor to a failed run, before 2 s more were waited
    restart: float = 26.0  # measured: seconds from a resume to the first batch, 16 to 26 on an idle machine
    meeting: float = 0.1  # of the code: seconds between two meetings of the ranks
    checkpoint: float = 60.0  # of the language: seconds between two checkpoints
    speed: float = 2e13  # assumed: FLOP/s that a worker's GPU keeps up
    bandwidth: float = 1.25e9  # assumed: bytes a second between two machines, 10 Gbit/s
    latency: float = 5e-5  # assumed: seconds of one message between two machines
    jitter: float = 0.05  # assumed: standard deviation of a step's logarithm
    lifetime: float = 60 * DAY  # assumed: seconds between two failures of one worker


NETWORKS = (Network("mnist_cnn", 1_199_882, 2.4e7, 16_000.0), Network("resnet50", 25_557_032, 8.2e9, 2_100.0))
BATCH = 32  # images of each worker


def exchange(weights: int, workers: int, constants: Constants) -> tuple[float, float]:
    """Bytes that each worker sends in a step, and seconds: a ring, P. Patarasuk and X. Yuan (2009)."""
    if workers == 1:
        return 0.0, 0.0
    sent = 2 * (workers - 1) / workers * weights * FLOAT_BYTES
    seconds = sent / constants.bandwidth + 2 * (workers - 1) * constants.latency + constants.overhead
    return sent, seconds


def step(network: Network, workers: int, constants: Constants, chance: np.random.Generator) -> float:
    """Seconds of a step in the mean: the slowest worker's arithmetic and reading, and the exchange."""
    alone = max(3 * network.flops * BATCH / constants.speed, BATCH / network.reading)
    slowest = alone * np.exp(chance.normal(0, constants.jitter, (STEPS, workers))).max(axis=1).mean()
    return float(slowest) + exchange(network.weights, workers, constants)[1]


def lost(workers: int, constants: Constants, chance: np.random.Generator) -> float:
    """The part of a day that failures take: since the last checkpoint, until it is seen, until it goes on."""
    failures = chance.poisson(DAYS * DAY * workers / constants.lifetime)
    since = chance.uniform(0, constants.checkpoint, failures)
    return float(min(1.0, (since + constants.detection + constants.restart).sum() / (DAYS * DAY)))


def rows(network: Network, constants: Constants) -> Iterator[tuple[str, ...]]:
    """One row for each number of workers."""
    chance = np.random.default_rng(0)
    alone = BATCH / step(network, 1, constants, chance)
    for workers in WORKERS:
        sent, seconds = exchange(network.weights, workers, constants)
        whole, gone = step(network, workers, constants, chance), lost(workers, constants, chance)
        speed = workers * BATCH / whole * (1 - gone)
        yield (
            f"{workers:,}",
            f"{workers * BATCH:,}",
            f"{sent / 1e6:,.1f}",
            f"{1000 * seconds:,.0f}",
            f"{1000 * whole:,.0f}",
            f"{speed:,.0f}",
            f"{speed / (workers * alone):.0%}",
            f"{workers * DAY / constants.lifetime:.1f}",
            f"{gone:.1%}",
            f"{(workers - 1) / constants.meeting:,.0f}",
        )


HEADS = (
    *("workers", "batch", "MB sent a step", "ms exchange", "ms a step", "images/s", "efficiency"),
    *("failures a day", "time lost", "messages/s"),
)


def table(network: Network, constants: Constants) -> str:
    """The rows as a table of Markdown."""
    lines = [HEADS, ("---:",) * len(HEADS), *rows(network, constants)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    for each in NETWORKS:
        print(f"{each.name}\n\n{table(each, Constants())}\n")
