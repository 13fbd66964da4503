"""Questions and answers on a network, folded up by question: an answer is worked out when it is opened.

The folds are buttons of our own, since the headers of ipywidgets's accordion can't be reached with the keyboard.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from cnnmagic.ui.answer_page import Answering, AnswerPage, Training
from cnnmagic.ui.busy import answer_while_busy

Finding = Callable[[str], tuple[str | None, str]]
OPEN, FOLDED = "▾", "▸"
FOLD = "cnnmagic-question"
STYLE = f"<style>.{FOLD}{{text-align:left;font-weight:600}}</style>"


class Panel:
    """Shows questions, (id, words) each; `answer` answers one by its id, `find` tells the id that free words ask for.

    `train` starts the twin of an answer; `words` are those of the controls. Answers are worked out in threads, so that
    the front end is never kept waiting.
    """

    def __init__(
        self,
        questions: Sequence[tuple[str, str]],
        answer: Answering,
        find: Finding,
        train: Training,
        words: Mapping[str, str],
    ):
        self.ids = [question for question, _ in questions]
        self.titles = [title for _, title in questions]
        self.find, self.threads = find, list[threading.Thread]()
        self.pages = [AnswerPage(question, answer, train, words, self._begin) for question in self.ids]
        self.folds = [self._fold(number) for number in range(len(questions))]
        self.asked = widgets.Text(
            placeholder=words["ask"], continuous_update=False, layout=widgets.Layout(width="auto")
        )
        self.asked.observe(self._asked, "value")
        self.said = widgets.HTML()
        answer_while_busy(self.asked)
        parts = [part for pair in zip(self.folds, (page.box for page in self.pages), strict=True) for part in pair]
        self.box = widgets.VBox([widgets.HTML(STYLE), self.asked, self.said, *parts])

    def show(self, question: str | None = None) -> None:
        """Display in the cell that runs now, with one question open where it is given."""
        if question in self.ids:
            self.open(self.ids.index(str(question)))
        display(self.box)

    def open(self, number: int) -> None:
        """Unfold a question, and have its answer worked out."""
        self._turn(number, True)

    def _turn(self, number: int, unfolded: bool) -> None:
        page, fold = self.pages[number], self.folds[number]
        fold.description = f"{OPEN if unfolded else FOLDED} {self.titles[number]}"
        page.box.layout.display = "" if unfolded else "none"
        if unfolded:
            page.open()

    def _fold(self, number: int) -> widgets.Button:
        fold = widgets.Button(
            description=f"{FOLDED} {self.titles[number]}",
            tooltip=self.titles[number],
            layout=widgets.Layout(width="auto", flex="0 0 auto"),  # whole where the page around it is low
        )
        fold.add_class(FOLD)
        fold.on_click(lambda _: self._turn(number, self.pages[number].box.layout.display == "none"))
        answer_while_busy(fold)
        return fold

    def _asked(self, change: Mapping[str, Any]) -> None:
        question, told = self.find(change["new"]) if change["new"].strip() else (None, "")
        self.said.value = f'<div role="status">{escape(told)}</div>'
        if question is not None:
            for number, name in enumerate(self.ids):
                self._turn(number, name == question)

    def _begin(self, work: Callable[..., None], *given: Any) -> None:
        thread = threading.Thread(target=work, args=given, name="cnnmagic-panel", daemon=True)
        self.threads.append(thread)
        thread.start()
