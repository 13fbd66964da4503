"""Networks side by side: how two differ in text and plan, and the zoo as a table."""

from __future__ import annotations

import difflib
from dataclasses import fields
from functools import cache

from cnnmagic.layers import show
from cnnmagic.layers.phrase import phrase
from cnnmagic.layers.written import number_text
from cnnmagic.plans import Plan, Training
from cnnmagic.table import aligned, batch_of, bytes_text, short
from cnnmagic.zoo import zoo_names, zoo_text


def difference(one: Plan, other: Plan, name: str, other_name: str) -> str:
    """The two texts' differences line by line, then what differs in the plans side by side, then in their layers."""
    texts = one.text.strip().split("\n"), other.text.strip().split("\n")
    lines = [*difflib.unified_diff(*texts, name, other_name, lineterm="", n=1)]
    told = [line for line in lines if not line.startswith("@@")] or ["the texts are the same"]
    table = _side_by_side(one, other, name, other_name)
    layers = [*difflib.unified_diff(_layers(one), _layers(other), lineterm="", n=0)]
    changed = [line for line in layers if not line.startswith(("@@", "---", "+++"))]
    return "\n".join([*told, "", *table, "", *(changed or ["the layers are the same"])])


def _side_by_side(one: Plan, other: Plan, name: str, other_name: str) -> list[str]:
    """`what | A | B`: sizes always, settings where they differ."""
    rows = [(what, a, b) for (what, a), (_, b) in zip(_numbers(one), _numbers(other), strict=True)]
    pairs = zip(_settings(one).items(), _settings(other).values(), strict=True)
    rows += [(what, a, b) for (what, a), b in pairs if a != b]
    return aligned([("what", name, other_name), *rows])


def zoo_table() -> str:
    """The studied networks: name, input, parameters, FLOPs, and what each is."""
    rows = [("name", "input", "parameters", "FLOPs", ""), *map(_zoo_row, zoo_names())]
    return "\n".join(
        [
            *aligned(rows, right=(2, 3)),
            "",
            "`%cnn zoo NAME` prints one as a ready cell; `use NAME` in a cell builds on it.",
        ]
    )


@cache
def zoo_parameters() -> tuple[tuple[str, int], ...]:
    """Each studied network with its number of weights."""
    return tuple((name, zoo_plan(name).parameters) for name in zoo_names())


def _zoo_row(name: str) -> tuple[str, ...]:
    plan, about = zoo_plan(name), zoo_text(name).split("\n", 1)[0].removeprefix("# ").split(":")[0]
    return name, show(plan.input_shape), f"{plan.parameters:,}", short(plan.flops), about


def zoo_plan(name: str) -> Plan:
    """The plan of a studied network, as `%cnn zoo NAME` prints its cell."""
    from cnnmagic.pipeline import make_plan, retrained

    network, _, words = zoo_text(name).rpartition("\ntrain")  # without data no plan can train
    return retrained(make_plan(network, {}), words)


def _layers(plan: Plan) -> list[str]:
    return [f"{phrase(step.layer)}  {show(step.output_shape)}" for step in plan.steps]


def _numbers(plan: Plan) -> list[tuple[str, str]]:
    return [
        ("layers", str(len(plan.steps))),
        ("input", show(plan.input_shape)),
        ("parameters", f"{plan.parameters:,}"),
        ("FLOPs", short(plan.flops)),
        ("memory of a batch", bytes_text(plan.memory(batch_of(plan)))),
    ]


def _settings(plan: Plan) -> dict[str, str]:
    """All that a cell says beside its layers, in words; `-` where it says nothing."""
    output, resize, training = plan.output, plan.resize, plan.training or plan.recipe or Training()
    augmented = [step.layer for step in plan.steps if "_augment" in step.name]
    told = {
        "data": str(plan.source or "-"),
        "test images": _tests(plan),
        "resize": f"{resize.height}x{resize.width} {resize.how}" if resize else "-",
        "augmentation": ", ".join(map(phrase, augmented)) or "-",
        "weights": f"{plan.base.weights} of {plan.base.name}" + ", frozen" * plan.base.freeze if plan.base else "-",
        "output": f"{output.units} {output.activation}" if output else "-",
        "loss": output.loss if output else "-",
        "trains": "yes" if plan.training else "no",
    }
    told |= {field.name.replace("_", " "): _told(getattr(training, field.name)) for field in fields(Training)}
    told["learning rate"] = "default" if training.learning_rate is None else told["learning rate"]
    return told | {"seed": _told(plan.seed)}


def _tests(plan: Plan) -> str:
    if plan.facts is None:
        return "-"
    return f"{plan.facts.tests:,} of their own" if plan.facts.tests else f"{plan.test:.0%} of the data"


def _told(value: object) -> str:
    """An option's value as the `train` line writes it."""
    if value is None:
        return "-"
    return number_text(value) if isinstance(value, float) else str(value)
