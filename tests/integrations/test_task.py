"""What a task gives the process of its rank."""

import json
from types import SimpleNamespace

import pytest

from cnnmagic.integrations.task import Job, environment, gpus_of


@pytest.mark.parametrize(
    ("addresses", "seen", "expected"),
    [
        (["1"], "", "1"),
        (["0", "3"], "", "0,3"),
        (["1"], "4,5,6", "5"),
        (["0", "2"], "GPU-a,GPU-b,GPU-c", "GPU-a,GPU-c"),
    ],
)
def test_a_task_takes_the_gpus_that_are_its_own(addresses: list[str], seen: str, expected: str) -> None:
    resources = {"gpu": SimpleNamespace(name="gpu", addresses=addresses)}
    assert gpus_of(resources, {"CUDA_VISIBLE_DEVICES": seen}) == {"CUDA_VISIBLE_DEVICES": expected}


def test_where_spark_shares_out_no_gpus_all_are_seen() -> None:
    assert gpus_of({}, {"CUDA_VISIBLE_DEVICES": "0,1"}) == {}


def test_a_rank_knows_of_the_others() -> None:
    job = Job(("127.0.0.1", 5000), "secret", 2, {"KERAS_BACKEND": "jax"}, {})
    found = environment(job, 1, [{"host": "a", "train": 1}, {"host": "b", "train": 2}])
    assert found["KERAS_BACKEND"] == "jax"
    assert json.loads(found["TF_CONFIG"]) == {
        "cluster": {"worker": ["a:1", "b:2"]},
        "task": {"type": "worker", "index": 1},
    }
