"""What a cell asks for, checked and priced: the layers with shapes and costs, the data, the training."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

from cnnmagic.celltext import code_of, with_plain_ends
from cnnmagic.datasets import Facts, Source
from cnnmagic.errors import Place
from cnnmagic.hardware import precision_of
from cnnmagic.layers import Layer, Shape, option
from cnnmagic.optimizers import CLIPPINGS, OPTIMIZERS, OWN_OPTIONS

INPUT = "input"  # the name of what goes in, among the inputs of steps
FLOAT_BYTES = 4
SCHEDULES = ("constant", "step", "cosine", "onecycle")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
METHODS = ("random", "grid", "tpe")
GOALS = ("val_accuracy", "val_loss", "accuracy", "loss")
PREPARING = ("Rescaling", "Normalization", "Resizing", "Random", "RandAugment")


@dataclass(frozen=True)
class Step:
    """One Keras layer of the network; shapes leave the batch axis out.

    `inputs` are the names of the steps it reads (`input` is the network's input), `line` the line of the cell that
    asked for it. `flops` counts 2 for every multiply-add of convolutions and matrix products of one image, and nothing
    else, as papers do; None where the image's size is free. `receptive_field` is the (height, width) in input pixels
    that one output pixel sees, None where that is a whole image of free size, or not known.
    """

    name: str
    layer: Layer
    line: int
    inputs: tuple[str, ...]
    input_shape: Shape
    output_shape: Shape
    parameters: int
    frozen_parameters: int
    flops: int | None
    receptive_field: tuple[int, int] | None
    trainable: bool = True

    @property
    def elements(self) -> int | None:
        """Numbers that go out for one image; None where the size is free."""
        return None if None in self.output_shape else prod(size for size in self.output_shape if size is not None)

    def activation_bytes(self, batch: int) -> int | None:
        """Bytes that its output takes in float32 for `batch` images."""
        return None if self.elements is None else self.elements * batch * FLOAT_BYTES


@dataclass(frozen=True, kw_only=True)
class Training:
    """How to train; fields are options of the `train` line by their Keras names."""

    epochs: int = option("count", 10, help="passes over the training images")
    batch_size: int = option("batch", 32, bare=False, help="images between two changes of the weights, or auto")
    optimizer: str = option("optimizer", "adam", help="sgd, adam, adamw, rmsprop, adadelta, …")
    learning_rate: float | None = option(
        "positive", None, bare=False, help="size of a step; the optimizer's default if not given"
    )
    momentum: float | None = option("fraction", None, bare=False, help="weight of the steps before; sgd, rmsprop, muon")
    nesterov: bool | None = option("flag", None, bare=False, help="look ahead by the momentum; sgd, muon")
    beta_1: float | None = option("fraction", None, bare=False, help="weight of the past in the mean gradient; adam, …")
    beta_2: float | None = option("fraction", None, bare=False, help="weight of the past in its square; adam, …")
    rho: float | None = option("fraction", None, bare=False, help="the same for rmsprop and adadelta")
    epsilon: float | None = option("positive", None, bare=False, help="what keeps a division from being by 0; adam, …")
    weight_decay: float | None = option("fraction", None, bare=False, help="pull of the weights towards zero")
    schedule: str = option("schedule", "constant", help="constant, step, cosine or onecycle")
    warmup: float | None = option("span", None, bare=False, help="epochs in which the rate rises to its peak")
    label_smoothing: float = option("fraction", 0.0, bare=False, help="part of the truth spread over all classes")
    clipnorm: float | None = option("positive", None, bare=False, help="largest norm of one weight's gradient")
    clipvalue: float | None = option("positive", None, bare=False, help="largest number in a gradient")
    global_clipnorm: float | None = option("positive", None, bare=False, help="largest norm of all gradients together")
    ema: float | None = option("fraction", None, bare=False, help="momentum of the mean of the weights that is kept")
    early_stop: int | None = option(
        "count", None, bare=False, help="epochs without a better validation loss before the end"
    )
    precision: str = option("precision", "auto", help="auto, float32, bfloat16 or float16")
    validation: float = option("fraction", 0.1, bare=False, help="part of the training images kept for validation")
    tune: bool = option("flag", True, bare=False, help="try out, before a long training, how its steps run fastest")
    devices: int | None = option(
        "devices", None, bare=False, help="how many devices of this machine share each batch, or all"
    )
    workers: int | None = option("count", None, bare=False, help="tasks of the Spark cluster that share each batch")
    checkpoint: float = option("span", 1.0, bare=False, help="minutes between two checkpoints; `no` for none")
    mlflow: bool | None = option(
        "flag", None, bare=False, help="log to MLflow; if not given, wherever a tracking store is set"
    )

    mixing: tuple[tuple[str, float], ...] = ()  # of the `augment` line: `mixup`, `cutmix` with their strength

    @property
    def optimizer_options(self) -> dict[str, Any]:
        """Arguments of the optimizer's Keras class, where they are given."""
        names = ("learning_rate", *OWN_OPTIONS, "weight_decay", *CLIPPINGS)
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return given if self.ema is None else given | {"use_ema": True, "ema_momentum": self.ema}

    @property
    def slots(self) -> int:
        """Numbers that the optimizer keeps for every weight."""
        own = OPTIMIZERS[self.optimizer]
        return own.slots + (own.slots < 2 and bool(self.momentum)) + (self.ema is not None)


@dataclass(frozen=True)
class Output:
    """What the network answers: `units` numbers by `activation`, judged by `loss`, a Keras loss's name."""

    units: int
    activation: str
    loss: str

    @property
    def gives_logits(self) -> bool:
        """Whether the answers are logits: what is neither of a softmax nor of a sigmoid counts as such in the loss."""
        return self.activation not in ("softmax", "sigmoid")

    @property
    def judges_each(self) -> bool:
        """Whether there are several classes, and each is judged by itself: it, or any of the rest."""
        return self.units > 1 and self.loss == "binary_crossentropy"


def has_own_loss(training: Training, output: Output) -> bool:
    """Whether the loss is ours: Keras has none for labels 0, 1, 2 … that are smoothed, mixed, or judged one by one."""
    return output.units > 1 and bool(training.label_smoothing or training.mixing or output.judges_each)


@dataclass(frozen=True)
class Base:
    """`use NAME imagenet freeze`: the network whose weights are loaded, from where, and whether they stay as they are.

    `steps` are the names of its steps in the plan.
    """

    name: str
    weights: str
    freeze: bool
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """A hyper-parameter of the cell, `{16, 32}`: the plan takes the first value, a sweep tries others.

    `written` are the values as the cell says them. With `span` they are the ends of a range, `log` on a logarithmic
    scale. `place` is that of the braces; None where they stand in a text that `use` takes over.
    """

    line: int
    argument: str
    text: str
    values: tuple[object, ...]
    written: tuple[str, ...] = ()
    span: bool = False
    log: bool = False
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether a range is one of whole numbers."""
        return all(isinstance(value, int | tuple) and not isinstance(value, bool) for value in self.values)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What the `sweep` line says: how combinations of choices are picked, how many, and what the best one has most of.

    With `workers` so many trials are under way at once on the Spark cluster. `place` is that of the line.
    """

    method: str = option("method", "random", help="random, grid or tpe")
    trials: int | None = option("count", None, help="how many trainings; a grid takes all combinations")
    goal: str = option("goal", "val_accuracy", help="val_accuracy, val_loss, accuracy or loss")
    prune: bool = option("flag", True, bare=False, help="end a training early that is worse than most were by then")
    seed: int | None = option("seed", None, bare=False, help="where the picking starts; the cell's own if not given")
    workers: int | None = option("count", None, bare=False, help="trials at once, each in a task of the Spark cluster")
    place: Place | None = field(default=None, compare=False, repr=False)

    @property
    def is_loss(self) -> bool:
        """Whether less is better."""
        return self.goal.endswith("loss")


@dataclass(frozen=True)
class Resize:
    """`resize HEIGHTxWIDTH how`: images are brought to one size before they reach the network."""

    height: int
    width: int
    how: str = "stretch"


@dataclass(frozen=True)
class Plan:
    """A whole cell, ready to be built; made without Keras."""

    text: str
    input_shape: Shape
    steps: tuple[Step, ...]
    output: Output | None
    first_line: int = 1
    source: Source | None = None
    facts: Facts | None = None
    data_place: Place | None = None
    resize: Resize | None = None
    training: Training | None = None
    recipe: Training | None = None
    seed: int | None = None
    test: float = 0.2
    bad: str = "stop"
    balance: str = "no"
    choices: tuple[Choice, ...] = ()
    sweep: Sweep | None = None
    base: Base | None = None
    notes: tuple[str, ...] = field(default=())
    batch_is_auto: bool = False

    @property
    def parameters(self) -> int:
        """Weights of all layers, trained or not, as Keras counts them."""
        return sum(step.parameters for step in self.steps)

    @property
    def trainable_parameters(self) -> int:
        """Weights that training changes."""
        return self.parameters - sum(step.frozen_parameters for step in self.steps)

    @property
    def flops(self) -> int | None:
        """Floating-point operations of one image's way through the network (see `Step`); None for a free size."""
        counts = [step.flops for step in self.steps]
        return None if None in counts else sum(count for count in counts if count is not None)

    def memory(self, batch: int) -> int | None:
        """Bytes that training with `batch` images takes in float32: weights, gradients, optimizer, activations.

        An estimate from below: the backend's own working space comes on top. None where the size is free.
        """
        outputs = [step.elements for step in self.steps]
        if None in outputs or None in self.input_shape:
            return None
        slots = (self.training or Training()).slots
        activations = prod(s for s in self.input_shape if s) + sum(count for count in outputs if count)
        return FLOAT_BYTES * (self.parameters + self.trainable_parameters * (1 + slots) + activations * batch)

    @property
    def training_images(self) -> int | None:
        """Images that are trained on, those for test and validation left out; None where the data are not known."""
        return None if (counts := self._counts()) is None else counts[0]

    @property
    def validation_images(self) -> int | None:
        """Images that the training is validated on; None where the data are not known."""
        return None if (counts := self._counts()) is None else counts[1]

    def _counts(self) -> tuple[int, int] | None:
        if self.facts is None:
            return None
        left = self.facts.examples - self.facts.kept("test", self.test)
        held = self.facts.kept("validation", (self.training or Training()).validation, of=left)
        return left - held, held

    @property
    def precision(self) -> str:
        """What most layers compute in: `float32`, `bfloat16` or `float16`; what `auto` means, this machine tells."""
        return precision_of(self.training.precision)[0] if self.training else "float32"

    def policy_of(self, step: Step) -> str:
        """Keras's dtype policy of a step: float32 where pixels are prepared, and for the answer and its loss."""
        prepares = step.layer.kind.startswith(PREPARING)
        plain = self.precision == "float32" or prepares or step is self.steps[-1]
        return "float32" if plain else f"mixed_{self.precision}"

    def place_of(self, line: int) -> Place | None:
        """The whole of a line of the cell, for an error that is found only later."""
        lines = with_plain_ends(self.text).removesuffix("\n").split("\n")
        if not 0 <= line - self.first_line < len(lines):
            return None
        source = lines[line - self.first_line]
        code = code_of(source)
        return Place(line, len(code) - len(code.lstrip()) + 1, len(code) + 1, source)

    def step(self, name: str) -> Step:
        """The step of that name; KeyError where there is none."""
        return {step.name: step for step in self.steps}[name]

    def __str__(self) -> str:
        from cnnmagic.table import plan_text  # the table reads the plan, and a plan should still print itself

        return plan_text(self)
