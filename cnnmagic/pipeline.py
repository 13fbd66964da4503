"""One cell through its stages: text to plan, plan to data, plan to model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from cnnmagic import collector
from cnnmagic.datasets import NAMED, Arrays, Facts, Folder, Held, Named, Source, SparkTable, is_held, source_at
from cnnmagic.errors import CnnError, DataError, ParseError, PlanError, Problem
from cnnmagic.memory import check_weights, settled
from cnnmagic.plans import Plan, Training

if TYPE_CHECKING:
    from cnnmagic.lang import syntax

DEFAULT_NAME = "net"


def make_plan(
    text: str,
    variables: Mapping[str, Any],
    first_line: int = 1,
    data: Any = None,
    texts: Mapping[str, str] | None = None,
    name: str = "",
) -> Plan:
    """Text to plan, without Keras; `texts` are those that `use` may name besides the zoo, `name` is the cell's own.

    Raises `CnnError`.
    """
    with collector.held_back():
        return settled(_resolved(text, variables, first_line, data, texts or {}, name))


def _resolved(
    text: str, variables: Mapping[str, Any], first_line: int, data: Any, earlier: Mapping[str, str], own_name: str
) -> Plan:
    from cnnmagic.lang.resolve import resolve
    from cnnmagic.zoo import zoo_names, zoo_text

    def find_text(name: str, again: bool) -> str | None:
        if name in earlier and not again:
            return earlier[name]
        return zoo_text(name.lower()) if name.lower() in zoo_names() else None

    program, unread = _parsed(text, first_line)
    plan = partial(
        resolve,
        variables=variables,
        describe=describe,
        source=None if data is None else source_of(data),
        find_text=find_text,
        known=(*earlier, *zoo_names()),
        name=own_name,
    )
    if not unread:
        return plan(program)
    try:
        plan(program)
    except CnnError as error:
        raise ParseError.gather((*unread, *error.problems)) from None
    raise ParseError.gather(unread)


def _parsed(text: str, first_line: int) -> tuple[syntax.Program, tuple[Problem, ...]]:
    """The program, and what of the text could not be read where the rest can be looked at all the same."""
    from cnnmagic.lang.parser import parse

    try:
        return parse(text, first_line), ()
    except ParseError as error:
        if error.rest is None or not error.rest.statements:
            raise
        return error.rest, error.problems
    except RecursionError:
        raise PlanError("blocks stand too deep in one another.", remedy="Nest them less.") from None


def describe(source: Source) -> Facts:
    """What is known of a data source before it is loaded; of a named one without NumPy even."""
    if isinstance(source, Named):
        return NAMED[source.name]
    from cnnmagic.engine.data import describe as describe_arrays

    return describe_arrays(_at_hand(source))


def source_at_hand(plan: Plan, workers: int | None = None) -> Source | None:
    """The plan's source with what a Spark cluster holds of it brought here, or to where all `workers` see it.

    They are those of the plan where they are not given.
    """
    if workers is None:
        workers = plan.training.workers if plan.training else None
    return None if plan.source is None else _at_hand(plan.source, workers)


def _at_hand(source: Source, workers: int | None = None) -> Source:
    if isinstance(source, SparkTable):
        from cnnmagic.integrations.catalog import held_by

        source = held_by(source)
    if not isinstance(source, Held) or not any(
        type(value).__module__.startswith("pyspark.") for value in source.values
    ):
        return source
    from cnnmagic.integrations.frames import brought_here

    return brought_here(source, workers)


def source_of(data: Any) -> Source:
    """What a program gives as data: a name, a path, (images, labels[, test images, test labels]), a frame or data set.

    Images may be a list of paths; a path may be a folder of images.
    """
    if isinstance(data, str | PathLike):
        return Named(str(data)) if data in NAMED else source_at(str(data)) or Folder(str(data))
    if is_held(data):
        return Held(("data",), (data,))
    if isinstance(data, tuple | list) and len(data) in (2, 4):
        return Arrays(("images", "labels", "test_images", "test_labels")[: len(data)], tuple(data))
    remedy = "Give (images, labels), (images, labels, test images, test labels), a frame, a path or a name."
    raise DataError(f"data can't be {type(data).__name__}.", remedy=remedy)


def load_data(plan: Plan) -> Any:
    """The plan's data, split; errors bear the place of the `data` line, or where weights don't fit of theirs."""
    check_weights(plan)
    from cnnmagic.engine.data import load

    try:
        return load(replace(plan, source=source_at_hand(plan)))
    except DataError as error:
        raise (error.at(plan.data_place) if plan.data_place else error) from error.__cause__


def build_model(plan: Plan, name: str = DEFAULT_NAME) -> Any:
    """The Keras model of a plan, compiled where it has an output; raises `CnnError` where its weights don't fit."""
    check_weights(plan)
    from cnnmagic.engine.build import build, compile_model

    model = build(plan, name)
    if plan.output is not None:
        compile_model(model, plan.training or Training(), plan.output)
    return model


def retrained(plan: Plan, words: str) -> Plan:
    """The plan trained by its text's `train` line with the options of further words, such as `epochs=5 lr=0.01`.

    Its text says the same: with these words on its `train` line, which it gets where it has none.
    """
    from cnnmagic.lang.train_line import retrain
    from cnnmagic.lang.training import check_training

    if plan.output is None:
        raise PlanError("this network has no `output`.", remedy="Add one as its last layer, such as `output 10`.")
    training, text, line = retrain(plan.text, words, plan.training, plan.recipe)
    check_training(training, line)
    is_auto = plan.batch_is_auto and plan.training is not None and training.batch_size == plan.training.batch_size
    chosen = replace(plan, text=text, training=training, batch_is_auto=is_auto)
    if plan.facts and plan.facts.examples and chosen.training_images == 0:
        message = f"`validation={training.validation:g}` leaves no image to train on."
        raise PlanError(message, remedy="Write a smaller part, such as `validation=0.1`.")
    return settled(chosen)
