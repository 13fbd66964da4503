"""Shares of a batch: all rows once, in order, by weights that add up to one."""

import numpy as np
import pytest

from cnnmagic.integrations.shares import share_of


@pytest.mark.parametrize("whole", [1, 2, 3, 7, 32, 63])
@pytest.mark.parametrize("replicas", [1, 2, 3, 8])
def test_shares_are_the_batch(whole: int, replicas: int) -> None:
    rows = np.arange(100, 100 + whole)
    shares = [share_of(whole, rank, replicas) for rank in range(replicas)]
    parts = [share.take(rows) for share in shares if share.rows]
    np.testing.assert_array_equal(np.concatenate(parts), rows)
    assert sum(share.weight for share in shares) == pytest.approx(1)
    assert max(share.rows for share in shares) - min(share.rows for share in shares) <= 1


def test_a_replica_without_rows_gets_one_that_weighs_nothing() -> None:
    share = share_of(1, 1, 2)
    assert (share.rows, share.weight) == (0, 0.0)
    np.testing.assert_array_equal(share.take(np.array([41])), [41])


def test_means_over_shares_by_their_weights_are_the_mean() -> None:
    losses = np.random.default_rng(0).random(17)
    shares = [share_of(17, rank, 3) for rank in range(3)]
    assert sum(losses[s.start : s.end].mean() * s.weight for s in shares) == pytest.approx(losses.mean())
