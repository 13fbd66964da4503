"""What of a cluster can be judged without one: slots, versions, paths, what an error of Spark's says."""

import socket
from types import SimpleNamespace
from typing import Any

import pytest

from cnnmagic.errors import RunError
from cnnmagic.integrations import cluster, task
from cnnmagic.integrations.cluster import (
    check_allocation,
    check_slots,
    compare,
    last_line,
    session,
    slots,
    slots_by_master,
    splits_of,
    unless_hidden,
    versions,
)
from cnnmagic.integrations.spark import advice
from cnnmagic.integrations.task import PORTS, free_port, how_it_ended
from cnnmagic.pipeline import make_plan


@pytest.mark.parametrize("cores, each, running, free", [(2, 1, 0, 2), (8, 2, 1, 3), (3, 2, 0, 1), (2, 1, 3, 0)])
def test_free_slots(cores: int, each: int, running: int, free: int) -> None:
    assert slots(cores, each, running) == free


@pytest.mark.parametrize(
    "plan, parts",
    [
        ("== Physical Plan ==\n*(1) Range (0, 1048576, step=1, splits=2)\n", 2),
        ("Range (0, 1048576, step=1, splits=Some(16))", 16),
        ("== Physical Plan ==\nPhotonScan", 0),
    ],
)
def test_the_parts_of_a_frame_by_its_plan(plan: str, parts: int) -> None:
    assert splits_of(plan) == parts


@pytest.mark.parametrize(
    "settings, most",
    [
        ({"spark_master": "local-cluster[2,3,1024]"}, 6),
        ({"spark_master": "local-cluster[ 2 , 3 , 1024 ]", "spark_task_cpus": "2"}, 3),
        ({"spark_master": "local[4]"}, 4),
        ({"spark_master": "local[4,2]"}, 4),
        ({"spark_master": "local"}, 1),
        ({"spark_master": "local[*]"}, None),
        ({"spark_master": "spark://10.0.0.1:7077"}, None),
        ({}, None),
    ],
)
def test_slots_by_master(settings: dict[str, str], most: int | None) -> None:
    assert slots_by_master(Connected(**settings)) == most


def test_more_workers_than_the_master_has_cores_are_refused_without_asking_the_cluster() -> None:
    spark = Connected(spark_master="local-cluster[2,1,2048]")  # whose stand-in could not answer
    with pytest.raises(RunError, match="`workers=3` needs 3 free slots at once, and the cluster has 2") as raised:
        check_slots(spark, 3)
    assert "Write `workers=2`" in str(raised.value)


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
        compare(WANTED, {"host": "n1", "versions": told, "sees": True}, None)


def test_a_worker_like_the_driver_is_taken_and_one_without_the_data_is_not() -> None:
    own = versions("tensorflow")
    compare(own, {"host": "n1", "versions": own, "sees": True}, "/data")
    with pytest.raises(RunError, match="n1 can't see `/data`"):
        compare(own, {"host": "n1", "versions": own, "sees": False}, "/data")


class Connected:
    """Stands for a session of Spark Connect, which has settings and no context."""

    __module__ = "pyspark.sql.connect.session"

    def __init__(self, **settings: str):
        self.conf = {name.replace("_", "."): value for name, value in settings.items()}


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


def test_a_spark_that_hides_the_one_of_databricks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    assert unless_hidden("Wait.") == "Wait."
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "16.4")  # whose own Spark lies under /databricks
    monkeypatch.setattr(cluster, "SECONDS_FOR_SLOTS", 0.0)
    with pytest.raises(RunError, match="needs 9 free slots at once, and the cluster has 0") as raised:
        check_slots(Busy(), 9)
    assert "A Spark from PyPI in" in str(raised.value) and "`%pip uninstall -y pyspark`" in str(raised.value)


class Busy:
    """Stands for a classic session of a cluster whose only slot is taken."""

    __module__ = "pyspark.sql.session"

    def __init__(self) -> None:
        executor = SimpleNamespace(numRunningTasks=lambda: 1)
        tracker = SimpleNamespace(getExecutorInfos=lambda: [executor])
        self.sparkContext = SimpleNamespace(
            defaultParallelism=1,
            getConf=dict,
            _jsc=SimpleNamespace(sc=lambda: SimpleNamespace(statusTracker=lambda: tracker)),
        )


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


def advised(layers: str, **options: Any) -> tuple[str, ...]:
    return advice(make_plan(f"data digits\n{layers}\noutput\ntrain batch=256 workers=4", {}))


def test_a_small_network_is_advised_to_stay_on_one_machine() -> None:
    (told,) = advised("flatten\ndense 32 relu")
    assert "without `workers` it trains faster" in told and "25 ms" in told
    assert advised("conv 512 3x3 same relu\nconv 512 3x3 same relu") == ()
