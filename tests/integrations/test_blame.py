"""Of several workers that end, the one that began it is named."""

import pytest

from cnnmagic.integrations.blame import Sign, first_cause, is_silent, refusal


def failed(rank: int, error: str) -> Sign:
    return Sign("failed", rank, {"error": error, "reason": "", "remedy": ""})


def ended(rank: int, how: str) -> Sign:
    return Sign("ended", rank, {"ended": how, "tail": ""})


def gone(rank: int) -> Sign:
    return Sign("gone", rank, {})


KILLED, CODE = "its process was killed by SIGKILL", "its process ended with code 4"
LOST = "UnavailableError: Connection reset by peer"
CASES = {
    "a kill comes after what it does to another": ([failed(0, LOST), gone(0), gone(1), ended(1, KILLED)], 1, KILLED),
    "a machine says nothing": ([failed(0, LOST), gone(1), ended(0, CODE), gone(0)], 1, "its task with it"),
    "an error of its own": ([failed(1, LOST), gone(1), failed(0, "ValueError: no"), ended(0, CODE)], 0, "ValueError"),
    "nothing but an error": ([failed(1, "DataError: other data")], 1, "other data"),
    "nothing but a line": ([gone(0)], 0, "is gone, and its task with it"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_cause_is_named(case: str) -> None:
    signs, rank, told = CASES[case]
    cause = first_cause(signs)
    assert cause.rank == rank
    assert str(refusal(cause, {rank: "node-7"})).startswith(f"worker {rank} on node-7")
    assert told in str(refusal(cause, {}))


def test_a_line_that_broke_is_waited_for_until_its_task_tells_why() -> None:
    assert is_silent([failed(0, LOST), gone(1)]) and is_silent([gone(0)])
    assert not is_silent([gone(1), ended(1, KILLED)]) and not is_silent([failed(0, "ValueError: no")])
    assert not is_silent([])
