"""How many tasks a cluster can run at once is told by its master, its plans or its executors; too few are refused."""

from types import SimpleNamespace

import pytest

from cnnmagic.errors import RunError
from cnnmagic.integrations import slots as module
from cnnmagic.integrations.cluster import unless_hidden
from cnnmagic.integrations.slots import check_slots, free_slots, slots, slots_by_master, splits_of
from tests.integrations.connected import Connected


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
    with pytest.raises(RunError, match="Write `workers=1`"):
        check_slots(Connected(spark_master="local"), 2)


def test_one_worker_needs_one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_FOR_SLOTS", 0.0)
    monkeypatch.setattr(module, "free_slots", lambda spark: 0)
    with pytest.raises(RunError, match="`workers=1` needs a free slot, and the cluster has 0"):
        check_slots(Connected(spark_master="local"), 1)


def test_a_spark_that_hides_the_one_of_databricks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    assert unless_hidden("Wait.") == "Wait."
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "16.4")  # whose own Spark lies under /databricks
    monkeypatch.setattr(module, "SECONDS_FOR_SLOTS", 0.0)
    with pytest.raises(RunError, match="needs 9 free slots at once, and the cluster has 0") as raised:
        check_slots(Busy({}), 9)
    assert "A Spark from PyPI in" in str(raised.value) and "`%pip uninstall -y pyspark`" in str(raised.value)


@pytest.mark.parametrize("settings, free", [({}, 15), ({"spark.default.parallelism": "16"}, 5)])
def test_a_parallelism_that_the_user_has_set_counts_no_slots(settings: dict[str, str], free: int) -> None:
    assert free_slots(Busy(settings, parallelism=16, cores=(0, 4, 2))) == free


class Busy:
    """Stands for a classic session of a cluster with one slot taken; the first of `cores` are the driver's."""

    __module__ = "pyspark.sql.session"

    def __init__(self, settings: dict[str, str], parallelism: int = 1, cores: tuple[int, ...] = (0, 1)) -> None:
        tracker = SimpleNamespace(getExecutorInfos=lambda: [SimpleNamespace(numRunningTasks=lambda: 1)])
        executors = [SimpleNamespace(totalCores=lambda count=count: count) for count in cores]
        active = SimpleNamespace(size=lambda: len(executors), apply=lambda number: executors[number])
        store = SimpleNamespace(executorList=lambda is_active: active)
        context = SimpleNamespace(statusTracker=lambda: tracker, statusStore=lambda: store)
        self.sparkContext = SimpleNamespace(
            defaultParallelism=parallelism, getConf=lambda: settings, _jsc=SimpleNamespace(sc=lambda: context)
        )
