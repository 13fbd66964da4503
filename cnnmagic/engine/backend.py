"""Imports Keras once, without the log lines that TensorFlow writes from C++ into whichever cell runs."""

from __future__ import annotations

import ctypes
import functools
import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from cnnmagic.errors import CnnError

OLDEST_KERAS = (3, 12)


def is_loaded() -> bool:
    """Whether the import, which takes seconds, has been done already."""
    return "keras" in sys.modules


@functools.cache
def load_keras() -> Any:
    """The `keras` module, on the backend that the user chose; raises `CnnError` where it is missing or too old."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # else JAX takes three quarters of a GPU's memory
    try:
        with _silent_descriptor(2) if not is_loaded() else _as_it_is():
            import keras
    except ImportError as error:
        remedy = "In a cell of its own: `%pip install cnnmagic`, then restart the kernel."
        raise CnnError(f"Keras can't be imported: {error}.", remedy=remedy) from error
    _check_version(keras)
    _let_memory_grow(keras)
    if keras.backend.backend() == "jax":  # to which Keras describes labels as they are, of 64 bits
        warnings.filterwarnings("ignore", message="Explicitly requested dtype int64 requested in ShapeDtypeStruct")
    return keras


def fit_of(model: Any) -> Any:
    """Keras's own `fit` of a model, past what MLflow's autologging puts around it on `keras.Model`.

    It would make a second run of a training that logs itself, and fails on callbacks that are no list.
    """
    return super(load_keras().Model, model).fit


def device_name() -> str:
    """`GPU` with its number where there are several, else `CPU`."""
    count = _gpus()
    return "CPU" if not count else "GPU" if count == 1 else f"{count} GPUs"


def _gpus() -> int:
    keras = load_keras()
    if keras.backend.backend() == "torch":  # on which Keras lists no devices
        import torch

        return int(torch.cuda.device_count())
    return sum(not device.lower().startswith("cpu") for device in keras.distribution.list_devices())


def on_processor() -> bool:
    """Whether TensorFlow computes on the processor, where XLA and Keras's batch normalization are slow."""
    return load_keras().backend.backend() == "tensorflow" and device_name() == "CPU"


def _let_memory_grow(keras: ModuleType) -> None:
    """Let TensorFlow take of a GPU's memory what it needs, and not all that there is."""
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    try:
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
    except (RuntimeError, ValueError):  # the user's own TensorFlow code has used the GPU already, or shares it out
        return


def give_memory_back() -> None:
    """Let go of models that nobody holds any more, and give what glibc keeps of their memory back to the system.

    Each training has a thread and so an arena of its own, whose free memory glibc holds on to for ever.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library, another system
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _check_version(keras: ModuleType) -> None:
    version = tuple(int(part) for part in keras.__version__.split(".")[:2])
    if version < OLDEST_KERAS:
        wanted = ".".join(map(str, OLDEST_KERAS))
        remedy = f'In a cell of its own: `%pip install "keras>={wanted}"`, then restart the kernel.'
        raise CnnError(f"this Keras is {keras.__version__}, and {wanted} is needed.", remedy=remedy)


@contextmanager
def _silent_descriptor(descriptor: int) -> Iterator[None]:
    """Send what C++ writes to a file descriptor nowhere for a while."""
    try:
        kept = os.dup(descriptor)
    except OSError:  # no such descriptor, as under pythonw: nothing to silence
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, descriptor)
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield
