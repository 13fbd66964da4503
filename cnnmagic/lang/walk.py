"""The way through a cell's statements, one after the other, each adding its layers to the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cnnmagic.datasets import Facts
from cnnmagic.errors import CnnError, Place, PlanError, Problem
from cnnmagic.lang import blocks, heads, outputs, paths, syntax
from cnnmagic.lang.binding import choice_of
from cnnmagic.lang.graph import Graph, Tensor, TooMuch
from cnnmagic.lang.limits import DEEPEST_SUITE, too_deep
from cnnmagic.lang.once import Once
from cnnmagic.lang.values import read
from cnnmagic.lang.variables import fill
from cnnmagic.layers import Dense, Flatten, Layer, Shape
from cnnmagic.plans import INPUT, Choice, Output

MOST_STATEMENTS = 10_000
MOST_PROBLEMS = 20  # more than are ever shown; each looks for a near word, which takes time
NOTHING: Mapping[str, syntax.Value] = {}


class Walk:
    """Walks statements in order; mistakes go to `problems` and the walk goes on, so that all are told at once."""

    def __init__(self, variables: Mapping[str, Any], problems: list[Problem], notes: list[str]):
        self.variables, self.problems, self.notes = variables, problems, notes
        self.choices: dict[object, Choice] = {}
        self.graph: Graph | None = None
        self.current: Tensor | None = None
        self.facts: Facts | None = None
        self.data_failed = False
        self.labels: dict[str, Tensor] = {}
        self.blocks: dict[str, syntax.Block] = {}
        self.wrong_blocks: set[str] = set()
        self.further: dict[str, int] = {}
        self.calls: list[Mapping[str, syntax.Value]] = []
        self.output: outputs.Found | None = None
        self.last: Place | None = None
        self.walked = 0
        self.depth = 0
        self.called: set[str] = set()
        self.lost = False
        self.over = False
        self.once = Once()
        self.values: dict[Any, Mapping[str, syntax.Value]] = {}

    def begin(
        self, shape: Shape | None, first: Iterable[tuple[Layer, Place, str]], facts: Facts | None, data_failed: bool
    ) -> None:
        """Start at the network's input; without a shape the words are still checked."""
        self.facts, self.data_failed = facts, data_failed
        if shape is None:
            self.lost = True
            return
        self.graph = Graph(shape)
        self.current = self.graph.start()
        for layer, place, word in first:
            self.append(layer, place, word, "rescale" if word == "rescale" else "")

    def names(self) -> tuple[str, ...]:
        """The names of the steps so far."""
        return tuple(self.graph.steps) if self.graph is not None else ()

    def finish(self, training: bool) -> Output | None:
        """The network's output; raises nothing, but notes what is missing for a training or leads nowhere."""
        if self.lost or self.graph is None or self.current is None:
            return None
        unused = [block.name for word, block in self.blocks.items() if word not in self.called]
        self.notes.extend(f"block `{name}` is never used" for name in unused)
        for step in self.graph.dead_ends(self.current)[:MOST_PROBLEMS]:
            place = self.graph.places[step.name]
            message = f"what `{place.source[place.column - 1 : place.end_column - 1]}` gives goes nowhere."
            remedy = "Bring it back with `add` or `concat` and its label, or take the line away."
            self.problems.append(Problem(message, place, remedy=remedy))
        return outputs.last(self, training)

    def suite(self, statements: Iterable[syntax.Statement]) -> None:
        """Walk one statement after the other."""
        if self.depth >= DEEPEST_SUITE:
            raise TooMuch(too_deep(), remedy="Nest them less.")
        self.depth += 1
        for statement in statements:
            if self.over or len(self.problems) >= MOST_PROBLEMS:
                break
            try:
                self._step(statement)
            except CnnError as error:
                self.problems.extend(error.at(statement.place).problems)
                self.lost = True
                if isinstance(statement, syntax.Block):
                    self.wrong_blocks.add(statement.name.lower())
                self.over = isinstance(error, TooMuch)
        self.depth -= 1

    def _step(self, statement: syntax.Statement) -> None:
        self.count()
        self.statement(self.once(self._with_values, statement, self.calls[-1] if self.calls else NOTHING))

    def count(self) -> None:
        """One statement more; a branch counts as one, be it empty."""
        self.walked += 1
        if self.walked > MOST_STATEMENTS:
            message = f"this cell comes to more than {MOST_STATEMENTS:,} statements once it is repeated."
            raise TooMuch(message, remedy="Repeat less.")

    def _with_values(self, statement: Any, arguments: Mapping[str, syntax.Value]) -> Any:
        """The statement with the notebook's values, and those of the open block, in place of their names."""
        return blocks.fill(fill(statement, self.variables), arguments)

    def arguments(self, block: syntax.Block, statement: syntax.Layer) -> Mapping[str, syntax.Value]:
        """The values of a call; equal ones are one object, so that nothing in the block is worked out again."""
        values = blocks.arguments_of(block, statement)
        return self.values.setdefault(tuple(values.items()), values)

    def statement(self, statement: syntax.Statement) -> None:
        self.last = statement.place
        match statement:
            case syntax.Layer():
                heads.layer(self, self.once(heads.in_word_order, statement))
            case syntax.Block():
                blocks.define(self, statement)
            case syntax.Repeat():
                self.repeat(statement)
            case syntax.Residual():
                paths.residual(self, statement)
            case syntax.Branches():
                paths.branches(self, statement)
            case syntax.Join():
                paths.join(self, statement)
            case _:
                raise _out_of_place(statement)

    def repeat(self, statement: syntax.Repeat) -> None:
        times = statement.words[0].value if len(statement.words) == 1 else None
        if isinstance(times, syntax.Choices):
            values = [read("count", value) for value in times.values]
            self.take_choices([choice_of(times, statement.words[0].place, "repeat", values)])
            times = values[0]
        if not isinstance(times, int) or times < 1:
            raise PlanError(
                "`repeat` needs a whole number of at least 1.", remedy="Write `repeat 3:` and indent its lines."
            )
        if times > MOST_STATEMENTS:
            raise PlanError(f"{times:,} times is more than the limit of {MOST_STATEMENTS:,}.", remedy="Repeat less.")
        for _ in range(times):
            self.suite(statement.body)
            if self.lost:
                return

    def take_notes(self, binding: Any) -> None:
        """Keep a statement's notes, and its choices once however often it is repeated."""
        self.notes.extend(binding.notes)
        self.take_choices(binding.choices)

    def take_choices(self, choices: Iterable[Choice]) -> None:
        for choice in choices:
            self.choices.setdefault(choice.place or (choice.line, choice.argument), choice)

    def append(self, layer: Layer, place: Place, word: str, name: str = "") -> None:
        """Add a layer after the current one; a dense layer after a volume flattens it first."""
        if self.lost or self.current is None:
            return
        if isinstance(layer, Dense) and len(self.current.shape) > 1:
            self.push(Flatten(), (self.current,), place, "flatten")
            self.notes.append(f"line {place.line} flattens its input first")
        self.push(layer, (self.current,), place, word, name)

    def push(self, layer: Layer, inputs: tuple[Tensor, ...], place: Place, word: str, name: str = "") -> None:
        """Add a layer as it is and go on from it."""
        assert self.graph is not None  # whoever has a tensor has a graph
        if self.output is not None:
            message = "`output` must be the last layer, and this comes after it."
            raise PlanError(message, remedy=f"Put it before line {self.output.place.line}, or take it away.")
        self.current = self.graph.add(layer, inputs, place, word, name)

    def label(self, statement: syntax.Layer | syntax.Join) -> None:
        assert statement.label is not None  # the caller looked
        if statement.label in (INPUT, "output", "rescale") or not statement.label.isidentifier():
            remedy = "Use letters, digits and `_`, and no word of the language."
            raise PlanError(f"`{statement.label}` can't be a label.", remedy=remedy)
        if self.current is not None:
            self.labels[statement.label] = self.current


def _out_of_place(statement: syntax.Statement) -> PlanError:
    match statement:
        case syntax.Directive(name=name):
            return PlanError(f"`{name}` belongs to the cell as a whole.", remedy="Move it out of the block.")
        case syntax.Use():
            return PlanError("`use` stands only at the top of a cell.", remedy="Move it out of the block.")
    remedy = "Write `branches -> concat:` above it, and indent it."
    return PlanError("`branch` stands only under `branches -> concat:`.", remedy=remedy)
