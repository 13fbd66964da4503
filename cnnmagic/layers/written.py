"""A value as the language writes it: `3x3`, `0.1`, `yes`, `"two words"`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_WORD = re.compile(r"[^\s(){}=#<>:,\"'-]+")


def number_text(value: float) -> str:
    """A number in its shortest form: `0.1`, `1e-5`."""
    text = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return text.replace("e-0", "e-").replace("e+0", "e+")


def _fraction(value: float) -> float | None:
    """The value where it is one over a whole number and its decimals would be many."""
    whole = round(1 / value) if 1e-6 < value < 1 and float(f"{value:g}") != value else 0
    return 1 / whole if whole else None


def size_text(dimensions: tuple[int, ...]) -> str:
    return "x".join(map(str, dimensions))


def value_text(value: Any) -> str:
    """A value as the language writes it; 1/255 where decimals would cut it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value == _fraction(value):
        return f"1/{round(1 / value)}"
    if isinstance(value, tuple):
        return _tuple(value)
    if isinstance(value, str) and not _WORD.fullmatch(value):
        return f'"{value}"'
    return number_text(value) if isinstance(value, float) else "none" if value is None else str(value)


def _tuple(value: tuple[Any, ...]) -> str:
    """A size, `3x3`, or numbers in brackets, `(0.5, -1)`, where no size has such numbers."""
    flat = [one for part in value for one in (part if isinstance(part, tuple) else (part,))]
    if all(one is None or (isinstance(one, int) and one >= 0) for one in flat) and len(flat) > 1:
        return "x".join("?" if one is None else str(one) for one in flat)
    return row_text(flat)


def row_text(numbers: Iterable[float]) -> str:
    return f"({', '.join(map(value_text, numbers))})"
