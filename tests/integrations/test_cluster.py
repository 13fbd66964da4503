"""What of a cluster can be judged without one: settings, versions, paths, what an error of Spark's says."""

import socket

import pytest

from cnnmagic.errors import RunError
from cnnmagic.integrations import task
from cnnmagic.integrations.cluster import (
    check_allocation,
    compare,
    last_line,
    session,
    unseen_data,
    versions,
)
from cnnmagic.integrations.spark import advice
from cnnmagic.integrations.task import PORTS, free_port, how_it_ended
from cnnmagic.pipeline import make_plan
from tests.integrations.connected import Connected

WANTED = {"python": "3.11", "keras": "3.15.1", "tensorflow": "2.21.0"}


@pytest.mark.parametrize(
    "told, message",
    [
        ({**WANTED, "keras": "3.9.0"}, "the worker on n1 has keras 3.9.0, and this notebook has 3.15.1"),
        ({"python": "3.11", "keras": "3.15.1"}, "the worker on n1 lacks tensorflow, and this notebook has 2.21.0"),
        ({**WANTED, "python": "3.12"}, "the worker on n1 has python 3.12"),
    ],
)
def test_other_versions_are_told(told: dict[str, str], message: str) -> None:
    with pytest.raises(RunError, match=message):
        compare(WANTED, {"host": "n1", "versions": told, "unseen": []}, {})


def test_a_worker_like_the_driver_is_taken_and_one_without_the_data_is_not() -> None:
    own = versions("tensorflow")
    compare(own, {"host": "n1", "versions": own, "unseen": []}, {"/data": unseen_data("/data")})
    with pytest.raises(RunError, match="n1 can't see `/data`"):
        compare(own, {"host": "n1", "versions": own, "unseen": ["/data"]}, {"/data": unseen_data("/data")})


def test_dynamic_allocation_is_refused() -> None:
    check_allocation(Connected(spark_dynamicAllocation_enabled="false"))
    with pytest.raises(RunError, match=r"`spark\.dynamicAllocation\.enabled` is on"):
        check_allocation(Connected(spark_dynamicAllocation_enabled="true"))


def test_no_session_is_told() -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    from pyspark.sql import SparkSession

    if SparkSession.getActiveSession() is not None:
        pytest.skip("a session of another test is active")
    with pytest.raises(RunError, match="there is no Spark session"):
        session()


def test_a_free_port_is_none_that_a_connection_may_get_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [free_port("127.0.0.1") for _ in range(20)]
    assert len(set(found)) > 15 and set(found) <= set(PORTS)
    with socket.create_server(("127.0.0.1", found[0])):
        monkeypatch.setattr(task, "PORTS", found[:2])
        assert free_port("127.0.0.1") == found[1]
        monkeypatch.setattr(task, "PORTS", found[:1])
        with pytest.raises(RuntimeError, match="are taken"):
            free_port("127.0.0.1")


@pytest.mark.parametrize(
    "code, told", [(-9, "killed by SIGKILL"), (4, "ended with code 4"), (-120, "killed by signal 120")]
)
def test_how_a_process_ended(code: int, told: str) -> None:
    assert told in how_it_ended(code)


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "\n  Traceback\nModuleNotFoundError: No module named 'keras'\n\tat org.apache.spark",
            "No module named 'keras'",
        ),
        ("An error occurred\n: org.apache.spark.SparkException: Job aborted: executor lost\n", "executor lost"),
        ("interrupted", "interrupted"),
    ],
)
def test_what_an_error_of_spark_says(text: str, told: str) -> None:
    assert told in last_line(RuntimeError(text))


def advised(layers: str, workers: int = 4) -> tuple[str, ...]:
    return advice(make_plan(f"data digits\n{layers}\noutput\ntrain batch=256 workers={workers}", {}))


def test_a_small_network_is_advised_to_stay_on_one_machine() -> None:
    (told,) = advised("flatten\ndense 32 relu")
    assert "without `workers` it trains faster" in told and "25 ms" in told
    assert advised("conv 512 3x3 same relu\nconv 512 3x3 same relu") == ()
    assert advised("flatten\ndense 32 relu", workers=1) == ()  # which exchanges nothing
