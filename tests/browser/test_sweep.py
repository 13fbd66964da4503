"""The board of a sweep as its user meets it: it moves, obeys Stop, and stays in the saved notebook."""

import re

import pytest
from playwright.sync_api import expect

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
