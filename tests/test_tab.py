"""The Tab key in a real IPython shell: our words in our cells, Python's own everywhere else."""

from timeit import repeat
from types import SimpleNamespace
from typing import cast

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from cnnmagic.magic import CnnMagics
from cnnmagic.tab import IDENTIFIER, register, unregister


class Magics:
    """Magics that tell whether their session was asked for."""

    asked = 0

    @property
    def session(self):
        self.asked += 1
        return SimpleNamespace(known={"lenet": None})


class Tab:
    """An IPython shell; called with a text with its cursor │ it gives what Tab would put in the place of what."""

    def __init__(self) -> None:
        self.magics = Magics()
        self.shell = InteractiveShell.instance()
        self.shell.user_ns.update(relevant=1, x_train=2)
        register(self.shell, cast(CnnMagics, self.magics))

    def __call__(self, text: str) -> list[tuple[str, str]]:
        before, _, after = text.partition("│")
        with provisionalcompleter():
            found = list(self.shell.Completer.completions(before + after, len(before)))
        return [(before[one.start :], one.text) for one in found]


@pytest.fixture(params=["jedi", "no jedi"])
def tab(request):
    InteractiveShell.clear_instance()
    tab = Tab()
    tab.shell.Completer.use_jedi = request.param == "jedi"
    yield tab
    unregister(tab.shell)
    InteractiveShell.clear_instance()


def test_our_words_alone_stand_in_our_cells(tab):
    assert tab("%%cnn\nconv 32 3x3 re│") == [("re", "relu"), ("re", "relu6")]
    assert tab("%%cnn\ndata m│") == [("m", "mnist")]


def test_where_we_know_nothing_python_is_silent(tab):
    assert tab("%%cnn\nconv 32 3x3 pri│") == [("pri", "pri")]
    assert tab("%%cnn\nrelu │") == [("", "")]


def test_variables_of_the_notebook_stand_between_braces(tab):
    assert tab("%%cnn\ndata {{x_tra│") == [("x_tra", "x_train")]


def test_files_stand_after_data(tab, tmp_path, monkeypatch):
    (tmp_path / "photos.npz").touch()
    monkeypatch.chdir(tmp_path)
    assert ("./pho", "./photos.npz") in tab("%%cnn\ndata ./pho│")


def test_names_of_runs(tab):
    assert tab("1 + 1\n%cnn stop le│") == [("le", "lenet")]
    assert tab.shell.complete("", "%cnn stop le", 12) == ("le", ["lenet"])


def test_python_is_left_alone(tab):
    assert tab("rele│") == [("rele", "relevant")]
    assert "%%cnn" not in [text for _, text in tab("%%tim│")]
    assert tab.magics.asked == 0


def test_it_is_registered_once_and_goes(tab):
    register(tab.shell, tab.magics)
    ours = [one for one in tab.shell.Completer.custom_matchers if one.matcher_identifier == IDENTIFIER]
    assert len(ours) == 1
    unregister(tab.shell)
    assert tab.shell.Completer.custom_matchers == []


def test_elsewhere_it_answers_at_once(tab):
    match = tab.shell.Completer.custom_matchers[0]
    context = SimpleNamespace(full_text="x = 1\n" * 5000)
    assert match(context)["completions"] == []
    assert min(repeat(lambda: match(context), repeat=100, number=1)) < 50e-6
