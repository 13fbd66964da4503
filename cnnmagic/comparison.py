"""Networks side by side: how two differ in text and plan, and the zoo as a table."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from cnnmagic.layers import show
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan
from cnnmagic.table import batch_of, bytes_text, short
from cnnmagic.zoo import zoo_names, zoo_text


def difference(one: Plan, other: Plan, name: str, other_name: str) -> str:
    """The two texts' differences line by line, then the numbers of the plans that differ, then their layers."""
    texts = one.text.strip().split("\n"), other.text.strip().split("\n")
    lines = [*difflib.unified_diff(*texts, name, other_name, lineterm="", n=1)]
    told = [line for line in lines if not line.startswith("@@")] or ["the texts are the same"]
    numbers = zip(_numbers(one), _numbers(other), strict=True)
    told += ["", *(f"{label}: {a}" + ("" if a == b else f" → {b}") for (label, a), (_, b) in numbers)]
    layers = [*difflib.unified_diff(_layers(one), _layers(other), lineterm="", n=0)]
    changed = [line for line in layers if not line.startswith(("@@", "---", "+++"))]
    return "\n".join([*told, "", *(changed or ["the layers are the same"])])


def zoo_table() -> str:
    """The studied networks: name, input, parameters, FLOPs, and what each is."""
    rows = [("name", "input", "parameters", "FLOPs", ""), *map(_zoo_row, zoo_names())]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    told = [_aligned(row, widths) for row in rows]
    return "\n".join([*told, "", "`%cnn zoo NAME` prints one as a ready cell; `use NAME` in a cell builds on it."])


def _zoo_row(name: str) -> tuple[str, ...]:
    from cnnmagic.pipeline import make_plan

    text = zoo_text(name)
    plan = make_plan(text.rpartition("\ntrain")[0], {})
    about = text.split("\n", 1)[0].removeprefix("# ").split(":")[0]
    return name, show(plan.input_shape), f"{plan.parameters:,}", short(plan.flops), about


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    right = (2, 3)
    cells = enumerate(zip(row, widths, strict=True))
    told = (text.rjust(width) if column in right else text.ljust(width) for column, (text, width) in cells)
    return "  ".join(told).rstrip()


def _layers(plan: Plan) -> list[str]:
    return [f"{phrase(step.layer)}  {show(step.output_shape)}" for step in plan.steps]


def _numbers(plan: Plan) -> list[tuple[str, str]]:
    batch = batch_of(plan)
    return [
        ("layers", str(len(plan.steps))),
        ("input", show(plan.input_shape)),
        ("parameters", f"{plan.parameters:,}"),
        ("FLOPs", short(plan.flops)),
        (f"memory of a batch of {batch}", bytes_text(plan.memory(batch))),
    ]
