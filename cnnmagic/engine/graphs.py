"""Frees the graphs that TensorFlow traces for a model once the model is gone: Python's collector can't, they add up."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

STEPS = ("train_step", "test_step")
_graphs_of: weakref.WeakKeyDictionary[Any, list[weakref.ref[Any]]] = weakref.WeakKeyDictionary()


def free_with(model: Any) -> None:
    """Have the graphs of a model's steps of training and test taken apart when the model goes.

    Keras traces each step as a function within a function, and TensorFlow takes apart the outer one's graph alone: the
    inner one and its operations, of which the collector knows nothing, hold each other for ever.
    """
    import tensorflow

    graphs = _graphs_of[model] = []

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
    logging.getLogger("tensorflow").addFilter(_is_no_false_alarm)


def let_go_of_steps(model: Any) -> None:
    """Free what was traced, or compiled, for a model's training that is over: should it go on, that is done anew.

    Nobody else may train or evaluate the model meanwhile.
    """
    model.train_function = model.test_function = None
    if graphs := _graphs_of.get(model):
        _take_apart(graphs)
        graphs.clear()


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    """Whether it is not the warning that Keras's steps are traced again and again: every model has its own."""
    return not ("triggered tf.function retracing" in (said := record.getMessage()) and "TensorFlowTrainer" in said)


def _take_apart(graphs: list[weakref.ref[Any]]) -> None:
    with suppress(ImportError, AttributeError):  # private names of TensorFlow: where they are gone, so is this remedy
        from tensorflow.python.framework.func_graph import FuncGraph, dismantle_func_graph

        for graph in (held() for held in graphs):
            if isinstance(graph, FuncGraph):
                _forget_gradients(graph)
                dismantle_func_graph(graph)
                _empty(graph)


def _forget_gradients(graph: Any) -> None:
    """Take what the graph's operations have as gradients of their own from TensorFlow's list of all, which keeps them.

    Keras sums gradients over replicas, be there one, by an operation with such a gradient, which holds its graph.
    """
    from tensorflow.python.framework.ops import gradient_registry

    for operation in graph.get_operations():
        with suppress(ValueError):  # it has no gradient of its own
            name = operation.get_attr("_gradient_op_type").decode()
            if name.startswith("CustomGradient-"):  # made for this one operation; others may be shared
                gradient_registry._registry.pop(name, None)


def _empty(graph: Any) -> None:
    """Take its attributes from a graph: its inputs, say, which keep it alive and it them."""
    for part in gc.get_referents(graph):
        if isinstance(part, dict) and "structured_outputs" in part:
            part.clear()
