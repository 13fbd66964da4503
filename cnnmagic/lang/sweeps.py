"""What a `sweep` line says, whether the cell's braces go with it, and the cell's text with values in their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from cnnmagic.celltext import before_comment, split_lines, with_plain_ends
from cnnmagic.errors import Place, PlanError, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import bind
from cnnmagic.plans import GOALS, Choice, Sweep, Training
from cnnmagic.wording import closest, counted, sentence

USUAL_TRIALS = 12
MOST_TRIALS = 1_000
LARGEST_TOLD = 10**12
METHODS = {
    "grid": "in a random order",
    "random": "picked at random",
    "tpe": "picked by what the trainings before have shown (TPE)",
}
_WORKERS = re.compile(r"(?im)^(\s*sweep\b[^#\n]*?)[\s,]*\bworkers\s*=\s*(?:\w+|\{\{[^}\n]*\}\})")


def read_sweep(directive: syntax.Directive) -> Sweep:
    """The options of a `sweep` line; raises `PlanError`."""
    for word in directive.words:
        if not word.key and isinstance(word.value, syntax.Name) and word.value.lower not in (*METHODS, *GOALS):
            message = sentence(f"no way `{word.value}` to pick combinations{closest(word.value.text, METHODS)}")
            remedy = "Write `random`, `grid` for all of them, or `tpe` for what the trainings before suggest."
            raise PlanError(message, place=word.place, remedy=remedy)
    return replace(Sweep(**bind(Sweep, "sweep", directive.words).values), place=directive.place)


def in_order(choices: Sequence[Choice]) -> tuple[Choice, ...]:
    """The choices as they stand in the text."""
    return tuple(sorted(choices, key=lambda choice: (choice.line, choice.place.column if choice.place else 0)))


def combinations(choices: Sequence[Choice]) -> int | None:
    """How many combinations there are; None where a range makes them countless."""
    return None if any(choice.span for choice in choices) else prod(len(set(choice.written)) for choice in choices)


def trials_of(sweep: Sweep, choices: Sequence[Choice]) -> int:
    """How many trainings a sweep comes to: no more than there are combinations."""
    whole = combinations(choices)
    if whole is None:
        return sweep.trials or USUAL_TRIALS
    return min(sweep.trials or (whole if sweep.method == "grid" else USUAL_TRIALS), whole)


def check_sweep(
    sweep: Sweep, choices: Sequence[Choice], statements: Sequence[Any], training: Training | None
) -> Iterator[Problem]:
    """Why a sweep can't be run: nothing to choose, braces where nothing can be chosen, too much, a grid of ranges, or
    trials side by side that would each be shared out themselves."""
    found = {choice.place for choice in choices}
    for place in _braces(statements):
        if place not in found:
            remedy = "Choices are for options of layers and of `train`, and for `repeat`; write one value here."
            yield Problem("a choice can't be made here.", place, remedy=remedy)
    if not choices:
        remedy = "Put choices in braces, such as `conv {16, 32} 3x3` or `train lr={1e-4 .. 1e-1 log}`."
        yield Problem("`sweep` has nothing to choose from.", sweep.place, remedy=remedy)
    for choice in choices:
        yield from _check_choice(sweep, choice)
    if trials_of(sweep, choices) > MOST_TRIALS:
        yield _too_large(sweep, trials_of(sweep, choices))
    if sweep.workers is not None and (shared := _shared_out(training or Training(), choices)):
        message = f"`sweep workers={sweep.workers}` trains each trial in one task, and `train {shared}` shares it out."
        yield Problem(message, _workers_place(sweep, statements), remedy="Keep one of them.")


def sweep_notes(sweep: Sweep | None, choices: Sequence[Choice]) -> Iterator[str]:
    """What the sweep comes to, in a sentence."""
    if sweep is None or not choices:
        return
    whole, trials = combinations(choices), trials_of(sweep, choices)
    least = "lowest" if sweep.is_loss else "highest"
    many = "countless" if whole is None else f"{whole:,}" if whole < LARGEST_TOLD else "more than a trillion"
    tried = f"all {counted(trials, 'combination')}" if trials == whole else f"{trials:,} of {many} combinations"
    side_by_side = f", {sweep.workers} at a time on the Spark cluster" if sweep.workers else ""
    yield f"the sweep trains {tried}, {METHODS[sweep.method]}, for the {least} {sweep.goal}{side_by_side}"
    if sweep.trials and trials < sweep.trials:
        there = f"there {'is' if trials == 1 else 'are'} {counted(trials, 'combination')}"
        yield f"{there}, and `trials={sweep.trials}` asks for more"


def filled_text(text: str, first_line: int, values: Mapping[Place, str], without: Place | None) -> str:
    """The text with a value in place of the braces at each place, and without the line at `without`."""
    lines = split_lines(with_plain_ends(text).rstrip("\n"))
    for place, value in sorted(values.items(), key=lambda item: (item[0].line, item[0].column), reverse=True):
        _fill(lines, place.line - first_line, place.column - 1, value)
    if without is not None:
        del lines[without.line - first_line]
    return "\n".join(lines) + "\n"


def without_workers(text: str) -> str:
    """The text without the `workers` of its `sweep` line, which tell how it is trained and not what."""
    return _WORKERS.sub(r"\1", text)


def _check_choice(sweep: Sweep, choice: Choice) -> Iterator[Problem]:
    if choice.place is None:
        message = f"`{choice.argument}` is one of {choice.text} in the text that `use` takes over."
        yield Problem(message, remedy="Copy that network's lines into this cell, or choose one value there.")
        return
    if choice.span and sweep.method == "grid":
        message = f"a grid needs lists, and {choice.text} is a range."
        yield Problem(message, choice.place, remedy="List its values, or write `sweep random` or `sweep tpe`.")
    if choice.log and not _low(choice) > 0:
        message = "a range on a `log` scale begins above 0."
        yield Problem(message, choice.place, remedy="For example `{0.0001 .. 0.1 log}`.")


def _low(choice: Choice) -> float:
    return float(choice.written[0])


def _too_large(sweep: Sweep, trials: int) -> Problem:
    told = f"{trials:,}" if trials < LARGEST_TOLD else "more than a trillion"
    message = f"this sweep comes to {told} trainings, and {MOST_TRIALS:,} is the limit."
    return Problem(message, sweep.place, remedy="Choose among fewer values, or write `sweep random trials=20`.")


def _shared_out(training: Training, choices: Sequence[Choice]) -> str:
    """The option of `train` that has several devices or tasks train one trial; empty where none does."""
    several = {"workers": training.workers is not None, "devices": training.devices not in (None, 1)}
    chosen = {choice.argument for choice in choices}
    return next((name for name, is_set in several.items() if is_set or name in chosen), "")


def _workers_place(sweep: Sweep, statements: Sequence[Any]) -> Place | None:
    """The place of the word `workers=N` of the `sweep` line."""
    line = next((s for s in statements if isinstance(s, syntax.Directive) and s.place == sweep.place), None)
    return next((word.place for word in line.words if word.key == "workers"), sweep.place) if line else sweep.place


def _braces(statements: Sequence[Any]) -> Iterator[Place]:
    """The places of all braces of the cell's own text."""
    for statement in statements:
        values = [word.value for word in statement.words]
        values += [parameter.default for parameter in getattr(statement, "parameters", ())]
        yield from (value.place for value in values if isinstance(value, syntax.Choices) and value.place)
        yield from _braces(getattr(statement, "body", ()))
        yield from _braces(getattr(statement, "branches", ()))


def _fill(lines: list[str], index: int, start: int, value: str) -> None:
    """Put a value in place of the braces that open at a column of a line; they may close on a later one."""
    head, last, end = lines[index][:start], index, before_comment(lines[index]).find("}", start)
    while end < 0:
        last += 1
        end = before_comment(lines[last]).find("}")
    lines[index : last + 1] = [head + value + lines[last][end + 1 :], *[""] * (last - index)]
