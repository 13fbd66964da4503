"""The live view of a run in a notebook: words, curves and controls, painted by a thread of its own."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from cnnmagic.events import Event
from cnnmagic.run import Run
from cnnmagic.state import RunState
from cnnmagic.ui.answer_page import problem_html
from cnnmagic.ui.busy import answer_while_busy
from cnnmagic.ui.chart import Chart, draw
from cnnmagic.ui.confusion import classes_html
from cnnmagic.ui.earlier import earlier_lines
from cnnmagic.ui.glance import charts, glance
from cnnmagic.ui.guard import Guard
from cnnmagic.ui.meter import Meter
from cnnmagic.ui.pages import advice, layers_html, notes_html, notes_title
from cnnmagic.ui.picture import alternative, details_html, picture_html
from cnnmagic.ui.sound import tone_html

SECONDS_BETWEEN_PAINTINGS = 0.2
SHARE_OF_TIME, LONGEST_WAIT = 0.004, 1.0  # that painting may take; seconds to the next one, however long one took
CHART_WIDTH = 420
VIEW = "application/vnd.jupyter.widget-view+json"
LINE = "line-height:1.6;height:1.6em;white-space:pre;overflow:hidden;text-overflow:ellipsis"
PAGE, PAGE_HEIGHT = "height:310px;overflow:auto;line-height:1.5", "350px"
HIDDEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)"
SPOKEN = ("loss", "val_loss", "accuracy", "val_accuracy")
TITLES = ("Curves", "Classes", "Layers", "Questions", "Notes")
NOTES = 4
LOOKS = (1, 2)  # the pages of classes and layers, which the looks between epochs fill
TRACK = "height:6px;border-radius:3px;background:rgba(128,128,128,.3)"


class Dashboard:
    """Shows a run from now on; when the run ends, the widgets show its end and the cell keeps a static picture.

    Nothing here runs in the training's thread but setting an event: the painter looks at the state at most five times a
    second and sends what has changed. `questions` makes the page of questions and answers, when it is first in view.
    """

    def __init__(self, run: Run, questions: Callable[[], widgets.Widget] | None = None):
        self.run = run
        self._questions = questions
        self.painted = threading.Event()
        self._changed = threading.Event()
        self._handle: Any = None
        self._below: Any = None
        self._shown_rate, self._showing = 0.0, 0
        self._meter, self._guard = Meter(), Guard(run.name)
        self._earlier = earlier_lines(run.name, run.folder)
        self._build()
        self._paint(run.state)

    def show(self) -> None:
        """Display in the cell that runs now, and follow the run until it ends."""
        if self.run.is_done:
            display(self._static(self.run.state), raw=True)
            self.painted.set()
            return
        handle = display({**view_of(self.box), **self._static(self.run.state)}, raw=True, display_id=True)
        if self._questions is not None:
            self._below = display({"text/plain": ""}, raw=True, display_id=True)
        self.follow(handle)

    def follow(self, handle: Any) -> None:
        """Follow the run until it ends, wherever `box` is shown; `handle` is then given the picture that stays."""
        self._handle = handle
        self.run.listen(self._notice)
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._follow,), name="cnnmagic-painter", daemon=True).start()

    def _build(self) -> None:
        half = widgets.Layout(flex="1 1 300px", max_width="480px")
        self.head, self.loss, self.accuracy = widgets.HTML(), widgets.HTML(layout=half), widgets.HTML(layout=half)
        wide = widgets.Layout(width="auto")
        self.pause = widgets.Button(description="Pause", tooltip="Hold the training after this batch", layout=wide)
        self.stop = widgets.Button(description="Stop", tooltip="End the training and keep the model", layout=wide)
        style = {"description_width": "initial"}
        self.rate = widgets.FloatText(description="learning rate", style=style, layout=widgets.Layout(width="190px"))
        self.log = widgets.Checkbox(description="log loss", indent=False, layout=wide)
        self.pause.on_click(lambda _: self.run.resume() if self.run.state.phase == "paused" else self.run.pause())
        self.stop.on_click(lambda _: self.run.stop())
        self.rate.observe(self._rate_typed, "value")
        self.log.observe(lambda _: self._repaint(), "value")
        self.advice, self.spoken = widgets.HTML(), widgets.HTML()
        controls = widgets.HBox([self.pause, self.stop, self.rate], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([self.head, self.advice, controls, self._build_tab(), self.spoken])
        for control in self._controls:
            answer_while_busy(control)

    def _build_tab(self) -> widgets.Tab:
        """The pages, of which only the one in view is painted."""
        wide = widgets.Layout(width="auto")
        self.past = widgets.Checkbox(description="earlier runs", indent=False, layout=wide, value=True)
        self.sound = widgets.Checkbox(description="sound at the end", indent=False, layout=wide)
        self.norms = widgets.Checkbox(description="norms of weights and gradients", indent=False, layout=wide)
        self.norms.observe(lambda change: self.run.watch("all" if change["new"] else "classes"), "value")
        high = widgets.Layout(min_height=PAGE_HEIGHT)
        self.classes, self.layers, self.notes = widgets.HTML(layout=high), widgets.HTML(), widgets.HTML(layout=high)
        curves = widgets.HBox([self.loss, self.accuracy], layout=widgets.Layout(flex_flow="row wrap"))
        boxes = [self.log, self.past] if any(self._earlier.values()) else [self.log]
        self.asked = widgets.VBox(layout=widgets.Layout(height=PAGE_HEIGHT, min_height=PAGE_HEIGHT, overflow="auto"))
        pages = [
            widgets.VBox([curves, widgets.HBox([*boxes, self.sound])], layout=high),
            self.classes,
            widgets.VBox([self.layers, self.norms], layout=high),
            self.asked,
            self.notes,
        ]
        self.tab = widgets.Tab(children=pages)
        for number, title in enumerate(TITLES):
            self.tab.set_title(number, title)
        for seen, name in ((self.tab, "selected_index"), (self.past, "value")):
            seen.observe(lambda _: self._repaint(), name)
        self.tab.selected_index = 0
        self.tab.observe(self._page_turned, "selected_index")
        self._title = TITLES[NOTES]
        return self.tab

    @property
    def _controls(self) -> tuple[Any, ...]:
        return (self.pause, self.stop, self.rate, self.log, self.past, self.sound, self.norms, self.tab)

    def _rate_typed(self, change: dict[str, Any]) -> None:
        if threading.get_ident() == self._showing:
            return  # nobody typed it
        if 0 < change["new"] < float("inf"):
            self.run.set_learning_rate(change["new"])
        else:
            self._show_rate(self._shown_rate)

    def _page_turned(self, change: dict[str, Any]) -> None:
        if (change["new"] in LOOKS) != (change["old"] in LOOKS):
            self.run.attend(change["new"] in LOOKS)

    def _show_rate(self, rate: float) -> None:
        self._shown_rate, self._showing = rate, threading.get_ident()
        self.rate.value = rate
        self._showing = 0

    def _notice(self, state: RunState, event: Event) -> None:
        self._changed.set()

    def _repaint(self) -> None:
        """Have what is in view painted; after the end there is no painter any more."""
        self._changed.set()
        if self.painted.is_set():
            self._paint(self.run.state)

    def _follow(self) -> None:
        try:
            while not self.run.is_done:
                self._changed.wait(1.0)
                begun = time.thread_time()
                if self._changed.is_set():
                    self._changed.clear()
                    self._paint(self.run.state)
                taken = time.thread_time() - begun
                self.run.wait_quietly(min(max(SECONDS_BETWEEN_PAINTINGS, taken / SHARE_OF_TIME), LONGEST_WAIT))
            self._paint(self.run.state)
            self._guard.do(self._end)
        finally:
            if self.run.is_done:
                # ipywidgets hold every view as long as the kernel lives, and would hold each model and its data with it
                self.run = self.run.remains()
            self.painted.set()

    def _end(self) -> None:
        """Leave the picture that stays in place of the widgets."""
        if self.sound.value:
            self.spoken.value += tone_html()
        self._handle.update(self._static(self.run.state), raw=True)
        if self._below is not None and self.asked.children:
            # Who is reading an answer when the training ends goes on reading, below the picture.
            self._below.update({**view_of(widgets.VBox(self.asked.children)), "text/plain": ""}, raw=True)

    def _paint(self, state: RunState) -> None:
        """Paint all parts; one that fails leaves the others."""
        for part in (self._paint_controls, self._paint_words, self._paint_page):
            self._guard.do(part, state)

    def _paint_words(self, state: RunState) -> None:
        self.head.value = head_html(state, "" if state.is_over else self._meter.text())
        self.advice.value = _advice_html(state)
        self.spoken.value = spoken_html(state)
        if self._title != (title := notes_title(state)):
            self._title = title
            self.tab.set_title(NOTES, title)

    def _paint_controls(self, state: RunState) -> None:
        self.pause.description = "Resume" if state.phase == "paused" else "Pause"
        for control in self._controls[:-1]:
            control.disabled = state.is_over
        if self._shown_rate != (peak := float(f"{state.peak_rate:.4g}")):
            self._show_rate(peak)

    def _paint_page(self, state: RunState) -> None:
        match self.tab.selected_index:
            case 1:
                self.classes.value = _page(classes_html(state))
            case 2:
                self.layers.value = _page(layers_html(state))
            case 3:
                self._fill_questions()
            case 4:
                self.notes.value = _page(notes_html(state))
            case _:
                loss, accuracy = charts(state, self.log.value, self._earlier if self.past.value else None)
                self.loss.value, self.accuracy.value = _fluid(loss), _fluid(accuracy)

    def _fill_questions(self) -> None:
        """Make the page of questions once; where that fails the page says so, and is not made again and again."""
        if self._questions is None or self.asked.children:
            return
        try:
            self.asked.children = (self._questions(),)
        except Exception as error:
            self.asked.children = (widgets.HTML(problem_html(error)),)
            self._guard.tell(error)

    def _static(self, state: RunState) -> dict[str, str]:
        told = picture_html(state) + details_html(state) + (ask_html(state.name) if state.is_over else "")
        return {"text/plain": alternative(state), "text/html": told}


def view_of(widget: widgets.Widget) -> dict[str, Any]:
    """The part of a display that shows a widget; ipywidgets 7 and 8 have no method in common that tells it."""
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}}


def ask_html(name: str) -> str:
    """Where the questions are once the page of them is gone."""
    return f"<div><code>%cnn ask {escape(name)}</code> answers questions on this network</div>"


def head_html(state: RunState, use: str = "") -> str:
    """The words, the progress bar, and what of the machine is in use; always four lines high: nothing below jumps."""
    words = glance(state)
    where = escape(" · ".join(filter(None, (words.phase, words.where))))
    spoken = ", ".join(filter(None, (words.phase, words.where.replace(" · ", ", "), words.clock)))
    used = f'<span style="float:right">{escape(use)}</span>' if use else ""
    bar = f'<div style="width:{words.progress:.1%};{TRACK};background:#2a8fd6"></div>'
    last = f'<span style="color:#c4391d">{escape(words.cause)}</span>' if words.cause else escape(words.scores)
    return (
        f'<div style="{LINE}"><b>{escape(words.name)}</b>  {where}'
        f'<span style="float:right">{escape(words.clock)}</span></div>'
        f'<div role="progressbar" aria-label="progress of {escape(words.name)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{words.progress * 100:.0f}" aria-valuetext="{escape(spoken, quote=True)}" '
        f'style="{TRACK}">{bar}</div>'
        f'<div style="{LINE}">{escape(words.pace)}{used}</div><div style="{LINE}">{last}</div>'
    )


def spoken_html(state: RunState) -> str:
    """What a screen reader says unasked: a sentence whenever an epoch or the training ends, in no one's sight."""
    last = state.history[-1] if state.history else {}
    scores = ", ".join(f"{name.replace('val_', 'validation ')} {last[name]:.3g}" for name in SPOKEN if name in last)
    told = f"epoch {len(state.history)} of {state.epochs} is done: {scores}" if last else ""
    told = state.sentence() if state.is_over else told
    return f'<div role="status" aria-live="polite" style="{HIDDEN}">{escape(told)}</div>'


def _advice_html(state: RunState) -> str:
    """The first diagnosis in one line that is always there; all of it in the notes and under the pointer."""
    text = escape(advice(state), quote=True)
    mark = f'<b style="color:#c4391d">!</b> {text}' if text else ""
    return f'<div style="{LINE};contain:inline-size" title="{text}">{mark}</div>'


def _page(html: str) -> str:
    return f'<div style="{PAGE}">{html}</div>'


def _fluid(chart: Chart) -> str:
    """The chart as wide as there is room, so that two stand side by side in a narrow notebook too."""
    return draw(chart, CHART_WIDTH).replace("<svg ", '<svg style="width:100%;height:auto" ', 1)
