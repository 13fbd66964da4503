"""A logged model scores a table in Spark as the run itself answers."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import cnnmagic

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
pytest.importorskip("pyspark", reason="pyspark is not installed")

TEXT = "data digits\nconv 8 3x3 same relu\nflatten\noutput 10\ntrain epochs=3\nseed 1"


@pytest.fixture(params=["local[2]", "local-cluster[2,1,2048]"])
def spark(request, tmp_path, monkeypatch):
    from pyspark.sql import SparkSession

    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(request.param).config("spark.ui.enabled", "false")
    for name in ("spark.driver.host", "spark.driver.bindAddress"):
        builder = builder.config(name, "127.0.0.1")
    builder = builder.config("spark.sql.warehouse.dir", str(tmp_path / "warehouse"))
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.mark.long
def test_a_table_is_scored_as_the_run_answers(spark, store, encoded_digits):
    run = cnnmagic.train(TEXT)
    score = mlflow.pyfunc.spark_udf(spark, f"runs:/{run.tracker.run_id}/model", env_manager="local")
    rows = [(number, content) for number, content in enumerate([*encoded_digits, b"no image"])]
    table = spark.createDataFrame(rows, "number int, content binary").repartition(2)
    found = table.withColumn("answer", score("content")).orderBy("number").collect()
    expected = run.predict(encoded_digits)
    probabilities = np.array([row.answer.probabilities for row in found[:-1]])
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-6)
    assert [row.answer["class"] for row in found[:-1]] == [run.dataset.classes[n] for n in expected.argmax(axis=1)]
    assert found[-1].answer["class"] == "" and found[-1].answer.probabilities is None


@pytest.mark.long
def test_one_column_of_class_names(spark, store, encoded_digits):
    run = cnnmagic.train(TEXT)
    uri = f"runs:/{run.tracker.run_id}/model"
    score = mlflow.pyfunc.spark_udf(spark, uri, result_type="string", env_manager="local")
    table = spark.createDataFrame([(content,) for content in encoded_digits], "image binary").coalesce(1)
    found = [row[0] for row in table.select(score("image")).collect()]
    assert found == [run.dataset.classes[n] for n in run.predict(encoded_digits).argmax(axis=1)]
