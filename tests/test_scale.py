"""The simulation of many workers: each part held against what is known of it in closed form."""

import importlib.util
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import plan

PATH = Path(__file__).parents[1] / "benchmarks" / "scale.py"


@pytest.fixture(scope="module")
def scale() -> Any:
    spec = importlib.util.spec_from_file_location("scale", PATH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scale"] = module  # where dataclasses look for their annotations
    spec.loader.exec_module(module)
    return module


def test_the_networks_are_those_of_the_zoo(scale: Any) -> None:
    assert {net.name: net.parameters for net in scale.NETS} == {
        net.name: plan(f"use {net.name}").parameters for net in scale.NETS
    }


def test_a_ring_sends_what_summing_and_spreading_take(scale: Any) -> None:
    for workers in (1, 2, 3, 8, 1000):
        part = 4 * 1_000 / workers  # bytes of one of N parts, sent on N - 1 times twice
        assert scale.exchanged(1_000, workers) == pytest.approx(sum(2 * [part * (workers - 1)]))


def test_equal_steps_wait_for_nobody(scale: Any) -> None:
    net, random = scale.NETS[0], np.random.default_rng(0)
    alone = scale.computing(net, 1, np.ones(10), 50, random)
    assert scale.computing(net, 1000, np.ones(10), 50, random) == alone == net.batch * net.seconds_per_image


def test_the_slowest_of_two_dice(scale: Any) -> None:
    """The larger of two dice shows 161/36 in the mean."""
    net = scale.Net("dice", 1, 1, 1.0, 1)
    mean = scale.computing(net, 2, np.arange(1, 7), 40_000, np.random.default_rng(1))
    assert mean == pytest.approx(161 / 36, rel=0.01)


def test_failures_cost_what_the_formula_says(scale: Any) -> None:
    """J. T. Daly, "A higher order estimate of the optimum checkpoint interval" (2006), eq. 20: the time to the end."""
    net, cluster = scale.NETS[2], scale.Cluster(life=200 * 3600.0, writing=0.2e9)
    workers = 400
    between, cost = cluster.life / workers, scale.checkpoint(net, cluster)
    interval, again = scale.best_interval(net, workers, cluster), cluster.detecting + cluster.starting
    expected = interval / (between * math.exp(again / between) * math.expm1((interval + cost) / between))
    found = np.mean([scale.useful(net, workers, cluster, 24.0, np.random.default_rng(seed)) for seed in range(30)])
    assert found == pytest.approx(expected, rel=0.02)


def test_storage_is_shared(scale: Any) -> None:
    net = scale.NETS[1]
    cluster = scale.Cluster(reading=1e9, storage=10e9)
    assert scale.reading(net, 1, cluster) == scale.reading(net, 10, cluster) == net.batch * net.bytes_per_image / 1e9
    assert scale.reading(net, 20, cluster) == 2 * scale.reading(net, 10, cluster)
