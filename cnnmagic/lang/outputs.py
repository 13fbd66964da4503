"""The network's output: the line that says it, the last layer that serves as one, and the loss that fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnnmagic.datasets import Facts
from cnnmagic.errors import Place, PlanError, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.expand import expand_output
from cnnmagic.layers import Dense, Layer
from cnnmagic.plans import Output
from cnnmagic.wording import counted

if TYPE_CHECKING:
    from cnnmagic.lang.walk import Walk

LOSSES = {
    ("softmax", False): "sparse_categorical_crossentropy",
    ("sigmoid", True): "binary_crossentropy",
    ("sigmoid", False): "binary_crossentropy",
}


@dataclass(frozen=True)
class Found:
    """An output, the name of the step that gives it, and its place in the cell."""

    output: Output
    source: str
    place: Place


def output(walk: Walk, statement: syntax.Layer) -> None:
    """Add the layer of an `output` line."""
    classes = len(walk.facts.classes) if walk.facts else None
    if statement.adapts and classes is not None:
        statement = replace(statement, words=tuple(word for word in statement.words if word.key))
    if classes is None and walk.data_failed:
        walk.lost = True  # that the data are wrong is told already
        return
    dense, binding = expand_output(statement, classes)
    walk.take_notes(binding)
    _check(dense, walk.facts)
    if walk.output is not None:
        message = f"a second `output`; the first is on line {walk.output.place.line}."
        raise PlanError(message, remedy="Keep one of them.")
    walk.append(dense, statement.place, "output", statement.label or "output")
    if walk.current is not None:
        walk.output = Found(_output(dense), walk.current.source, statement.place)


def last(walk: Walk, training: bool) -> Output | None:
    """The output of a whole cell; what is wrong with it, or missing for a training, goes to the problems."""
    assert walk.current is not None  # the walk looked
    found = walk.output or _by_habit(walk)
    if found is None:
        if training:
            walk.problems.append(_missing(walk))
        return None
    walk.notes.extend(_notes(walk, found))
    if found.source != walk.current.source:
        message = "`output` must be the last layer."
        walk.problems.append(Problem(message, found.place, remedy="Move it to the end of the layers."))
    return found.output


def _check(dense: Dense, facts: Facts | None) -> None:
    """Raise `PlanError` where an output makes no sense, or does not fit the data's classes."""
    if dense.units == 1 and dense.activation == "softmax":
        raise PlanError("softmax of one number is always 1.", remedy="Write `output 1`, which takes sigmoid.")
    classes = facts.classes if facts else ()
    if classes and dense.units != len(classes) and not (dense.units == 1 and len(classes) == 2):
        shown = f"{classes[0]} … {classes[-1]}" if len(classes) > 1 else classes[0]
        message = f"the data have {counted(len(classes), 'class')} ({shown}) and `output` has {dense.units}."
        raise PlanError(message, remedy=f"Write `output {len(classes)}`, or `output` alone.")


def _output(dense: Dense) -> Output:
    single, activation = dense.units == 1, dense.activation or "linear"
    plain = "binary_crossentropy" if single else "sparse_categorical_crossentropy"
    return Output(dense.units, activation, LOSSES.get((activation, single), plain))


def _notes(walk: Walk, found: Found) -> Iterator[str]:
    """Softmax of softmax, or a sigmoid of one: as if a Keras user's last layer were still to get its output."""
    assert walk.graph is not None  # the walk looked
    steps = walk.graph.steps
    last = steps[found.source]
    before = steps.get(last.inputs[0])
    while before is not None and before.layer.kind in ("Dropout", "Flatten"):
        before = steps.get(before.inputs[0])
    if before is None:
        return
    activation, units = _ending(before.layer), before.output_shape[-1]
    if activation == "softmax" or (activation == "sigmoid" and units in (1, found.output.units)):
        told = f"line {before.line} ends in {activation} already, and line {last.line} adds a layer with"
        told += f" {found.output.activation} after it, through which a network learns badly"
        if isinstance(before.layer, Dense) and units == found.output.units:
            yield f"{told}: leave out one of the two lines"
        else:
            yield f"{told}: leave {activation} out of line {before.line}, or write `relu` there"


def _ending(layer: Layer) -> str:
    """The name of the activation that a layer ends with."""
    return "softmax" if layer.kind == "Softmax" else getattr(layer, "activation", None) or ""


def _by_habit(walk: Walk) -> Found | None:
    """A closing `dense N softmax` (or sigmoid) serves as output, as in Keras."""
    assert walk.graph is not None and walk.current is not None  # the walk looked
    step = walk.graph.steps.get(walk.current.source)
    if step is None or not isinstance(step.layer, Dense) or step.layer.activation not in ("softmax", "sigmoid"):
        return None
    walk.notes.append(f"the last layer, on line {step.line}, serves as the output")
    return Found(_output(step.layer), step.name, walk.graph.places[step.name])


def _missing(walk: Walk) -> Problem:
    assert walk.graph is not None and walk.current is not None  # the walk looked
    classes = len(walk.facts.classes) if walk.facts else 10
    step = walk.graph.steps.get(walk.current.source)
    instead = step is not None and isinstance(step.layer, Dense)
    remedy = f"Write `output {classes}` in its place." if instead else f"Add a line `output {classes}`."
    return Problem("there is no `output` after the last layer, so there is nothing to train.", walk.last, remedy=remedy)
