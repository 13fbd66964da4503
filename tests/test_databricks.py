"""A program on Databricks: its runtime, a Spark that hides the platform's, and what a job prints."""

from __future__ import annotations

import sys
from pathlib import Path

import cnnmagic
from cnnmagic.databricks import foreign_spark
from cnnmagic.explain.doctor import Kernel, doctor_text, remedies

ON_DATABRICKS = {"DATABRICKS_RUNTIME_VERSION": "17.3"}
TEXT = "conv 4 3x3 relu\nflatten\noutput 10\ntrain epochs=2\nseed 1"


def test_a_spark_over_the_platform_s_is_found(monkeypatch, tmp_path):
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pyspark", raising=False)
    assert foreign_spark(ON_DATABRICKS) == str(tmp_path / "pyspark")
    assert foreign_spark(ON_DATABRICKS, platform=tmp_path) == ""
    assert foreign_spark({}) == ""


def test_the_doctor_takes_it_away():
    kernel = Kernel("3.12.3", "Databricks Runtime 17.3", {"keras": "3.12", "tensorflow": "2.19"}, foreign_spark="/x")
    assert [remedy.key for remedy in remedies(kernel)][:2] == ["foreign_spark", "restart"]
    assert "%pip uninstall -y pyspark" in doctor_text(kernel) and "`cnnmagic[spark]`" in doctor_text(kernel)


def test_a_job_prints_a_line_for_every_epoch(capsys):
    run = cnnmagic.train(TEXT, data="digits", name="job", progress=True)
    lines = capsys.readouterr().out.splitlines()
    told = [
        f"job: epoch {number} of 2, "
        + ", ".join(f"{name} {run.history[name][number - 1]:.4g}" for name in ("loss", "accuracy", "val_loss"))
        for number in (1, 2)
    ]
    assert [line.startswith(start) for line, start in zip(lines, told, strict=False)] == [True, True]
    assert lines[2:] == [run.state.sentence()]


def test_a_job_on_databricks_prints_unasked(capsys, monkeypatch):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    cnnmagic.train(TEXT.replace("epochs=2", "epochs=2 mlflow=no"), data="digits")
    assert "epoch 2 of 2" in capsys.readouterr().out
    monkeypatch.delenv("DATABRICKS_RUNTIME_VERSION")
    cnnmagic.train(TEXT, data="digits")
    assert capsys.readouterr().out == ""


def test_the_extras_are_those_that_the_documents_name():
    import tomllib

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"mlflow", "spark", "jax", "torch"} <= set(project["optional-dependencies"])
