"""The example notebooks, run as their reader would."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from examples import demo

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_quickstart_reaches_what_it_promises(capsys):
    assert demo.main() is None
    accuracy = demo.ACCURACY.search(capsys.readouterr().out)
    assert accuracy and float(accuracy[0].split()[2]) >= 97
    page = (demo.BUILD / "quickstart.html").read_text(encoding="utf-8")
    assert "data:image/svg+xml;base64," in page and "Model not found" not in page


@pytest.mark.parametrize("epochs, least", [(5, 50), pytest.param(15, 80, marks=pytest.mark.long)])
def test_three_ways_with_images_of_three_sizes_stand_side_by_side(epochs, least, tmp_path):
    notebook = nbformat.read(EXAMPLES / "sizes.ipynb", as_version=4)
    trainings = [cell for cell in notebook.cells if "train epochs=15 " in cell.source]
    assert len(trainings) == 3
    for cell in trainings:
        cell.source = cell.source.replace("epochs=15", f"epochs={epochs}")
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    refused, table = ("".join(part.text for part in notebook.cells[number].outputs) for number in (3, -2))
    assert "16x16 (" in refused and "input ?x?x1" in refused
    accuracies = [float(line.split("accuracy ")[1].split("%")[0]) for line in table.splitlines()]
    assert len(accuracies) == 3 and min(accuracies) > least


def test_the_cells_for_databricks_that_need_no_workspace(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store.db")
    notebook = nbformat.read(EXAMPLES / "databricks.ipynb", as_version=4)
    platform = [cell for cell in notebook.cells if "dbutils" in cell.source]
    notebook.cells = [cell for cell in notebook.cells if cell not in platform]
    assert len(platform) == 1
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    told = ["".join(part.get("text", "") for part in cell.get("outputs", ())) for cell in notebook.cells]
    assert "digits FINISHED 5274 parameters" in told[8]
    assert "registered: main.default.digits version 1" in told[10].splitlines()
    answers = told[12].split()
    assert len(answers) == 5 and sum(answer == str(digit) for digit, answer in enumerate(answers)) >= 4


@pytest.mark.long
def test_the_classic_recipe_reaches_its_accuracy(data_folder, tmp_path):
    notebook = nbformat.read(EXAMPLES / "mnist.ipynb", as_version=4)
    NotebookClient(notebook, timeout=3600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    line = notebook.cells[-1].outputs[-1].text
    assert float(line.split("accuracy ")[1].split("%")[0]) > 99
