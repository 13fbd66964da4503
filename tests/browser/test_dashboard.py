"""The dashboard as its user meets it: it moves, obeys, outlives a reload, and stays in the saved notebook."""

import re
import time

import pytest
from playwright.sync_api import expect

CELL = """%%cnn net
data digits
conv 16 3x3 same relu
maxpool 2
flatten
dense 64 relu
output 10
train epochs=2000 batch=32"""
LOAD = "%load_ext cnnmagic"
PICTURE = "img[src^='data:image/svg+xml'][alt^='net ']"
UNDER_WAY = r"epoch ([2-9]|\d\d+) of"


def started(lab, *more):
    """A notebook whose second cell trains a network that takes long, its dashboard in sight."""
    notebook = lab.open([LOAD, CELL, *more])
    notebook.run_and_wait(0)
    notebook.run_and_wait(1)
    head(notebook, 1, UNDER_WAY).wait_for()
    return notebook


@pytest.fixture(scope="module")
def training(shared_lab):
    """The notebook of all tests that leave it in training. What opens one of its own stands below them."""
    yield started(shared_lab, "%cnn show net", "1 + 1")
    shared_lab.close()


def head(notebook, index, text):
    return notebook.output(index).get_by_text(re.compile(text)).first


def left(notebook):
    """What the saved notebook holds of the dashboard: the last output of its cell that shows something."""
    outputs = notebook.read().cells[1].outputs
    return next(output.data for output in reversed(outputs) if "text/html" in output.get("data", ()))


def test_curves_move_while_other_cells_run(training):
    training.run_and_wait(3)
    assert "2" in training.output(3).inner_text()
    curve = training.output(1).locator("svg[aria-label^=loss]")
    before = curve.get_attribute("aria-label")
    expect(curve).not_to_have_attribute("aria-label", before, timeout=30_000)


def test_pause_holds_and_resume_goes_on(training):
    training.output(1).get_by_role("button", name="Pause").click()
    training.output(1).get_by_role("button", name="Resume").wait_for()
    place = head(training, 1, "paused").inner_text()
    time.sleep(1)
    assert head(training, 1, "paused").inner_text() == place
    training.output(1).get_by_role("button", name="Resume").click()
    head(training, 1, "training").wait_for()


def test_a_typed_learning_rate_is_in_force(training):
    field = training.output(1).get_by_label("learning rate")
    field.fill("0.0125")
    field.press("Enter")
    head(training, 1, r"learning rate 0\.0125").wait_for()


def test_the_pages_show_classes_layers_and_notes(training):
    output = training.output(1)
    height = output.bounding_box()["height"]
    output.get_by_role("tab", name="Classes").click()
    output.locator("svg[aria-label^='confusion matrix after epoch']").wait_for()
    output.get_by_role("tab", name="Layers").click()
    output.get_by_role("cell", name="line3_conv").wait_for()
    output.get_by_role("tab", name="Notes").click()
    assert abs(output.bounding_box()["height"] - height) < 40
    output.get_by_role("tab", name="Curves").click()
    output.locator("svg[aria-label^=loss]").wait_for()


def test_a_reload_loses_the_view_and_show_brings_it_back(training):
    # The last of those that share the notebook: it ends the training.
    training.save()
    training.reload()
    training.run_and_wait(2)
    head(training, 2, "epoch [0-9]+ of").wait_for()
    training.output(2).get_by_role("button", name="Stop").click()
    training.output(2).locator(PICTURE).wait_for()


def test_stop_ends_the_training_and_leaves_a_picture_and_the_classes(lab):
    notebook = started(lab)
    output = notebook.output(1)
    output.get_by_role("button", name="Stop").click()
    picture = output.locator(PICTURE)
    picture.wait_for()
    assert "net stopped" in picture.get_attribute("alt")
    output.get_by_text("classes", exact=True).click()
    output.locator("img[alt^='confusion matrix']").wait_for()
    notebook.save()
    bundle = left(notebook)
    assert "data:image/svg+xml;base64," in bundle["text/html"]
    assert "confusion matrix" in bundle["text/html"]
    assert "application/vnd.jupyter.widget-view+json" not in bundle
    assert bundle["text/plain"].startswith("net stopped")


def test_buttons_work_while_a_cell_is_busy(lab):
    notebook = started(lab, "import time\nwhile net.state.phase == 'training': time.sleep(0.1)")
    notebook.run(2)
    notebook.output(1).get_by_role("button", name="Stop").click()
    notebook.output(1).locator(PICTURE).wait_for()
