"""Questions and answers on a network as an accordion of core widgets: an answer is worked out when it is opened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from IPython.display import display

from cnnmagic.errors import CnnError
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.ui.dashboard import answer_while_busy
from cnnmagic.ui.overlay import overlay_html

if TYPE_CHECKING:
    from cnnmagic.explain.answer import Answer

SECONDS_BETWEEN_PAINTINGS = 0.5
Answering = Callable[[str], "Answer"]
Finding = Callable[[str], tuple[str | None, str]]
Training = Callable[["Answer"], tuple[Run, Plan | Run]]


class Panel:
    """Shows questions, (id, words) each; `answer` answers one by its id, `find` tells the id that free words ask for.

    `train` starts the twin of an answer; `words` are those of the controls. Answers are worked out in a thread, so that
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
        self.answer, self.find, self.train, self.words = answer, find, train, words
        self.pages = [widgets.VBox([widgets.HTML(words["busy"])]) for _ in questions]
        self.threads: list[threading.Thread] = []
        self._shown: set[int] = set()
        self.accordion = widgets.Accordion(children=self.pages)
        for number, (_, title) in enumerate(questions):
            self.accordion.set_title(number, title)
        self.accordion.selected_index = None
        self.accordion.observe(self._opened, "selected_index")
        self.asked = widgets.Text(
            placeholder=words["ask"], continuous_update=False, layout=widgets.Layout(width="auto")
        )
        self.asked.observe(self._asked, "value")
        self.said = widgets.HTML()
        self.box = widgets.VBox([self.asked, self.said, self.accordion])
        for control in (self.accordion, self.asked):
            answer_while_busy(control)

    def show(self, question: str | None = None) -> None:
        """Display in the cell that runs now, with one question open where it is given."""
        if question in self.ids:
            self.accordion.selected_index = self.ids.index(str(question))
        display(self.box)

    def _opened(self, change: Mapping[str, Any]) -> None:
        number = change["new"]
        if number is not None and number not in self._shown:
            self._shown.add(number)
            self._begin(self._fill, number)

    def _asked(self, change: Mapping[str, Any]) -> None:
        question, told = self.find(change["new"]) if change["new"].strip() else (None, "")
        self.said.value = escape(told)
        if question is not None:
            self.accordion.selected_index = self.ids.index(question)

    def _fill(self, number: int) -> None:
        page = self.pages[number]
        try:
            answer = self.answer(self.ids[number])
        except Exception as error:  # whatever it is, the reader of the panel must see it, there is no cell to raise in
            page.children = (widgets.HTML(_problem(error)),)
            self._shown.discard(number)
            return
        parts: list[Any] = [widgets.HTML(answer._repr_html_())]
        if answer.experiment is not None:
            label = answer.experiment.label
            button = widgets.Button(description=label, tooltip=label, layout=widgets.Layout(width="auto"))
            button.on_click(lambda _: self._begin(self._twin, number, answer, button))
            answer_while_busy(button)
            parts.append(button)
        page.children = tuple(parts)

    def _twin(self, number: int, answer: Answer, button: Any) -> None:
        """Train the twin of an answer below it, both curves in one picture, until it ends."""
        page, view = self.pages[number], widgets.HTML()
        button.disabled = True
        stop = widgets.Button(description=self.words["stop"], tooltip=self.words["stop"])
        page.children = (*page.children[:2], stop, view)
        try:
            run, original = self.train(answer)
        except Exception as error:
            view.value, button.disabled = _problem(error), False
            return
        stop.on_click(lambda _: run.stop())
        answer_while_busy(stop)
        text = answer.experiment.text if answer.experiment else ""
        taken = f"<div>{escape(self.words['take'])}</div><pre>%%cnn {escape(run.name)}\n{escape(text)}</pre>"
        while not run.is_done:
            view.value = _both(run, original)
            run.wait_quietly(SECONDS_BETWEEN_PAINTINGS)
        view.value = _both(run, original) + taken
        stop.disabled, button.disabled = True, False

    def _begin(self, work: Callable[..., None], *given: Any) -> None:
        thread = threading.Thread(target=work, args=given, name="cnnmagic-panel", daemon=True)
        self.threads.append(thread)
        thread.start()


def _both(run: Run, original: Plan | Run) -> str:
    """The state of the twin in a line, and its curves over the original's."""
    histories = {original.name: original.state.history} if isinstance(original, Run) else {}
    curves = {name: history for name, history in (histories | {run.name: run.state.history}).items() if history}
    return f"<div>{escape(run.state.sentence())}</div>" + (overlay_html(curves) if curves else "")


def _problem(error: Exception) -> str:
    told = str(error) if isinstance(error, CnnError) else f"{type(error).__name__}: {error}"
    return f'<pre style="white-space:pre-wrap">{escape(told)}</pre>'
