"""Keeps a model in training from calls that would corrupt it: Keras gives wrong numbers then, without a word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cnnmagic.errors import RunError

REFUSED = ("fit", "evaluate", "compile", "train_on_batch", "test_on_batch", "set_weights", "load_weights")
AWAITED = ("save", "save_weights", "export")


def guard(model: Any, name: str, wait: Callable[[], object]) -> Callable[[], None]:
    """Refuse, outside the calling thread, what a model in training can't do, and let saving wait for its end.

    Returns the function that takes the guard away.
    """
    owner = threading.get_ident()
    for method in REFUSED:
        _replace(model, method, _refusing(getattr(model, method), method, name, owner))
    for method in AWAITED:
        _replace(model, method, _waiting(getattr(model, method), wait, owner))
    return lambda: _take_away(model)


def _refusing(original: Callable[..., Any], method: str, name: str, owner: int) -> Callable[..., Any]:
    def refuse(*arguments: Any, **options: Any) -> Any:
        if threading.get_ident() == owner:
            return original(*arguments, **options)
        remedy = f"`{name}.wait()` waits for its end, `{name}.stop()` ends it, `{name}.evaluate()` waits and evaluates."
        raise RunError(
            f"`{method}` of a model in training would give wrong numbers, and {name} is in training.", remedy=remedy
        )

    return refuse


def _waiting(original: Callable[..., Any], wait: Callable[[], object], owner: int) -> Callable[..., Any]:
    def after_training(*arguments: Any, **options: Any) -> Any:
        if threading.get_ident() != owner:
            wait()
        return original(*arguments, **options)

    return after_training


def _replace(model: Any, method: str, function: Callable[..., Any]) -> None:
    # Past Keras's own __setattr__, which would track the function as a part of the model.
    object.__setattr__(model, method, function)


def _take_away(model: Any) -> None:
    for method in (*REFUSED, *AWAITED):
        model.__dict__.pop(method, None)
