"""The harness itself: what every other browser test takes for granted."""

import pytest

BUTTON = """
from ipywidgets import Button, Label, VBox
button, label = Button(description="press"), Label("waiting")
button.on_click(lambda _: setattr(label, "value", "pressed"))
VBox([button, label])
"""


def test_cells_show_their_values_are_saved_with_them_and_their_buttons_reach_the_kernel(lab):
    notebook = lab.open(["1 + 1", "missing", BUTTON])
    notebook.run_and_wait(0)
    assert "2" in notebook.output(0).inner_text()
    notebook.run_and_wait(1, fails=True)
    assert notebook.error(1) == "NameError: name 'missing' is not defined"
    notebook.save()
    assert notebook.read().cells[0].outputs[0].data["text/plain"] == "2"
    notebook.run_and_wait(2)
    notebook.output(2).get_by_role("button", name="press").click()
    notebook.output(2).get_by_text("pressed", exact=True).wait_for()


def test_a_kernel_outlives_the_page_but_not_a_restart(lab):
    notebook = lab.open(["kept = 1", "kept"])
    notebook.run_and_wait(0)
    notebook.reload()
    notebook.run_and_wait(1)
    notebook.restart()
    notebook.run_and_wait(1, fails=True)


def test_a_cell_that_runs_can_be_waited_for_and_interrupted(lab):
    notebook = lab.open(["while True: pass", "1"])
    notebook.run(0)
    with pytest.raises(Exception, match="not done in 1 s"):
        notebook.run_and_wait(1, timeout=1)
    notebook.interrupt()
    notebook.output(0).get_by_text("KeyboardInterrupt").first.wait_for()


def test_the_theme_lasts_for_one_test(lab):
    notebook = lab.open(["1"])
    notebook.theme("JupyterLab Dark")
    lab.open(["1"]).page.locator("body[data-jp-theme-name='JupyterLab Light']").wait_for(state="attached")
