"""Results kept by the very objects that they were made of, so that a `repeat` works nothing out twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Once:
    """Calls a function the first time, and gives the same result for the same objects from then on."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]] = {}

    def __call__(self, make: Callable[..., Any], *of: Any) -> Any:
        key = (make, *map(id, of))
        if key not in self._known:
            self._known[key] = make(*of), of  # `of` is kept, so that nothing else gets its id
        return self._known[key][0]
