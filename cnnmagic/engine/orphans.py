"""Frees the graphs that TensorFlow has traced for models which are gone: Python's collector can't, and they add up."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import Any

STEPS = ("one_step_on_data", "one_step_on_data_distributed", "one_step_on_iterator", "multi_step_on_iterator")
PARTS = ("Operation", "SymbolicTensor")


def free_graphs() -> None:
    """Take apart each graph of Keras's steps that nothing refers to but its own operations and tensors."""
    if "tensorflow" not in sys.modules:
        return
    found = [thing for thing in gc.get_objects() if type(thing).__name__ == "FuncGraph" and thing.name in STEPS]
    with suppress(ImportError, AttributeError):  # private names of TensorFlow: where they are gone, so is this remedy
        from tensorflow.python.framework.func_graph import dismantle_func_graph

        for graph in found:
            if _is_orphan(graph, found):
                dismantle_func_graph(graph)


def _is_orphan(graph: Any, found: list[Any]) -> bool:
    """Whether all that refers to a graph is parts of it; the list that holds it and this frame count for nothing."""
    frame = sys._getframe()
    referrers = (thing for thing in gc.get_referrers(graph) if thing is not found and type(thing) is not type(frame))
    return all(type(thing).__name__ in PARTS for thing in referrers)
