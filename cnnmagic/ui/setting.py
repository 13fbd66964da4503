"""The widget of one control of an answer: a list to choose from, a number, an image of the reader's own.

Numbers are fields with arrows, not sliders: those of ipywidgets 8 have no name that a screen reader could tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from cnnmagic.ui.busy import answer_while_busy
from cnnmagic.ui.upload import uploaded

if TYPE_CHECKING:
    from cnnmagic.explain.answer import Control

STYLE = {"description_width": "initial"}
NUMBER_WIDTH = "150px"
Setter = Callable[[str, Any], None]


class Setting:
    """Tells `set(key, value)` what its reader sets; beside an image's number a file of the reader's own is taken."""

    def __init__(self, control: Control, set: Setter, upload: str):
        self.control, self.set = control, set
        self.widget = _widget(control)
        self.widget.observe(self._changed, "value")
        self.widgets = [self.widget]
        if control.key == "image":
            self.upload = widgets.FileUpload(accept="image/*", multiple=False, description=upload)
            self.upload.observe(self._uploaded, "value")
            self.widgets.append(self.upload)
        for widget in self.widgets:
            answer_while_busy(widget)
        self._following = False

    def follow(self, control: Control) -> None:
        """Take on other bounds or options, and the value that the answer is for."""
        self._following = True
        try:
            if control.options != self.control.options:
                self.widget.options = control.options
            if not control.options and control.most != self.widget.max:
                self.widget.value = min(self.widget.value, control.most)
                self.widget.max = control.most
            if self.widget.value != control.value:
                self.widget.value = control.value
            self.control = control
        finally:
            self._following = False

    def _changed(self, change: dict[str, Any]) -> None:
        if not self._following:
            self.set(self.control.key, change["new"])

    def _uploaded(self, change: dict[str, Any]) -> None:
        if change["new"]:
            self.set(self.control.key, uploaded(change["new"])[0])


def _widget(control: Control) -> Any:
    layout = widgets.Layout(width="auto")
    common = {"description": control.label, "style": STYLE, "layout": layout}
    if control.options:
        return widgets.Dropdown(options=control.options, value=control.value, **common)
    bounds = {"value": control.value, "min": control.least, "max": control.most, "step": control.step}
    layout.width = NUMBER_WIDTH
    if isinstance(control.value, int):
        return widgets.BoundedIntText(**{name: int(number) for name, number in bounds.items()}, **common)
    return widgets.BoundedFloatText(**bounds, **common)
