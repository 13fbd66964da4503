"""`Program` to `Plan`: gives every statement its meaning and reports every mistake of meaning, without Keras."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cnnmagic.datasets import Facts, Source
from cnnmagic.errors import CnnError, DataError, MissingData, Place, PlanError, Problem
from cnnmagic.lang import directives, syntax
from cnnmagic.lang.variables import look_up
from cnnmagic.lang.walk import Walk
from cnnmagic.layers import Layer, Rescaling, Shape
from cnnmagic.layers import show as show_shape
from cnnmagic.plans import Plan, Resize, Training

Describe = Callable[[Source], Facts]
SMALLEST_CELL = (
    "A small one: `data digits`, `conv 16 3x3 relu`, `flatten`, `output 10`, `train epochs=5`, each on its line."
)


def resolve(
    program: syntax.Program, variables: Mapping[str, Any], describe: Describe, source: Source | None = None
) -> Plan:
    """The plan of a program.

    `variables` are the notebook's, for `{{name}}`; `describe` tells the facts of a data source and raises `DataError`;
    `source`, where given, stands for the cell's `data` line. Raises `PlanError` with all mistakes found.
    """
    return _Resolver(program, variables, describe, source).plan()


class _Resolver:
    def __init__(
        self, program: syntax.Program, variables: Mapping[str, Any], describe: Describe, source: Source | None
    ):
        self.program, self.variables, self.describe = program, variables, describe
        self.source: Source | None = source
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.lines: dict[str, syntax.Directive] = {}
        self.facts: Facts | None = None
        self.test = 0.2

    def plan(self) -> Plan:
        self._collect_directives()
        walk = Walk(self.variables, self.problems, self.notes)
        resize = self._attempt("resize", directives.read_resize)
        self._read_data(walk)
        shape = self._input_shape(resize)
        training, seed = self._read_training(walk), self._attempt("seed", directives.read_seed)
        statements = [s for s in self.program.statements if not isinstance(s, syntax.Directive)]
        if not statements:
            self._nothing_there()
        walk.begin(shape, self._first_layers(shape), self.facts)
        walk.suite(statements)
        if shape is None and not self.problems:
            self._unknown_size(statements[0].place)
        output = walk.finish(training is not None, self._place("train"))
        if self.problems:
            raise PlanError.gather(self.problems)
        assert shape is not None  # without a shape there is a problem
        return Plan(
            text=self.program.text,
            input_shape=shape,
            steps=tuple(walk.graph.steps.values()) if walk.graph else (),
            output=output,
            first_line=self.program.first_line,
            source=self.source,
            facts=self.facts,
            data_place=self._place("data"),
            resize=resize,
            training=training,
            seed=seed,
            test=self.test,
            choices=tuple(walk.choices),
            notes=tuple(dict.fromkeys(self.notes)),
        )

    def _collect_directives(self) -> None:
        for statement in self.program.statements:
            if not isinstance(statement, syntax.Directive):
                continue
            if statement.name in self.lines:
                first = self.lines[statement.name].place.line
                message = f"a second `{statement.name}`; the first is on line {first}."
                self.problems.append(Problem(message, statement.place, remedy="Keep one of them."))
            elif statement.name == "sweep":
                self.notes.append("`sweep` is read and not run yet: the plan takes the first of each choice")
            else:
                self.lines[statement.name] = statement

    def _attempt(self, name: str, read: Callable[[syntax.Directive], Any]) -> Any:
        """What a directive says; None where it is not there, or wrong (which is noted)."""
        if name not in self.lines:
            return None
        directive = self.lines[name]
        try:
            return read(directive)
        except CnnError as error:
            self.problems.extend(error.at(directive.place).problems)
            return None

    def _place(self, name: str) -> Place | None:
        return self.lines[name].place if name in self.lines else None

    def _read_data(self, walk: Walk) -> None:
        if self.source is None:
            found = self._attempt(
                "data", lambda line: directives.read_data(line, lambda path: look_up(path, self.variables))
            )
            if found is None:
                return
            self.source, self.test = found
        elif "data" in self.lines:
            self.notes.append(f"the `data` line is replaced by the data given to the call, {self.source}")
        try:
            self.facts = self.describe(self.source)
        except MissingData as error:
            if "train" in self.lines or not ("input" in self.lines and walk.output_units(self.program.statements)):
                self._add(error)
            else:
                self.notes.append(f"the data are not there yet: {error.problems[0].message}")
        except DataError as error:
            self._add(error)

    def _add(self, error: CnnError) -> None:
        place = self._place("data")
        self.problems.extend((error.at(place) if place else error).problems)

    def _input_shape(self, resize: Resize | None) -> Shape | None:
        """The network's input: the `input` line, which must fit the data, or the data's own size."""
        given = self._attempt("input", directives.read_input)
        data = self.facts.shape if self.facts else None
        if data is not None and resize is not None:
            data = (resize.height, resize.width, *data[2:])
        if given is None:
            return None if "input" in self.lines else data
        shape: Shape = given[0]
        self.notes.extend(filter(None, [given[1]]))
        if data is not None and not all(want in (None, have) for want, have in zip(shape, data, strict=True)):
            message = f"the data have {show_shape(data)} and `input` says {show_shape(shape)}."
            sizes = "x".join(map(str, shape[:2])) if None not in shape[:2] and shape[2] == data[2] else ""
            remedy = f"Write `input {show_shape(data)}`" + (f", or add a line `resize {sizes}`." if sizes else ".")
            self.problems.append(Problem(message, self._place("input"), remedy=remedy))
        return shape

    def _read_training(self, walk: Walk) -> Training | None:
        if "train" not in self.lines:
            return None
        self.lines["train"] = walk.with_variables(self.lines["train"])
        found = self._attempt("train", directives.read_training)
        if found is None:
            return None
        training, binding = found
        self.notes.extend(binding.notes)
        walk.choices.extend(binding.choices)
        if self.source is None and "data" not in self.lines:
            message = "there are no data to train on."
            self.problems.append(Problem(message, self._place("train"), remedy=directives.LIST_OF_DATA))
        return training

    def _first_layers(self, shape: Shape | None) -> list[tuple[Layer, Place, str]]:
        """Scaling and augmentation, which come before the cell's own layers."""
        layers: list[tuple[Layer, Place, str]] = []
        place = self._place("data") or Place(self.program.first_line, 1, 2)
        written = any(
            isinstance(s, syntax.Layer) and s.name.lower() in Rescaling.words for s in self.program.statements
        )
        if self.facts and self.facts.scale and not written:
            layers.append((Rescaling(scale=self.facts.scale), place, "rescale"))
            self.notes.append(f"pixels 0 … {round(1 / self.facts.scale)} become 0 … 1 in the network's first layer")
        if "augment" in self.lines and shape is not None:
            found = self._attempt("augment", lambda line: directives.read_augment(line, shape)) or []
            words = (("augment", layer) for layer in found)
            layers.extend((layer, self.lines["augment"].place, word) for word, layer in words)
        return layers

    def _nothing_there(self) -> None:
        if self.problems:
            raise PlanError.gather(self.problems)
        if not self.program.statements:
            raise PlanError("this cell is empty.", remedy=SMALLEST_CELL)
        place = self.program.statements[-1].place
        raise PlanError("this cell has no layers.", place=place, remedy=SMALLEST_CELL)

    def _unknown_size(self, place: Place) -> None:
        remedy = "Add a line `input 28x28x1` (height x width x channels) before it, or a `data` line."
        self.problems.append(Problem("the size of the images is not known here.", place, remedy=remedy))
