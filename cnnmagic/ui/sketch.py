"""What a network's picture is made of: boxes in rows, forks into rows, frames; and reads the boxes from a plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from cnnmagic.layers import Shape
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan, Step
from cnnmagic.ui.kinds import INPUT, PLAIN, Kind, kind_of

# An image of free size is drawn as if it had so many pixels a side.
FREE_SIZE = 128

# An arc (source, target) leads from one piece of a row to a later one; source -1 is what enters the row.
Arc = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A layer and those after it that keep its shape. `size` is the shape to draw, `lines` those of all its copies."""

    kind: Kind
    phrases: tuple[str, ...]
    shape: Shape
    size: tuple[float, ...]
    parameters: int
    lines: frozenset[int]
    sources: tuple[int, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Row:
    """Pieces from left to right, each fed by the one before it unless it is `loose`; arcs are further connections."""

    pieces: tuple[Piece, ...] = ()
    arcs: tuple[Arc, ...] = ()
    loose: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Fork:
    """Rows side by side from one point to the box where they meet; an empty row is the input itself."""

    rows: tuple[Row, ...]
    merge: Box


@dataclass(frozen=True)
class Frame:
    """A row that comes `times` times, one after the other."""

    row: Row
    times: int


Piece = Box | Fork | Frame


def boxes_of(row: Row) -> Iterable[tuple[Box, int]]:
    """Each box of the picture, and how often the network has it."""
    for piece in row.pieces:
        match piece:
            case Box():
                yield piece, 1
            case Fork(rows, merge):
                for branch in rows:
                    yield from boxes_of(branch)
                yield merge, 1
            case Frame(inner, times):
                for box, count in boxes_of(inner):
                    yield box, count * times


def frames_of(row: Row) -> Iterable[Frame]:
    """Each frame of the picture, those within frames too."""
    for piece in row.pieces:
        if isinstance(piece, Frame):
            yield piece
            yield from frames_of(piece.row)
        elif isinstance(piece, Fork):
            for branch in piece.rows:
                yield from frames_of(branch)


def read_boxes(plan: Plan) -> list[Box]:
    """The input and all layers in the plan's order, each with the layers that fold into it."""
    boxes = [_input(plan)]
    homes = {"input": 0}
    readers = _readers(plan)
    for step in plan.steps:
        before = homes[step.inputs[0]]
        if kind_of(step.layer) is PLAIN and step.input_shape == step.output_shape and readers[step.inputs[0]] == 1:
            boxes[before] = _with_step(boxes[before], step)
            homes[step.name] = before
        else:
            boxes.append(_box(step, tuple(homes[name] for name in step.inputs), boxes[before]))
            homes[step.name] = len(boxes) - 1
    last = homes[plan.steps[-1].name] if plan.steps else 0
    boxes[last] = replace(boxes[last], mark=f"{boxes[last].mark} output".strip())
    return boxes


def _input(plan: Plan) -> Box:
    size = tuple(FREE_SIZE if side is None else side for side in plan.input_shape)
    return Box(INPUT, (), plan.input_shape, size, 0, frozenset(), mark="input")


def _readers(plan: Plan) -> dict[str, int]:
    """How often what a step gives is read; what another reads can't hide inside a box."""
    counts = dict.fromkeys(["input", *(step.name for step in plan.steps)], 0)
    for step in plan.steps:
        for name in step.inputs:
            counts[name] += 1
    return counts


def _box(step: Step, sources: tuple[int, ...], before: Box) -> Box:
    words = (phrase(step.layer),)
    size = _size(step, before.size)
    lines = frozenset([step.line])
    return Box(kind_of(step.layer), words, step.output_shape, size, step.parameters, lines, sources)


def _with_step(box: Box, step: Step) -> Box:
    """The box with one more layer, in the words of `conv 32 3x3 bn relu`; the rest is in the plan's table."""
    normal, words = "Normalization" in step.layer.kind, phrase(step.layer).split()
    before = box.phrases
    if normal and len(before) == 1:
        before = (before[0].replace(" use_bias=no", ""),)
    return replace(
        box,
        phrases=(*before, " ".join(word for word in words if not (normal and "=" in word))),
        parameters=box.parameters + step.parameters,
        lines=box.lines | {step.line},
    )


def _size(step: Step, before: tuple[float, ...]) -> tuple[float, ...]:
    """The output's shape, its free sides as the window's stride leaves them."""
    window = step.layer.window()
    strides = window.stride if window else (1, 1)
    free = [side / stride for side, stride in zip(before, strides, strict=False)] + [1.0] * 9
    return tuple(free[axis] if side is None else side for axis, side in enumerate(step.output_shape))
