"""Keeps a live view painting: what fails is logged with its traceback, and the view goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any


class Guard:
    """Does the paintings of the view of `name`; one that fails the same way again is not logged again."""

    def __init__(self, name: str):
        self.name = name
        self._told: set[str] = set()

    def do(self, paint: Callable[..., object], *given: Any) -> None:
        """Paint; whatever it raises is logged, for a view that fails must not take its controls with it."""
        try:
            paint(*given)
        except Exception as error:
            self.tell(error)

    def tell(self, error: Exception) -> None:
        """Log a failure, with the traceback that leads to it."""
        told = f"{type(error).__name__}: {error}"
        if told not in self._told:
            self._told.add(told)
            logging.getLogger(__name__).error("a part of the view of %s failed", self.name, exc_info=error)
