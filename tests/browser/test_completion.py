"""Tab in a `%%cnn` cell of a real JupyterLab: words are offered, and one is put in."""

from playwright.sync_api import expect

LOAD = """\
%load_ext cnnmagic
from cnnmagic.tab import register
register(get_ipython(), get_ipython().magics_manager.registry["CnnMagics"])"""
EDIT = "index => { jupyterapp.shell.currentWidget.content.activeCellIndex = index; }"


def type_into(notebook, index, text):
    """Put the cursor at the end of a cell and type."""
    notebook.page.evaluate(EDIT, index)
    notebook.page.evaluate("() => jupyterapp.commands.execute('notebook:enter-edit-mode')")
    editor = notebook.page.locator(".jp-Notebook .jp-Cell").nth(index).locator(".cm-content")
    editor.click()
    notebook.page.keyboard.press("Control+End")
    notebook.page.keyboard.type(text)
    return editor


def test_tab_offers_the_words_of_the_language(lab):
    notebook = lab.open([LOAD, "%%cnn net\ndata digits\n", "%%cnn\nconv 8 3x3 pri"])
    notebook.run_and_wait(0)
    editor = type_into(notebook, 1, "conv 16 3x3 re")
    notebook.page.keyboard.press("Tab")
    menu = notebook.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")
    expect(menu).to_have_count(2)
    assert [item.get_attribute("data-value") for item in menu.all()] == ["relu", "relu6"]
    notebook.page.keyboard.press("Enter")
    expect(editor).to_contain_text("conv 16 3x3 relu")
    expect(menu).to_have_count(0)


def test_tab_after_all_is_said_changes_nothing(lab):
    notebook = lab.open([LOAD, "%%cnn\nconv 8 3x3 pri", "%%cnn\nrelu"])
    notebook.run_and_wait(0)
    for index, text in ((1, "conv 8 3x3 pri"), (2, "relu ")):
        editor = type_into(notebook, index, " " if index == 2 else "")
        notebook.page.keyboard.press("Tab")
        notebook.page.wait_for_timeout(1000)
        assert editor.inner_text().splitlines()[-1] == text
