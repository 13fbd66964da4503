"""What a cell says beside its layers, read as a whole: data, size of the input, training, seed, first layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cnnmagic.datasets import Facts, Source, three_ways
from cnnmagic.errors import CnnError, DataError, MissingData, Place, PlanError, Problem
from cnnmagic.lang import directives, scaling, sweeps, syntax, training
from cnnmagic.lang.unfold import Unfolded
from cnnmagic.lang.variables import fill, look_up
from cnnmagic.layers import Layer, Rescaling, Shape, show
from cnnmagic.plans import Choice, Resize, Sweep, Training
from cnnmagic.wording import counted

Describe = Callable[[Source], Facts]
FirstLayer = tuple[Layer, Place, str]
RGB = 3
IMAGENET_SHAPE, IMAGENET_CLASSES = (224, 224, RGB), 1_000
SHOWN_SIZES = 5
FEWEST = 10  # images from which parts can be kept for test and validation


@dataclass(frozen=True)
class Settings:
    """Everything of a plan but its layers; `shape` is None where nothing tells the size of the images.

    `first` are the layers before the cell's own, each with its place and the word that names it; `recipe` are the
    options of a `train` line that was taken over and starts nothing.
    """

    source: Source | None
    facts: Facts | None
    shape: Shape | None
    resize: Resize | None
    training: Training | None
    recipe: Training | None
    seed: int | None
    test: float
    bad: str
    balance: str
    first: tuple[FirstLayer, ...]
    choices: tuple[Choice, ...]
    sweep: Sweep | None
    data_problems: tuple[Problem, ...]
    places: Mapping[str, Place]


def read_settings(
    unfolded: Unfolded,
    variables: Mapping[str, Any],
    describe: Describe,
    source: Source | None,
    problems: list[Problem],
    notes: list[str],
) -> Settings:
    """Read all directives; mistakes go to `problems` and reading goes on, what the user should know goes to `notes`."""
    return _Reader(unfolded, variables, describe, source, problems, notes).settings()


class _Reader:
    def __init__(
        self,
        unfolded: Unfolded,
        variables: Mapping[str, Any],
        describe: Describe,
        source: Source | None,
        problems: list[Problem],
        notes: list[str],
    ):
        self.unfolded, self.variables, self.describe = unfolded, variables, describe
        self.source, self.problems, self.notes = source, problems, notes
        self.lines: dict[str, syntax.Directive] = {}
        self.inherited: set[str] = set()
        self.recipe: dict[str, Any] = {}
        self.said: set[str] = set()
        self.choices: tuple[Choice, ...] = ()
        self.facts: Facts | None = None
        self.data_problems: tuple[Problem, ...] = ()
        self.words = directives.DataWords()

    def settings(self) -> Settings:
        self._collect()
        self._inherit()
        resize: Resize | None = self._attempt("resize", directives.read_resize)
        self._read_data()
        self._check_classes()
        shape = self._input_shape(resize)
        chosen, mixing = self._training(), self._attempt("augment", directives.read_mixing) or ()
        self._check_parts(chosen)
        if mixing and chosen is None:
            self.recipe["mixing"] = mixing
        return Settings(
            source=self.source,
            facts=self.facts,
            shape=shape,
            resize=resize,
            training=replace(chosen, mixing=mixing) if chosen else None,
            recipe=Training(**self.recipe) if self.recipe else None,
            seed=self._attempt("seed", directives.read_seed),
            test=self.words.test,
            bad=self.words.bad,
            balance=self.words.balance,
            first=tuple(self._first_layers(shape)),
            choices=self.choices,
            sweep=self._attempt("sweep", sweeps.read_sweep),
            data_problems=self.data_problems,
            places={name: line.place for name, line in self.lines.items()},
        )

    def _collect(self) -> None:
        for statement in self.unfolded.program.statements:
            if not isinstance(statement, syntax.Directive):
                continue
            if statement.name in self.lines:
                first = self.lines[statement.name].place.line
                message = f"a second `{statement.name}`; the first is on line {first}."
                self.problems.append(Problem(message, statement.place, remedy="Keep one of them."))
            else:
                self._keep(statement)

    def _keep(self, statement: syntax.Directive) -> None:
        """Note a directive, with the notebook's values in it; `data` looks up its arrays itself."""
        self.lines[statement.name] = statement
        try:
            if statement.name != "data":
                self.lines[statement.name] = fill(statement, self.variables)
        except CnnError as error:
            self.problems.extend(error.at(statement.place).problems)

    def _inherit(self) -> None:
        """Take over what a used text says and the cell does not; its `train` line is a recipe and starts nothing."""
        if self.unfolded.base is not None:
            self.recipe = training.tuning(self.unfolded.base)
        for directive in self.unfolded.inherited:
            if directive.name == "train":
                values = training.read_training(directive).values
                self.recipe, self.said = training.over_recipe(self.recipe, values), self.said | set(values)
            elif directive.name != "sweep" and directive.name not in self.lines:
                self.inherited.add(directive.name)
                self._keep(directive)

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

    def _read_data(self) -> None:
        if self.source is not None and "data" in self.lines:
            self.notes.append(f"the `data` line is replaced by the data given to the call, {self.source}")
        elif self.source is None:
            found = self._attempt(
                "data", lambda line: directives.read_data(line, lambda path: look_up(path, self.variables))
            )
            self.source, self.words = found or (None, self.words)
        try:
            self.facts = None if self.source is None else self.describe(self.source)
        except DataError as error:
            self._without_data(error)

    def _without_data(self, error: DataError) -> None:
        """A plan can do without data that are not there, where the text says enough; a training can't."""
        if (
            isinstance(error, MissingData)
            and "train" not in self.lines
            and "input" in self.lines
            and self._units_given()
        ):
            self.notes.append(f"the data are not there yet: {error.problems[0].message}")
            return
        place = self._place("data")
        self.data_problems = (error.at(place) if place else error).problems
        self.problems.extend(self.data_problems)

    def _check_classes(self) -> None:
        """Images of one class alone: a network that always says it makes no mistake, and has learned nothing."""
        if self.facts is None or len(self.facts.classes) != 1:
            return
        message = f"all images are of one class, `{self.facts.classes[0]}`: there is nothing to tell apart"
        if "train" in self.lines:
            remedy = "Give images of two classes at least, in a folder or with a label of each."
            self.problems.append(Problem(f"{message}.", self._place("data"), remedy=remedy))
        else:
            self.notes.append(message)

    def _check_parts(self, chosen: Training | None) -> None:
        """Parts kept for test and validation that leave no image to train on."""
        if self.facts is None or chosen is None or not self.facts.examples:
            return
        images = self.facts.examples
        left = images - self.facts.kept("test", self.words.test)
        if left < 1:
            self._nothing_left("data", "test", self.words.test, images)
        elif left - self.facts.kept("validation", chosen.validation, of=left) < 1:
            self._nothing_left("train", "validation", chosen.validation, left)

    def _nothing_left(self, name: str, option: str, part: float, images: int) -> None:
        line = self.lines.get(name)
        place = next((word.place for word in line.words if word.key == option), line.place) if line else None
        message = f"`{option}={part:g}` keeps {counted(images, 'image')} for {option}, and leaves none to train on."
        usual = "test=0.2" if option == "test" else "validation=0.1"
        remedy = (
            f"Write a smaller part, such as `{usual}`." if images > FEWEST else f"Give more images, or `{option}=0`."
        )
        self.problems.append(Problem(message, place, remedy=remedy))

    def _units_given(self) -> bool:
        layers = [
            s for s in self.unfolded.program.statements if isinstance(s, syntax.Layer) and s.name.lower() == "output"
        ]
        return any(isinstance(word.value, int) for layer in layers for word in layer.words)

    def _input_shape(self, resize: Resize | None) -> Shape | None:
        """The network's input: the `input` line, which must fit the data, or the data's own size."""
        given = self._attempt("input", directives.read_input)
        data = self.facts.shape if self.facts else None
        if data is not None and self.facts is not None and self.facts.encoded and given is not None:
            data = (*data[:2], given[0][2])  # they are decoded to what the network takes
        if data is not None and resize is not None:
            data = (resize.height, resize.width, *data[2:])
        if data is not None and None in data and (given is None or None not in given[0]):
            self._mixed_sizes(given[0] if given else None)
            return given[0] if given else None
        if given is None:
            return None if "input" in self.lines else data
        if data is not None and self._takes_any_size():
            self._check_channels(data)
            return data
        self._check_head(given[0])
        shape: Shape = given[0]
        if data is not None and data[2] != shape[2] and self.unfolded.base is not None:
            self._check_channels(data)
            return shape
        self.notes.extend(filter(None, [given[1]]))
        if data is not None and not all(want in (None, have) for want, have in zip(shape, data, strict=True)):
            self._other_size(shape, data)
        return shape

    def _check_head(self, shape: Shape) -> None:
        """With its head a pretrained network takes the one size and the classes that it was trained for."""
        base = self.unfolded.base
        if base is None or self.unfolded.headless:
            return
        remedy = "Add layers of your own after it, such as `globalavgpool` and `output`: they replace its head."
        classes = len(self.facts.classes) if self.facts else IMAGENET_CLASSES
        if classes != IMAGENET_CLASSES:
            message = f"the head of `{base.name}` tells {IMAGENET_CLASSES:,} classes, and the data have {classes}."
            self.problems.append(Problem(message, self.unfolded.place, remedy=remedy))
        if shape != IMAGENET_SHAPE and "input" not in self.inherited:
            message = f"with its head `{base.name}` takes {show(IMAGENET_SHAPE)}, and `input` says {show(shape)}."
            self.problems.append(Problem(message, self.unfolded.place, remedy=remedy))

    def _check_channels(self, data: Shape) -> None:
        """Pretrained weights are for red, green and blue."""
        base = self.unfolded.base
        if base is not None and data[2] != RGB:
            message = f"the weights of `{base.name}` need {RGB} channels, and the data have {data[2]}."
            remedy = (
                "Take images in colour, or arrays of the notebook with three channels of the one: "
                "`images = np.repeat(images, 3, axis=-1)`."
            )
            self.problems.append(Problem(message, self.unfolded.place, remedy=remedy))

    def _takes_any_size(self) -> bool:
        """Whether the size was taken over from a text whose weights are not: then the data's size takes its place."""
        return "input" in self.inherited and (self.unfolded.base is None or self.unfolded.headless)

    def _other_size(self, shape: Shape, data: Shape) -> None:
        message = f"the data have {show(data)} and `input` says {show(shape)}."
        sizes = "x".join(map(str, shape[:2])) if None not in shape[:2] and shape[2] == data[2] else ""
        remedy = f"Write `input {show(data)}`" + (f", or add a line `resize {sizes}`." if sizes else ".")
        self.problems.append(Problem(message, self._place("input"), remedy=remedy))

    def _mixed_sizes(self, shape: Shape | None) -> None:
        """Images of several sizes, and a network that takes one: the ways out."""
        assert self.facts is not None  # the caller looked
        sizes = [f"{height}x{width} ({count})" for height, width, count in self.facts.sizes[:SHOWN_SIZES]]
        more = f" and {len(self.facts.sizes) - SHOWN_SIZES} more" if len(self.facts.sizes) > SHOWN_SIZES else ""
        told = f", and `input` says {show(shape)}" if shape else ""
        size = show((shape or self.facts.sizes[0])[:2])
        channels = shape[2] if shape else self.facts.shape[2]
        message = f"the images have different sizes{told}: {', '.join(sizes)}{more}."
        remedy = three_ways(size, channels)
        self.problems.append(Problem(message, self._place("input") or self._place("data"), remedy=remedy))

    def _training(self) -> Training | None:
        binding = self._attempt("train", training.read_training)
        if binding is None:
            return None
        chosen = Training(**training.over_recipe(self.recipe, binding.values))
        checked = self._attempt("train", lambda line: training.check_training(chosen, line))
        self.notes.extend((*binding.notes, *(checked or ())))
        self.choices = binding.choices
        if self.unfolded.base is not None:
            self.notes.extend(training.note_on_tuning(self.unfolded.base, chosen, self.said | set(binding.values)))
        if self.source is None and "data" not in self.lines:
            message = "there are no data to train on."
            self.problems.append(Problem(message, self._place("train"), remedy=directives.LIST_OF_DATA))
        return chosen

    def _first_layers(self, shape: Shape | None) -> list[FirstLayer]:
        """Scaling and augmentation, which come before the cell's own layers.

        What scales for pretrained weights stands after the augmentation, whose layers clip to a range from 0 on.
        """
        place = self._place("data") or Place(self.unfolded.program.first_line, 1, 2)
        rescaling, pixels = self._scaling()
        first: list[FirstLayer] = []
        if self.unfolded.base is not None and shape is not None and shape[2] != RGB:
            self._check_channels(shape)
        elif rescaling is not None:
            first.append((rescaling, self.unfolded.place or place, "rescale"))
        if "augment" not in self.lines or shape is None:
            return first
        found = self._attempt("augment", lambda line: directives.read_augment(line, shape, pixels)) or []
        augmentation = [(layer, self.lines["augment"].place, "augment") for layer in found]
        return [*augmentation, *first] if self.unfolded.base is not None else [*first, *augmentation]

    def _scaling(self) -> tuple[Rescaling | None, tuple[int, int]]:
        """What scales the pixels, and their range where they are augmented.

        They are brought to 0 … 1, or to what pretrained weights expect; None where the text scales them itself.
        """
        base, facts = self.unfolded.base, self.facts
        pixels = scaling.pixel_range(facts)
        if base is not None:
            self.notes.append(scaling.notes_on_base(base, pixels))
            return scaling.scaling_of(base, scaling.WHITE if pixels[0] < 0 else pixels[1]), pixels
        if scaling.scales_itself(self.unfolded.program.statements):
            return None, pixels
        if facts is None or facts.scale is None:
            self.notes.extend(scaling.notes_on_pixels_as_they_are(facts))
            return None, (0, 1) if facts is None else pixels
        self.notes.append(f"pixels 0 … {round(1 / facts.scale)} become 0 … 1 in the network's first layer")
        return Rescaling(scale=facts.scale), (0, 1)


__all__ = ["Describe", "PlanError", "Settings", "read_settings"]
