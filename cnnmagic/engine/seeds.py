"""Seeds all that a training draws from, without TensorFlow where another backend trains."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cnnmagic.engine.backend import load_keras


def set_seed(seed: int) -> None:
    """Do what `keras.utils.set_random_seed` does, which would import TensorFlow wherever it is installed."""
    keras = load_keras()
    if keras.backend.backend() == "tensorflow" or "tensorflow" in sys.modules:
        keras.utils.set_random_seed(seed)
        return
    with _hidden("tensorflow"):
        keras.utils.set_random_seed(seed)


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let a module that is not imported yet count as missing for a while."""
    sys.modules[name] = None  # type: ignore[assignment]  # this is how Python itself marks what can't be imported
    try:
        yield
    finally:
        sys.modules.pop(name, None)
