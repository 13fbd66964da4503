"""Frees the graphs that TensorFlow traces for a model once the model is gone: Python's collector can't, they add up."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

STEPS = ("train_step", "test_step")


def free_with(model: Any) -> None:
    """Have the graphs of a model's steps of training and test taken apart when the model goes.

    Keras traces each step as a function within a function, and TensorFlow takes apart the outer one's graph alone: the
    inner one and its operations, of which the collector knows nothing, hold each other for ever.
    """
    import tensorflow

    graphs: list[weakref.ref[Any]] = []

    def noting(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        held = weakref.WeakMethod(step)

        def noted(data: Any) -> Any:
            if not tensorflow.executing_eagerly():
                graphs.append(weakref.ref(tensorflow.compat.v1.get_default_graph()))
            return held()(data)  # type: ignore[misc]  # who takes a step holds the model

        return noted

    for name in STEPS:
        setattr(model, name, noting(getattr(model, name)))
    weakref.finalize(model, _take_apart, graphs).atexit = False


def _take_apart(graphs: list[weakref.ref[Any]]) -> None:
    with suppress(ImportError, AttributeError):  # private names of TensorFlow: where they are gone, so is this remedy
        from tensorflow.python.framework.func_graph import FuncGraph, dismantle_func_graph

        for graph in (held() for held in graphs):
            if isinstance(graph, FuncGraph):
                dismantle_func_graph(graph)
                _empty(graph)


def _empty(graph: Any) -> None:
    """Take its attributes from a graph: its inputs, say, which keep it alive and it them."""
    for part in gc.get_referents(graph):
        if isinstance(part, dict) and "structured_outputs" in part:
            part.clear()
