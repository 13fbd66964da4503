"""The sweep on a cluster that docs/databricks.md gives: MLflow's study on two real workers, each trial a training."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cnnmagic
from tests.integrations.spark_sessions import started

pytestmark = pytest.mark.long
PAGE = Path(__file__).parents[2] / "docs" / "databricks.md"


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("optuna", reason="sweeps need Optuna")
    pytest.importorskip("mlflow.pyspark.optuna.study", reason="this MLflow has no study on Spark")
    yield from started()


def test_the_sweep_of_the_page(spark: Any, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^## Sweeps$.*?^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(code, "databricks.md", "exec"), names)
    trials = names["study"].trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 6
    assert len({trial.params["rate"] for trial in trials}) == 6
    best = names["study"].best_trial
    assert str(best.params) in capsys.readouterr().out
    again = cnnmagic.train(names["text"], data="digits", **best.params)
    assert min(again.history["val_loss"]) == pytest.approx(best.value, rel=1e-4)
