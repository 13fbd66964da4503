"""What a `train` line says: its options, over those of a recipe, and whether they go together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from cnnmagic.errors import Place, PlanError, Problem
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import ALIASES, Binding, bind
from cnnmagic.optimizers import CLIPPINGS, OPTIMIZERS, OWN_OPTIONS, taking
from cnnmagic.plans import Base, Training
from cnnmagic.wording import listed

# Numbers that belong to the optimizer that they were found for.
OPTIMIZERS_OWN = ("learning_rate", "weight_decay", *OWN_OPTIONS)


def read_training(directive: syntax.Directive) -> Binding:
    """The options that a `train` line gives; how they go together, `check_training` says."""
    return bind(Training, "train", directive.words)


def tuning(base: Base) -> dict[str, Any]:
    """How pretrained weights are trained further, with layers of one's own after them.

    Of frozen ones those layers alone are trained, at adam's own rate; else all are, at a tenth of it, lest they forget:
    F. Chollet, "Transfer learning and fine-tuning" (keras.io), which goes down to 1e-5 for layers that are trained.
    """
    return {"optimizer": "adam", "learning_rate": 1e-3 if base.freeze else 1e-4}


def note_on_tuning(base: Base, chosen: Training, said: Container[str]) -> Iterator[str]:
    """What trains pretrained weights where the text does not say so; `said` are the options that it gives."""
    if chosen.optimizer != "adam" or "learning_rate" in said:
        return
    what = f"the layers after `{base.name}` are" if base.freeze else f"`{base.name}` is"
    told = f"{what} trained by adam at a rate of {chosen.learning_rate:g}"
    yield f"{told}: the recipe of `{base.name}` is for training from scratch, and is not taken over"


def over_recipe(recipe: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe's options under the cell's own.

    Another optimizer leaves out the numbers that were for the recipe's, another clipping the recipe's clipping.
    """
    left_out: tuple[str, ...] = ()
    if own.get("optimizer", recipe.get("optimizer")) != recipe.get("optimizer"):
        left_out += OPTIMIZERS_OWN
    if any(name in own for name in CLIPPINGS):
        left_out += CLIPPINGS
    return {**{name: value for name, value in recipe.items() if name not in left_out}, **own}


def check_training(training: Training, line: syntax.Directive) -> tuple[str, ...]:
    """Notes on the options of a `train` line; raises `PlanError` where they don't go together."""
    problems = [*_strange_options(training, line), *_clashes(training, line)]
    if problems:
        raise PlanError.gather(problems)
    return tuple(_notes(training))


def _strange_options(training: Training, line: syntax.Directive) -> Iterator[Problem]:
    """Options that the optimizer does not take, or not with this value."""
    optimizer = OPTIMIZERS[training.optimizer]
    for name in OWN_OPTIONS:
        if getattr(training, name) is not None and name not in optimizer.takes:
            others = taking(name)
            message = f"`{name}` is an option of {_joined(others)}, and the optimizer is {training.optimizer}."
            remedy = f"Write `optimizer={others[0]}`, or leave `{name}` out."
            yield Problem(message, _place(line, name), remedy=remedy)
    if training.beta_1 == 0 and training.optimizer in ("lion", "schedulefreeadamw"):
        message = f"`beta_1` of {training.optimizer} must be above 0."
        yield Problem(message, _place(line, "beta_1"), remedy="0.9 is usual.")


def _clashes(training: Training, line: syntax.Directive) -> Iterator[Problem]:
    clippings = [name for name in CLIPPINGS if getattr(training, name) is not None]
    if len(clippings) > 1:
        message = f"gradients are clipped in one way, and this asks for {listed(clippings)}."
        yield Problem(message, _place(line, clippings[-1]), remedy=f"Keep one: `{clippings[0]}` alone, for example.")
    if training.warmup is not None and training.warmup >= training.epochs:
        message = f"the warm-up of {training.warmup:g} epochs leaves nothing of a training of {training.epochs}."
        yield Problem(message, _place(line, "warmup"), remedy=f"Write less than {training.epochs}, or more `epochs`.")
    yield from _shared_out(training, line)
    if training.mlflow and find_spec("mlflow") is None:
        message = "`mlflow=yes` logs the training to MLflow, which is not installed here."
        remedy = "In a cell of its own: `%pip install mlflow`; or leave `mlflow` out."
        yield Problem(message, _place(line, "mlflow"), remedy=remedy)


def _shared_out(training: Training, line: syntax.Directive) -> Iterator[Problem]:
    """What a training on several devices or machines can't do."""
    workers = training.workers
    word = "devices" if workers is None else "workers"
    if workers is not None and training.devices is not None:
        message = "`workers` takes what devices each task has, and `devices` is for one machine alone."
        yield Problem(message, _place(line, "devices"), remedy="Keep one of them.")
    if workers is not None or training.devices not in (None, 1):
        if training.precision == "float16":
            message = f"float16 is not trained with `{word}`: each replica would scale its loss in its own way."
            yield Problem(message, _place(line, "precision"), remedy="Write `precision=bfloat16` or `float32`.")
        if 0 < training.batch_size < (workers or 0):
            message = f"a batch of {training.batch_size} is not enough for {workers} workers."
            yield Problem(message, _place(line, "workers"), remedy="Each needs one image of a batch at least.")


def _notes(training: Training) -> Iterator[str]:
    match training.optimizer:
        case "adadelta" if training.learning_rate is None:
            yield "adadelta's rate is 0.001 in Keras 3 and was 1.0 in its paper: say `lr=1.0` for what old recipes mean"
        case "sgd" if training.nesterov and not training.momentum:
            yield "`nesterov` changes nothing without `momentum`: say `momentum=0.9`"
        case "muon":
            yield "muon is for matrices: Keras trains the kernels of convolutions and all biases by Adam beside it"
        case "schedulefreeadamw" if training.schedule != "constant":
            yield f"schedulefreeadamw is made to need no schedule, and `{training.schedule}` is given"


def _place(line: syntax.Directive, name: str) -> Place:
    """The word that gives an option; the whole line where a recipe gave it."""
    return next((word.place for word in line.words if name in (word.key, *ALIASES.get(word.key or "", ()))), line.place)


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
