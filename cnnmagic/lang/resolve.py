"""`Program` to `Plan`: gives every statement its meaning and reports every mistake of meaning, without Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cnnmagic.datasets import Source
from cnnmagic.errors import CnnError, DataError, Place, PlanError, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.scaling import notes_on_scaling
from cnnmagic.lang.settings import Describe, Settings, read_settings
from cnnmagic.lang.sweeps import check_sweep, in_order, sweep_notes
from cnnmagic.lang.unfold import FindText, unfold
from cnnmagic.lang.walk import Walk
from cnnmagic.plans import Base, Choice, Plan, Step

SMALLEST_CELL = (
    "A small one: `data digits`, `conv 16 3x3 relu`, `flatten`, `output 10`, `train epochs=5`, each on its line."
)


def resolve(
    program: syntax.Program,
    variables: Mapping[str, Any],
    describe: Describe,
    source: Source | None = None,
    find_text: FindText = lambda name, again: None,
    known: Sequence[str] = (),
    name: str = "",
) -> Plan:
    """The plan of a program.

    `variables` are the notebook's, for `{{name}}`; `describe` tells the facts of a data source and raises `DataError`;
    `source`, where given, stands for the cell's `data` line; `find_text` gives the text of a network that `use` names,
    and `known` are those names; `name` is the cell's own, where it has one. Raises `PlanError` with all mistakes found.
    """
    problems: list[Problem] = []
    notes: list[str] = []
    unfolded = unfold(program, find_text, known, (name,) if name else ())
    settings = read_settings(unfolded, variables, describe, source, problems, notes)
    statements = [s for s in unfolded.program.statements if not isinstance(s, syntax.Directive)]
    if not statements and program.whole:
        raise _nothing_there(program, problems)
    walk = Walk(variables, problems, notes)
    walk.begin(settings.shape, settings.first, settings.facts, _data_failed(settings))
    walk.lost |= not program.whole
    walk.further = {s.name.lower(): s.place.line for s in statements if isinstance(s, syntax.Block)}
    scaling = walk.names()
    walk.suite(statements[: unfolded.of_base])
    of_base = tuple(name for name in walk.names() if name not in scaling)
    walk.suite(statements[unfolded.of_base :])
    if settings.shape is None and not problems and program.whole:
        problems.append(_unknown_size(statements[0].place))
    output = walk.finish(settings.training is not None)
    choices = (*settings.choices, *walk.choices.values())
    if "sweep" not in settings.places:
        problems.extend(_without_sweep(program, choices))
    elif settings.sweep is not None and not problems and program.whole:
        problems.extend(check_sweep(settings.sweep, choices, unfolded.program.statements, settings.training))
    if problems:
        kind = DataError if set(problems) == set(settings.data_problems) else PlanError
        raise kind.gather(problems)
    steps = tuple(walk.graph.steps.values()) if walk.graph else ()
    notes.extend(notes_on_scaling(steps, settings.facts) if unfolded.base is None else ())
    base = None if unfolded.base is None else replace(unfolded.base, steps=of_base)
    return Plan(
        text=program.text,
        first_line=program.first_line,
        input_shape=settings.shape or (),
        steps=_frozen(steps, base),
        output=output,
        choices=in_order(choices),
        base=base,
        notes=tuple(dict.fromkeys((*notes, *sweep_notes(settings.sweep, choices)))),
        **_of(settings),
    )


def _data_failed(settings: Settings) -> bool:
    """Whether the `data` line is wrong, which is told already, so that the classes are not asked for again."""
    return bool(settings.data_problems) or ("data" in settings.places and settings.source is None)


def _of(settings: Settings) -> dict[str, Any]:
    """What a plan takes over from the settings as it is."""
    names = ("source", "facts", "resize", "training", "recipe", "seed", "test", "bad", "balance", "sweep")
    return {name: getattr(settings, name) for name in names} | {"data_place": settings.places.get("data")}


def _frozen(steps: tuple[Step, ...], base: Base | None) -> tuple[Step, ...]:
    """The steps, those of a base that is to stay as it is marked so."""
    if base is None or not base.freeze:
        return steps
    names = set(base.steps)
    return tuple(
        replace(step, trainable=False, frozen_parameters=step.parameters) if step.name in names else step
        for step in steps
    )


def _without_sweep(program: syntax.Program, choices: Sequence[Choice]) -> list[Problem]:
    remedy = "Add a line such as `sweep random trials=12`, or choose one value."
    message = "a choice in braces needs a `sweep` line."
    places = {statement.place.line: statement.place for statement in _all(program.statements)}
    return [Problem(message, places.get(choice.line), remedy=remedy) for choice in choices]


def _all(statements: Sequence[syntax.Statement]) -> Iterator[syntax.Statement]:
    """Statements and those in their suites."""
    for statement in statements:
        yield statement
        yield from _all(getattr(statement, "body", ()))
        yield from _all(getattr(statement, "branches", ()))


def _nothing_there(program: syntax.Program, problems: list[Problem]) -> CnnError:
    if problems:
        return PlanError.gather(problems)
    if not program.statements:
        return PlanError("this cell is empty.", remedy=SMALLEST_CELL)
    return PlanError("this cell has no layers.", place=program.statements[-1].place, remedy=SMALLEST_CELL)


def _unknown_size(place: Place) -> Problem:
    remedy = "Add a line `input 28x28x1` (height x width x channels) before it, or a `data` line."
    return Problem("the size of the images is not known here.", place, remedy=remedy)
