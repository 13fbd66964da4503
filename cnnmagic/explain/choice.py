"""What a reader has set of an answer: checked, and put in the place of what it is at first."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from numbers import Real
from typing import Any

from cnnmagic.errors import RunError
from cnnmagic.explain.answer import Control
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.wording import closest, listed

SHOWN_OPTIONS = 12


def chosen(probe: Probe, control: Control) -> Control:
    """The control with the reader's value, where there is one; raises `RunError` for one that it can't take."""
    wanted = probe.chosen(control.key)
    if wanted is None:
        return control
    if control.options:
        return replace(control, value=_option(control, str(wanted)))
    # Rounded, since what is reached in steps is a sum that misses its mark by a little.
    number = round(float(wanted), 6) if isinstance(wanted, Real) and not isinstance(wanted, bool) else nan
    if not control.least <= number <= control.most:
        message = f"`{control.key}` can't be {wanted!r}."
        raise RunError(message, remedy=f"It is a number from {control.least:g} to {control.most:g}.")
    return replace(control, value=int(number) if isinstance(control.value, int) else number)


def image_control(probe: Probe) -> tuple[Control, ...]:
    """The control that picks the image; none where there is no image to pick, or the reader brought one."""
    count, image = probe.count(), probe.picked()
    if not count or image is None or not image.split:
        return ()
    return (Control("image", Words("panel")("image"), image.index, most=count - 1),)


def _option(control: Control, wanted: Any) -> str:
    if wanted in control.options:
        return str(wanted)
    shown = listed(control.options[:SHOWN_OPTIONS]) + " …" * (len(control.options) > SHOWN_OPTIONS)
    near = closest(wanted, control.options)
    raise RunError(f"no {control.key} `{wanted}` to choose{near or '.'}", remedy=f"There are {shown}.")
