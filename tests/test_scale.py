"""docs/scale.md holds the tables that its simulation gives, which hold against sums done by hand."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from scale import (  # type: ignore[import-not-found]  # noqa: E402  # benchmarks are no package
    DAY,
    NETWORKS,
    Constants,
    exchange,
    lost,
    table,
)

TEXT = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
def test_the_page_holds_the_simulation_s_table(network: Any) -> None:
    held = re.search(rf"<!-- generated: {network.name} -->\n\n(.*?)\n\n<!-- end -->", TEXT, re.DOTALL)
    assert held is not None and held[1] == table(network, Constants())


def test_a_ring_of_two_sends_all_gradients_once() -> None:
    sent, seconds = exchange(1_000_000, 2, Constants(overhead=0, bandwidth=1e6, latency=1))
    assert (sent, seconds) == (4e6, 4 + 2)
    assert exchange(1_000_000, 1, Constants()) == (0, 0)


def test_the_time_lost_is_that_of_the_failures() -> None:
    import numpy as np

    constants = Constants(checkpoint=0, detection=10, restart=20, lifetime=DAY)
    assert lost(10, constants, np.random.default_rng(1)) == pytest.approx(10 * 30 / DAY, rel=0.1)
