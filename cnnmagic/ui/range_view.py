"""The range test in a notebook: its progress, its curve, and a button that trains with the suggested rate."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from cnnmagic.rate_search import RateSearch
from cnnmagic.ui.busy import answer_while_busy
from cnnmagic.ui.dashboard import SECONDS_BETWEEN_PAINTINGS, Dashboard, view_of
from cnnmagic.ui.range_chart import progress_text, range_drawing, range_html, range_text


class RangeView:
    """Shows a search; the cell keeps the curve as a picture, and under it the button, later the training's dashboard.

    `train` starts a training with a rate and makes its dashboard; it is called in a thread, since a click's callback
    may hold up the kernel. None where the network can't be trained with one rate alone: a sweep's choices.
    """

    def __init__(self, search: RateSearch, train: Callable[[float], Dashboard] | None):
        self.search, self.train = search, train
        self.painted = threading.Event()
        self.dashboard: Dashboard | None = None
        self.body = widgets.HTML(escape(progress_text(search.progress, search.name)))
        self.button = widgets.Button(description="Stop", tooltip="End the test", layout=widgets.Layout(width="auto"))
        self.below = widgets.VBox([self.button])
        self.button.on_click(self._pressed)
        answer_while_busy(self.button)
        self._handles: list[Any] = []

    def show(self) -> None:
        """Display in the cell that runs now, and follow the search until it ends."""
        plain = {"text/plain": progress_text(self.search.progress, self.search.name)}
        for widget, words in ((self.body, plain), (self.below, {"text/plain": ""})):
            self._handles.append(display({**view_of(widget), **words}, raw=True, display_id=True))
        self._in_thread(self._follow)

    def _follow(self) -> None:
        try:
            while not self.search.is_done:
                self.body.value = escape(progress_text(self.search.progress, self.search.name))
                self.search.wait(SECONDS_BETWEEN_PAINTINGS)
            self._show_end()
        finally:
            self.painted.set()

    def _show_end(self) -> None:
        curve, name = self.search.curve, self.search.name
        suggested = curve.suggested if curve else None
        self.button.disabled = suggested is None
        self.button.description = "Train" if suggested is None else f"Train with {suggested:g}"
        self.button.tooltip = "Train the network anew with this rate"
        if self.train is None:
            self.below.children = ()
        if curve is None:
            told = str(self.search.error or f"lrfind of {name} was ended before it began.")
            static = {"text/plain": told, "text/html": f'<pre style="color:#c4391d">{escape(told)}</pre>'}
            self.body.value = static["text/html"]
        else:
            static = {"text/plain": range_text(curve, name), "text/html": range_html(curve, name)}
            self.body.value = f"{range_drawing(curve, name)}<br/>{escape(curve.reason)}"
        self._handles[0].update(static, raw=True)

    def _pressed(self, _: Any) -> None:
        if not self.search.is_done:
            self.search.stop()
        elif self.dashboard is None and not self.button.disabled:
            self.button.disabled = True
            self._in_thread(self._train)

    def _train(self) -> None:
        curve = self.search.curve
        assert self.train is not None  # there is no button else
        assert curve is not None and curve.suggested is not None  # the button is not to be pressed else
        try:
            self.dashboard = self.train(curve.suggested)
        except Exception as error:  # there is no cell left that could show it
            self.below.children = (self.button, widgets.HTML(f'<pre style="color:#c4391d">{escape(str(error))}</pre>'))
            self.button.disabled = False
            return
        self.below.children = (self.dashboard.box,)
        self.dashboard.follow(self._handles[1])

    @staticmethod
    def _in_thread(work: Callable[[], None]) -> None:
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), name="cnnmagic-lrfind-view", daemon=True).start()
