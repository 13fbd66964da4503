"""The plan as a table of text: one row a layer, with its line, shape and costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnmagic.hardware import precision_of
from cnnmagic.layers import show
from cnnmagic.layers.phrase import phrase
from cnnmagic.wording import counted

if TYPE_CHECKING:
    from cnnmagic.plans import Plan, Step, Training

HEADER = ("line", "layer", "output", "parameters", "FLOPs", "sees", "activations")
LEFT = (1, 2)
WHOLE = "whole"
TOLD_APART = ("learning_rate", "use_ema", "ema_momentum")


def rows(plan: Plan) -> list[tuple[str, ...]]:
    """A tuple of `HEADER`'s columns for each step; activations are for a batch."""
    return [_row(step, batch_of(plan), sees) for step, sees in zip(plan.steps, _sees(plan), strict=True)]


def totals(plan: Plan) -> tuple[str, ...]:
    """The closing row: sums of parameters, FLOPs and activations."""
    sizes = [step.activation_bytes(batch_of(plan)) for step in plan.steps]
    known = None if None in sizes else sum(size for size in sizes if size is not None)
    return "", "total", "", f"{plan.parameters:,}", short(plan.flops), "", bytes_text(known)


def summary(plan: Plan) -> list[str]:
    """What stands under the table: input, output, loss, data, training, memory, notes."""
    batch = batch_of(plan)
    answer = (
        f"output {plan.output.units} {plan.output.activation}, loss {plan.output.loss}" if plan.output else "no output"
    )
    memory = plan.memory(batch)
    need = (
        f"training a batch of {batch} takes at least {bytes_text(memory)} in float32"
        if memory
        else "memory depends on the size"
    )
    lines = [f"input {show(plan.input_shape)} · {answer} · {need}"]
    if plan.source is not None:
        lines.append(f"data {plan.source}" + _counts(plan))
    if plan.training is not None:
        lines.append(_training(plan))
        lines += [f"{precision}: {why}" for precision, why in _precision(plan.training)]
    lines += [
        f"line {choice.line}: {choice.argument} is one of {choice.text}; planned with the first"
        for choice in plan.choices
    ]
    aliases = [note for note in plan.notes if " is Keras's " in note]
    lines += ["; ".join(aliases)] if aliases else []
    return lines + [note for note in plan.notes if note not in aliases]


def plan_text(plan: Plan) -> str:
    """The whole plan as text, columns aligned."""
    table = [HEADER, *rows(plan), totals(plan)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADER))]
    lines = ["  ".join(_align(row, widths)).rstrip() for row in table]
    rule = "-" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *summary(plan)])


def aligned(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of text with their columns in line; those named in `right` end at one edge."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    told = []
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        told.append("  ".join(text.rjust(width) if n in right else text.ljust(width) for n, (text, width) in cells))
    return [line.rstrip() for line in told]


def batch_of(plan: Plan) -> int:
    """Images in a batch of the plan's training: no more than there are to train on."""
    if plan.training is None:
        return 32
    return min(plan.training.batch_size, plan.training_images or plan.training.batch_size)


def short(number: int | None) -> str:
    """`833 k`, `15.5 G`; `?` where it depends on the size of the image."""
    if number is None:
        return "?"
    for power, unit in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if number >= 999.5 * 10 ** (power - 3):
            return (
                f"{number / 10**power:.3g} {unit}"
                if number < 999.5 * 10**power
                else f"{number / 10**power:,.0f} {unit}"
            )
    return str(number)


def bytes_text(number: int | None) -> str:
    """`2.4 MB` (a million bytes); `?` where it depends on the size of the image."""
    if number is None:
        return "?"
    return f"{short(number)}B" if number >= 1000 else f"{number} B"


def percent_text(part: float) -> str:
    """`20%`, `99.99%`."""
    return f"{100 * part:.4g}%"


def _sees(plan: Plan) -> list[str]:
    """What a number of each step sees: `5x5`, `whole` after a layer that looks at all places, `?` if not known."""
    told: dict[str, str] = {}
    for step in plan.steps:
        is_whole = step.layer.window() is None or WHOLE in [told.get(source) for source in step.inputs]
        known = "?" if step.receptive_field is None else show(step.receptive_field)
        told[step.name] = WHOLE if is_whole else known
    return list(told.values())


def _row(step: Step, batch: int, sees: str) -> tuple[str, ...]:
    flops = short(step.flops) if step.flops != 0 else "-"
    parameters = f"{step.parameters:,}" if step.parameters else "-"
    size = bytes_text(step.activation_bytes(batch))
    return str(step.line), phrase(step.layer), show(step.output_shape), parameters, flops, sees, size


def _align(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = enumerate(zip(row, widths, strict=True))
    return [text.ljust(width) if column in LEFT else text.rjust(width) for column, (text, width) in cells]


def _counts(plan: Plan) -> str:
    if plan.facts is None:
        return ""
    tests = f", {plan.facts.tests:,} for the test" if plan.facts.tests else ", none for the test"
    if plan.facts.kept("test", plan.test):
        tests = f", {percent_text(plan.test)} of them kept for the test"
    images, classes = counted(plan.facts.examples, "image"), counted(len(plan.facts.classes), "class")
    return f": {images} of {show(plan.facts.shape)} in {classes}{tests}"


def _precision(training: Training) -> list[tuple[str, str]]:
    """What `auto` has come to here; nothing where the cell says it itself."""
    return [precision_of("auto")] if training.precision == "auto" else []


def _option(name: str, value: float) -> str:
    """`momentum 0.9`, `nesterov`, `no nesterov`."""
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name.replace('_', ' ') if name == 'weight_decay' else name} {value:g}"


def _training(plan: Plan) -> str:
    training = plan.training
    assert training is not None  # the caller looked
    rate = "its default rate" if training.learning_rate is None else f"rate {training.learning_rate:g}"
    size = str(training.batch_size)
    if batch_of(plan) < training.batch_size:
        size = f"{counted(batch_of(plan), 'image')}, all that there are to train on"
    told = [f"train {counted(training.epochs, 'epoch')} of batches of {size}", f"{training.optimizer} at {rate}"]
    told += [_option(name, value) for name, value in training.optimizer_options.items() if name not in TOLD_APART]
    told += [] if training.schedule == "constant" else [f"{training.schedule} schedule"]
    told += [f"warm-up over {training.warmup:g} epoch{'s' * (training.warmup != 1)}"] if training.warmup else []
    told += [f"label smoothing {training.label_smoothing:g}"] if training.label_smoothing else []
    told += [] if training.ema is None else [f"the mean of the weights with momentum {training.ema:g}"]
    kept = f"{percent_text(training.validation)} of the training images for" if training.validation else "no"
    own = plan.facts is not None and "validation" in plan.facts.splits
    told.append("validation images of the data's own" if own else f"{kept} validation")
    told += (
        [f"stops after {counted(training.early_stop, 'epoch')} without a better loss"] if training.early_stop else []
    )
    told += [] if training.precision == "auto" else [training.precision]
    told += [] if plan.seed is None else [f"seed {plan.seed}"]
    return ", ".join(told)
