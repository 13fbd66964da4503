"""Frees the graphs that TensorFlow has traced for models which are gone: Python's collector can't, and they add up."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

STEPS = ("one_step_on_data", "one_step_on_data_distributed", "one_step_on_iterator", "multi_step_on_iterator")
PARTS = ("Operation", "SymbolicTensor")
FREED = "_cnnmagic_has_freed"  # on a graph that was taken apart, which stays behind as an empty thing


def free_graphs() -> None:
    """Take apart each graph of Keras's steps that nothing refers to but its own operations and tensors."""
    if "tensorflow" not in sys.modules:
        return
    with suppress(ImportError, AttributeError):  # private names of TensorFlow: where they are gone, so is this remedy
        from tensorflow.python.framework.func_graph import dismantle_func_graph

        for graph in _orphans():
            dismantle_func_graph(graph)
            setattr(graph, FREED, True)


def _orphans() -> Iterator[Any]:
    """The graphs that only parts of graphs refer to; one look at all objects finds what refers to any of them."""
    found = [thing for thing in gc.get_objects() if type(thing).__name__ == "FuncGraph" and thing.name in STEPS]
    found = [graph for graph in found if not hasattr(graph, FREED)]
    if not found:
        return
    held: set[int] = set()
    for holder in gc.get_referrers(*found):
        if holder is not found and type(holder).__name__ not in PARTS and not isinstance(holder, FrameType):
            held.update(map(id, gc.get_referents(holder)))
    yield from (graph for graph in found if id(graph) not in held)
