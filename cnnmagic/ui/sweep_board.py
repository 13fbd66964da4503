"""The live view of a sweep in a notebook: its trials, their curves, what mattered, and a Stop."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from cnnmagic.sweep_run import SweepRun
from cnnmagic.trials import SweepState, trials_text
from cnnmagic.ui.busy import answer_while_busy
from cnnmagic.ui.chart import draw
from cnnmagic.ui.dashboard import CHART_WIDTH, SECONDS_BETWEEN_PAINTINGS, view_of
from cnnmagic.ui.dashboard import head_html as training_html
from cnnmagic.ui.guard import Guard
from cnnmagic.ui.sweep_chart import (
    curves,
    end_html,
    head_html,
    importance_svg,
    picture_html,
    table_html,
    trainings_html,
)

PAGE = "max-height:310px;overflow:auto"
FLUID = '<svg style="width:100%;height:auto" '


class SweepBoard:
    """Shows a sweep from now on; when it ends, the widgets show its end and the cell keeps a static picture.

    A painter in a thread of its own looks at the state at most five times a second and sends what has changed.
    """

    def __init__(self, sweep: SweepRun):
        self.sweep = sweep
        self.most = (sweep.plan.sweep.workers if sweep.plan.sweep else None) or 1  # trainings at once
        self.painted = threading.Event()
        self._changed = threading.Event()
        self._handle: Any = None
        self._guard = Guard("the sweep")
        half = widgets.Layout(flex="1 1 300px", max_width="480px")
        self.head, self.training, self.table, self.end = (widgets.HTML() for _ in range(4))
        self.curves, self.importance = widgets.HTML(layout=half), widgets.HTML(layout=half)
        self.stop = widgets.Button(
            description="Stop", tooltip="End the sweep and keep what is done", layout=widgets.Layout(width="auto")
        )
        self.stop.on_click(lambda _: self.sweep.stop())
        answer_while_busy(self.stop)
        charts = widgets.HBox([self.curves, self.importance], layout=widgets.Layout(flex_flow="row wrap"))
        self.box = widgets.VBox([self.head, widgets.HBox([self.stop]), charts, self.table, self.training, self.end])
        self._guard.do(self._paint, sweep.state)

    def show(self) -> None:
        """Display in the cell that runs now, and follow the sweep until it ends."""
        if self.sweep.is_done or self.sweep.state.is_over:
            display(_static(self.sweep.state), raw=True)
            self.painted.set()
            return
        self._handle = display({**view_of(self.box), **_static(self.sweep.state)}, raw=True, display_id=True)
        self.sweep.listen(lambda _: self._changed.set())
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._follow,), name="cnnmagic-board", daemon=True).start()

    def _follow(self) -> None:
        try:
            while not self.sweep.is_done:
                if self._changed.is_set():
                    self._changed.clear()
                    self._guard.do(self._paint, self.sweep.state)
                self._guard.do(self._paint_training)
                self.sweep.wait_quietly(SECONDS_BETWEEN_PAINTINGS)
            self._guard.do(self._paint, self.sweep.state)
            self._guard.do(lambda: self._handle.update(_static(self.sweep.state), raw=True))
        finally:
            if self.sweep.is_done:
                # ipywidgets hold every view as long as the kernel lives: no more than the state is to hang on one.
                self.sweep = SweepRun(self.sweep.plan, self.sweep.state)
            self.painted.set()

    def _paint(self, state: SweepState) -> None:
        self.stop.disabled = state.is_over
        self.head.value = head_html(state)
        self.curves.value = draw(curves(state), CHART_WIDTH).replace("<svg ", FLUID, 1)
        self.importance.value = importance_svg(state).replace("<svg ", FLUID, 1)
        self.table.value = f'<div style="{PAGE}">{table_html(state)}</div>' if state.trials else ""
        self.end.value = end_html(state)
        if state.is_over:
            self.training.value = ""

    def _paint_training(self) -> None:
        """The head of the training under way, or a line for each of several."""
        states = [run.state for run in self.sweep.runs]
        if self.most > 1:
            self.training.value = trainings_html(states, self.most)
        elif states:
            self.training.value = training_html(states[0])


def _static(state: SweepState) -> dict[str, str]:
    return {"text/plain": trials_text(state), "text/html": picture_html(state)}
