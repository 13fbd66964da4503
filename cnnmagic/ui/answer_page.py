"""One answer with its controls: what they set is worked out anew, and a twin is trained below it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cnnmagic.errors import CnnError
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.ui.busy import answer_while_busy
from cnnmagic.ui.overlay import overlay_html
from cnnmagic.ui.setting import Setting

if TYPE_CHECKING:
    from cnnmagic.explain.answer import Answer

SECONDS_BETWEEN_PAINTINGS = 0.5
Answering = Callable[[str, Mapping[str, Any]], "Answer"]
Training = Callable[["Answer"], tuple[Run, Plan | Run]]
Beginning = Callable[..., None]


class AnswerPage:
    """Shows the answer to one question in `box`, which is out of sight at first.

    `answer` works it out for what is set, `train` starts its twin, and `begin` runs either in a thread of its own.
    """

    def __init__(self, question: str, answer: Answering, train: Training, words: Mapping[str, str], begin: Beginning):
        self.question, self.answer, self.train, self.words, self.begin = question, answer, train, words, begin
        self.view, self.controls = (
            widgets.HTML(),
            widgets.HBox(layout=widgets.Layout(flex_flow="row wrap", max_width="70em")),
        )
        self.twin, self.trained = widgets.HBox(), widgets.HTML()
        self.box = widgets.VBox([self.controls, self.view, self.twin, self.trained])
        self.box.layout.display, self.box.layout.flex = "none", "0 0 auto"
        self.box.layout.padding = "0 0 12px 16px"
        self.settings: dict[str, Setting] = {}
        self._choices: dict[str, Any] = {}
        self._working, self._wanted, self._shown = threading.Lock(), False, False

    def open(self) -> None:
        """Have the answer worked out, unless it is shown already."""
        if not self._shown:
            self._shown = True
            self.view.value = _busy(self.words["busy"])
            self._ask()

    def _ask(self) -> None:
        """Have the answer worked out for what is set now; while one is at it, it does so again with what is latest."""
        self._wanted = True
        self.begin(self._work)

    def _work(self) -> None:
        with self._working:
            if not self._wanted:
                return
            self._wanted = False
            try:
                self._paint(self._answered())
            except Exception as error:  # whatever it is, the reader must see it: there is no cell to raise in
                self.view.value, self._shown = problem_html(error), False

    def _answered(self) -> Answer:
        """The answer; where what is set does not fit any more, since a layer has fewer filters say, to less of it."""
        try:
            return self.answer(self.question, dict(self._choices))
        except CnnError:
            last = next(reversed(self._choices), None)
            if len(self._choices) < 2 or last is None:
                raise
            self._choices = {last: self._choices[last]}
            return self.answer(self.question, dict(self._choices))

    def _paint(self, answer: Answer) -> None:
        self.view.value = answer.html(heading=False)
        new = [control for control in answer.controls if control.key not in self.settings]
        for control in answer.controls:
            if control in new:
                self.settings[control.key] = Setting(control, self._set, self.words["upload"])
            elif not self._wanted:  # else something was set meanwhile, and its answer is on the way
                self.settings[control.key].follow(control)
        if new:
            self.controls.children = tuple(part for one in self.settings.values() for part in one.widgets)
        if answer.experiment is not None and not self.twin.children:
            self._offer(answer)

    def _set(self, key: str, value: Any) -> None:
        self._choices.pop(key, None)
        self._choices[key] = value  # the latest last
        self._ask()

    def _offer(self, answer: Answer) -> None:
        label = answer.experiment.label if answer.experiment else ""
        button = widgets.Button(description=label, tooltip=label, layout=widgets.Layout(width="auto"))
        stop = widgets.Button(description=self.words["stop"], tooltip=self.words["stop"], disabled=True)
        button.on_click(lambda _: self.begin(self._train, answer, button, stop))
        for control in (button, stop):
            answer_while_busy(control)
        self.twin.children = (button, stop)

    def _train(self, answer: Answer, button: Any, stop: Any) -> None:
        """Train the twin of an answer below it, both curves in one picture, until it ends."""
        button.disabled, self.trained.value = True, _busy(self.words["busy"])
        try:
            run, original = self.train(answer)
        except Exception as error:  # as above
            self.trained.value, button.disabled = problem_html(error), False
            return
        stop.on_click(lambda _: run.stop())
        stop.disabled = False
        while not run.is_done:
            self.trained.value = _both(run, original)
            run.wait_quietly(SECONDS_BETWEEN_PAINTINGS)
        text = answer.experiment.text if answer.experiment else ""
        taken = f"<div>{escape(self.words['take'])}</div><pre>%%cnn {escape(run.name)}\n{escape(text)}</pre>"
        self.trained.value = _both(run, original) + taken
        stop.disabled, button.disabled = True, False


def _both(run: Run, original: Plan | Run) -> str:
    """The state of the twin in a line, and its curves over the original's."""
    histories = {original.name: original.state.history} if isinstance(original, Run) else {}
    curves = {name: history for name, history in (histories | {run.name: run.state.history}).items() if history}
    told = f'<div role="status">{escape(run.state.sentence())}</div>'
    return told + (overlay_html(curves) if curves else "")


def _busy(words: str) -> str:
    return f'<div role="status">{escape(words)} <progress aria-label="{escape(words, quote=True)}"></progress></div>'


def problem_html(error: Exception) -> str:
    """What has gone wrong, as it is told where there is no cell to raise in."""
    told = str(error) if isinstance(error, CnnError) else f"{type(error).__name__}: {error}"
    return f'<pre role="alert" style="white-space:pre-wrap">{escape(told)}</pre>'
