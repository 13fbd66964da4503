"""Lets a widget's controls be heard while another cell runs."""

from __future__ import annotations

import ipywidgets as widgets


def answer_while_busy(control: widgets.Widget) -> None:
    """Let a control be heard while another cell runs, on ipykernel 7.4.

    That version answers a comm on the subshell that opened it; without one it answers at once. A private name: where
    it is absent, nothing changes.
    """
    if hasattr(control.comm, "_reply_subshell_for"):
        control.comm._reply_subshell_for = None
