"""The way through a cell's layers: statements, blocks, repeats, branches and joins, each adding to the graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cnnmagic.datasets import Facts
from cnnmagic.errors import CnnError, Place, PlanError, Problem
from cnnmagic.lang import paths, syntax
from cnnmagic.lang.expand import expand, expand_keras, expand_output, in_word_order, layer_class
from cnnmagic.lang.graph import INPUT, Graph, Measure, Tensor
from cnnmagic.lang.parser import KEYWORDS
from cnnmagic.lang.variables import fill
from cnnmagic.lang.wording import closest
from cnnmagic.layers import (
    ACTIVATIONS,
    BY_WORD,
    KERAS_LAYERS,
    SYNONYMS,
    Activation,
    Dense,
    Flatten,
    Layer,
    Shape,
)
from cnnmagic.plans import Choice, Output

DEEPEST_CALL = 50
MOST_STATEMENTS = 50_000
DEEPEST_SUITE = 100
MOST_PROBLEMS = 50  # more than are ever shown; each looks for a near word, which takes time
LOSSES = {
    ("softmax", False): "sparse_categorical_crossentropy",
    ("sigmoid", True): "binary_crossentropy",
}


@dataclass(frozen=True)
class _Called:
    """What an open call of a block brings: the block's arguments."""

    arguments: Mapping[str, syntax.Value]


class Walk:
    """Walks statements in order; mistakes go to `problems` and the walk goes on, so that all are told at once."""

    def __init__(
        self, variables: Mapping[str, Any], problems: list[Problem], notes: list[str], measure: Measure | None = None
    ):
        self.measure = measure
        self.variables, self.problems, self.notes = variables, problems, notes
        self.choices: list[Choice] = []
        self.graph: Graph | None = None
        self.current: Tensor | None = None
        self.facts: Facts | None = None
        self.data_failed = False
        self.labels: dict[str, Tensor] = {}
        self.blocks: dict[str, syntax.Block] = {}
        self.further: dict[str, int] = {}
        self.calls: list[_Called] = []
        self.output: tuple[Output, str, Place] | None = None
        self.last: Place | None = None
        self.walked = 0
        self.depth = 0
        self.called: set[str] = set()
        self.lost = False

    def begin(
        self, shape: Shape | None, first: Iterable[tuple[Layer, Place, str]], facts: Facts | None, data_failed: bool
    ) -> None:
        """Start at the network's input; without a shape the words are still checked."""
        self.facts, self.data_failed = facts, data_failed
        if shape is None:
            self.lost = True
            return
        self.graph = Graph(shape, self.measure)
        self.current = self.graph.start()
        for layer, place, word in first:
            self.append(layer, place, word, "rescale" if word == "rescale" else "")

    def finish(self, training: bool) -> Output | None:
        """The network's output; raises nothing, but notes what is missing for a training or leads nowhere."""
        if self.lost or self.graph is None or self.current is None:
            return None
        unused = [block.name for word, block in self.blocks.items() if word not in self.called]
        self.notes.extend(f"block `{name}` is never used" for name in unused)
        for step in self.graph.dead_ends(self.current):
            place = self.graph.places[step.name]
            message = f"what `{place.source[place.column - 1 : place.end_column - 1]}` gives goes nowhere."
            remedy = "Bring it back with `add` or `concat` and its label, or take the line away."
            self.problems.append(Problem(message, self.graph.places[step.name], remedy=remedy))
        if self.output is None:
            self.output = self._output_by_habit()
        if self.output is not None and self.output[1] != self.current.source:
            message = "`output` must be the last layer."
            self.problems.append(Problem(message, self.output[2], remedy="Move it to the end of the layers."))
        if self.output is None and training:
            self._no_output()
        return self.output[0] if self.output else None

    def suite(self, statements: Iterable[syntax.Statement]) -> None:
        """Walk one statement after the other."""
        if self.depth >= DEEPEST_SUITE:
            raise PlanError(f"blocks stand more than {DEEPEST_SUITE} deep in one another.", remedy="Nest them less.")
        self.depth += 1
        try:
            self._suite(statements)
        finally:
            self.depth -= 1

    def _suite(self, statements: Iterable[syntax.Statement]) -> None:
        for statement in statements:
            if len(self.problems) >= MOST_PROBLEMS:
                return
            self.walked += 1
            if self.walked > MOST_STATEMENTS:
                message = f"this cell comes to more than {MOST_STATEMENTS:,} statements once it is repeated."
                raise PlanError(message, place=statement.place, remedy="Repeat less.")
            try:
                self.statement(self.with_values(statement))
            except CnnError as error:
                self.problems.extend(error.at(statement.place).problems)
                self.lost = True

    def statement(self, statement: syntax.Statement) -> None:
        self.last = statement.place
        match statement:
            case syntax.Layer():
                self.layer(statement)
            case syntax.Block():
                self.block(statement)
            case syntax.Repeat():
                self.repeat(statement)
            case syntax.Residual():
                paths.residual(self, statement)
            case syntax.Branches():
                paths.branches(self, statement)
            case syntax.Join():
                paths.join(self, statement)
            case syntax.Branch():
                raise PlanError("`branch` stands only under `branches -> concat:`.")
            case syntax.Directive():
                raise PlanError(
                    f"`{statement.name}` belongs to the cell as a whole.", remedy="Move it out of the block."
                )
            case syntax.Use():
                raise PlanError("`use` stands only at the top of a cell.", remedy="Move it out of the block.")

    def layer(self, statement: syntax.Layer) -> None:
        statement = in_word_order(statement)
        word = statement.name.lower()
        if word in self.blocks:
            self.called.add(word)
            self.call(self.blocks[word], statement)
        elif word == "output":
            self.output_layer(statement)
        elif word == "se":
            paths.squeeze_and_excite(self, statement)
        elif statement.name in KERAS_LAYERS:
            self.keras_layer(statement)
        elif word in ACTIVATIONS or word in SYNONYMS:
            activation = SYNONYMS.get(word, word)
            if statement.words:
                raise PlanError(
                    f"`{statement.name}` takes no words.", remedy=f"Write `{statement.name}` alone on its line."
                )
            self.append(Activation(activation=activation), statement.place, activation, statement.label or "")
        else:
            self.known_layer(statement)
        if statement.label:
            self.label(statement)

    def known_layer(self, statement: syntax.Layer) -> None:
        kind = layer_class(statement.name)
        if kind is None:
            further = expand_keras(statement)
            if further is None:
                raise PlanError(self._unknown(statement.name))
            self.append(further, statement.place, further.class_name.lower(), statement.label or "")
            self.notes.append(f"`{further.class_name}` is Keras's own: its multiply-adds are not counted")
            return
        expansion = expand(kind, statement)
        self.take_notes(expansion.binding)
        for position, (layer, word) in enumerate(expansion.layers, 1):
            last = position == len(expansion.layers)
            self.append(layer, statement.place, word, (statement.label or "") if last else "")

    def keras_layer(self, statement: syntax.Layer) -> None:
        """A layer that only Keras knows."""
        layer = expand_keras(statement)
        if layer is None:
            raise PlanError(self._unknown(statement.name))
        self.append(layer, statement.place, layer.class_name.lower(), statement.label or "")
        if layer.needs_keras:
            self.notes.append(f"`{layer.class_name}` is Keras's own: its multiply-adds are not counted")

    def take_notes(self, binding: Any) -> None:
        self.notes.extend(binding.notes)
        known = {(choice.line, choice.argument) for choice in self.choices}
        self.choices.extend(choice for choice in binding.choices if (choice.line, choice.argument) not in known)

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
        self.current = self.graph.add(layer, inputs, place, word, name)

    def label(self, statement: syntax.Layer | syntax.Join) -> None:
        assert statement.label is not None  # the caller looked
        if statement.label in (INPUT, "output", "rescale") or not statement.label.isidentifier():
            remedy = "Use letters, digits and `_`, and no word of the language."
            raise PlanError(f"`{statement.label}` can't be a label.", remedy=remedy)
        if self.current is not None:
            self.labels[statement.label] = self.current

    def output_layer(self, statement: syntax.Layer) -> None:
        classes = len(self.facts.classes) if self.facts else None
        if statement.adapts and classes is not None:
            statement = replace(statement, words=tuple(word for word in statement.words if word.key))
        if classes is None and self.data_failed:
            self.lost = True  # that the data are wrong is told already
            return
        dense, binding = expand_output(statement, classes)
        self.take_notes(binding)
        if dense.units == 1 and dense.activation == "softmax":
            raise PlanError("softmax of one number is always 1.", remedy="Write `output 1`, which takes sigmoid.")
        fits = classes is None or dense.units == classes or (dense.units == 1 and classes == 2)
        if not fits and self.facts:
            shown = f"{self.facts.classes[0]} … {self.facts.classes[-1]}"
            message = f"the data have {classes} classes ({shown}) and `output` has {dense.units}."
            raise PlanError(message, remedy=f"Write `output {classes}`, or `output` alone.")
        if self.output is not None:
            raise PlanError(
                f"a second `output`; the first is on line {self.output[2].line}.", remedy="Keep one of them."
            )
        self.append(dense, statement.place, "output", statement.label or "output")
        if self.current is not None:
            self.output = (_output(dense), self.current.source, statement.place)

    def block(self, statement: syntax.Block) -> None:
        if statement.name.lower() in BY_WORD or statement.name.lower() in (*KEYWORDS, "output", "se", *ACTIVATIONS):
            raise PlanError(
                f"`{statement.name}` is a word of the language.", remedy="Give the block a name of its own."
            )
        names = [parameter.name for parameter in statement.parameters]
        if len(set(names)) < len(names):
            raise PlanError("two parameters of this block have the same name.", remedy="Rename one of them.")
        self.blocks[statement.name.lower()] = statement

    def call(self, block: syntax.Block, statement: syntax.Layer) -> None:
        if len(self.calls) >= DEEPEST_CALL:
            message = f"blocks call one another more than {DEEPEST_CALL} deep: does `{block.name}` call itself?"
            raise PlanError(message, remedy="Use `repeat` for what comes again.")
        arguments = _arguments(block, statement)
        outer, self.labels = self.labels, dict(self.labels)
        self.calls.append(_Called(arguments))
        try:
            self.suite(block.body)
        finally:
            self.calls.pop()
            self.labels = outer

    def repeat(self, statement: syntax.Repeat) -> None:
        times = statement.words[0].value if len(statement.words) == 1 else None
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

    def with_values(self, statement: Any) -> Any:
        """The statement with the notebook's values, and those of the open block, in place of their names."""
        statement = fill(statement, self.variables)
        if not self.calls or not any(self._is_argument(word.value) for word in statement.words):
            return statement
        return replace(statement, words=tuple(self._filled(word) for word in statement.words))

    def _is_argument(self, value: syntax.Value) -> bool:
        return isinstance(value, syntax.Name) and value.lower in self.calls[-1].arguments

    def _filled(self, word: syntax.Word) -> syntax.Word:
        if not self._is_argument(word.value):
            return word
        return replace(word, value=self.calls[-1].arguments[str(word.value).lower()])

    def _unknown(self, name: str) -> Problem:
        if name.lower() in self.further:
            message = f"the block `{name}` stands further down, on line {self.further[name.lower()]}."
            return Problem(message, remedy="Move it above its first use.")
        blocks = [block.name for block in self.blocks.values()]
        known = [*BY_WORD, *KEYWORDS, "output", "se", *ACTIVATIONS, *blocks]
        near = closest(name, known)
        message = f"no layer `{name}`{near or '.'}"
        remedy = (
            "Layers: conv, maxpool, avgpool, globalavgpool, dense, flatten, dropout, bn, output and more: `%cnn help`."
        )
        return Problem(message, remedy="" if near else remedy)

    def _output_by_habit(self) -> tuple[Output, str, Place] | None:
        """A closing `dense N softmax` (or sigmoid) serves as output, as in Keras."""
        assert self.graph is not None and self.current is not None  # `finish` looked
        step = self.graph.steps.get(self.current.source)
        if step is None or not isinstance(step.layer, Dense) or step.layer.activation not in ("softmax", "sigmoid"):
            return None
        self.notes.append(f"the last layer, on line {step.line}, serves as the output")
        return _output(step.layer), step.name, self.graph.places[step.name]

    def _no_output(self) -> None:
        assert self.current is not None  # `finish` looked
        classes = len(self.facts.classes) if self.facts else 10
        step = self.graph.steps.get(self.current.source) if self.graph else None
        instead = step is not None and isinstance(step.layer, Dense)
        message = "there is no `output` after the last layer, so there is nothing to train."
        self.problems.append(
            Problem(
                message,
                self.last,
                remedy=f"Write `output {classes}` in its place." if instead else f"Add a line `output {classes}`.",
            )
        )


def _output(dense: Dense) -> Output:
    single, activation = dense.units == 1, dense.activation or "linear"
    plain = "binary_crossentropy" if single else "sparse_categorical_crossentropy"
    return Output(dense.units, activation, LOSSES.get((activation, single), plain))


def _arguments(block: syntax.Block, statement: syntax.Layer) -> dict[str, syntax.Value]:
    """The values of a block's parameters in a call: by position, by name, or by default."""
    names = [parameter.name for parameter in block.parameters]
    signature = f"{block.name}({', '.join(names)})"
    given: dict[str, syntax.Value] = {}
    for position, word in enumerate(statement.words):
        spelled = {name.lower(): name for name in names}
        name = spelled.get(word.key) if word.key else (names[position] if position < len(names) else None)
        if name is None or name in given:
            what = f"`{word.key}`" if word.key else f"`{word.value}`"
            raise PlanError(f"{what} is no argument of `{signature}`, or one too many.", place=word.place)
        given[name] = word.value
    filled = {p.name: given.get(p.name, p.default) for p in block.parameters}
    missing = [name for name, value in filled.items() if value is None]
    if missing:
        raise PlanError(f"`{block.name}` lacks `{missing[0]}`.", remedy=f"It is written `{signature}`.")
    return {name.lower(): value for name, value in filled.items() if value is not None}
