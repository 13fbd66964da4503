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


def free_graphs() -> None:
    """Take apart each graph of Keras's steps that nothing refers to but its own operations and tensors."""
    if "tensorflow" not in sys.modules:
        return
    with suppress(ImportError, AttributeError):  # private names of TensorFlow: where they are gone, so is this remedy
        from tensorflow.python.framework.func_graph import dismantle_func_graph

        for graph in _orphans():
            dismantle_func_graph(graph)
            _clear(graph)


def _orphans() -> Iterator[Any]:
    """The graphs that only parts of graphs refer to; one look at all objects finds what refers to any of them."""
    found = [thing for thing in gc.get_objects() if type(thing).__name__ == "FuncGraph" and _name(thing) in STEPS]
    if not found:
        return
    held: set[int] = set()
    for holder in gc.get_referrers(*found):
        if holder is not found and type(holder).__name__ not in PARTS and not isinstance(holder, FrameType):
            held.update(map(id, gc.get_referents(holder)))
    yield from (graph for graph in found if id(graph) not in held)


def _clear(graph: Any) -> None:
    """Empty a graph of its attributes: of its inputs, say, which keep it alive and it them."""
    for part in gc.get_referents(graph):
        if isinstance(part, dict) and "structured_outputs" in part:
            part.clear()


def _name(graph: Any) -> str:
    return str(getattr(graph, "name", ""))
