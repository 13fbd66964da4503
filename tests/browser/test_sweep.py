"""The board of a sweep as its user meets it: it moves, obeys Stop, and stays in the saved notebook."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.access import violations
from tests.integrations.spark_sessions import MASTER, SETTINGS, skip_without_spark

pytest.importorskip("optuna", reason="sweeps need Optuna")

CELL = """%%cnn tuned
data digits
conv {4, 8} 3x3 relu
flatten
dropout {0.1 .. 0.5}
output 10
train epochs=2 batch={64, 128} lr={1e-4 .. 1e-1 log}
sweep random trials=40 prune=no seed=1"""
PICTURE = "img[src^='data:image/svg+xml'][alt^='tuned: ']"


def test_the_board_moves_and_stop_leaves_what_is_done(lab):
    notebook = lab.open(["%load_ext cnnmagic", CELL, "tuned.state.phase, len(tuned.state.ended)"])
    notebook.run_and_wait(0)
    notebook.run_and_wait(1)
    board = notebook.output(1)
    board.get_by_text(re.compile(r"trial ([6-9]|\d\d) of 40")).first.wait_for(timeout=90_000)
    rows = board.locator("tbody tr").filter(has_text="tuned_")
    assert rows.count() >= 5
    expect(board.get_by_label(re.compile("^importance of each choice: .*%"))).to_be_visible()
    board.get_by_role("button", name="Stop").click()
    picture = board.locator(PICTURE)
    picture.wait_for()
    assert "tuned: stopped, " in picture.get_attribute("alt")
    expect(board.get_by_text("%cnn resume tuned").first).to_be_visible()
    expect(board.locator("pre").filter(has_text="%%cnn tuned_best")).to_be_visible()
    notebook.run_and_wait(2)
    assert "'stopped'" in notebook.output(2).inner_text()
    notebook.save()
    bundle = notebook.read().cells[1].outputs[-1].data
    assert "data:image/svg+xml;base64," in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" not in bundle


SPARK = f"""import os, sys
from pyspark.sql import SparkSession
os.environ["PYSPARK_PYTHON"] = sys.executable
builder = SparkSession.builder.master({MASTER!r})
for name, value in {SETTINGS}.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()"""
BESIDE = CELL.replace("tuned", "NAME").replace("epochs=2", "epochs=500") + " workers=2"
PATIENCE = 240_000


@pytest.mark.long
@pytest.mark.parametrize("name", ["Light", "Dark"])
def test_trials_side_by_side_are_seen_together(name, lab, axe):
    skip_without_spark()
    cell = BESIDE.replace("NAME", name)
    notebook = lab.open(["%load_ext cnnmagic", SPARK, cell, f"[trial.state for trial in {name}.trials]"])
    notebook.theme(f"JupyterLab {name}")
    notebook.run_and_wait(0)
    notebook.run_and_wait(1, timeout=PATIENCE / 1000)
    notebook.run_and_wait(2, timeout=PATIENCE / 1000)
    board = notebook.output(2)
    for number in (1, 2):
        line = board.locator("div", has=board.page.get_by_text(f"{name}_{number}", exact=True))
        line.filter(has_text=re.compile("epoch [2-9]")).last.wait_for(timeout=PATIENCE)
    expect(board.locator("tbody tr").filter(has_text=re.compile(f"training.*{name}_[12]"))).to_have_count(2)
    assert violations(notebook, 2, axe) == []
    board.get_by_role("button", name="Stop").click()
    picture = board.locator(PICTURE.replace("tuned", name))
    picture.wait_for()
    assert f"{name}: stopped, " in picture.get_attribute("alt")
    notebook.run_and_wait(3)
    assert "['interrupted', 'interrupted']" in notebook.output(3).inner_text()
