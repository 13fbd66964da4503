"""Keras's optimizers: their words in the language, the options that each takes, and the numbers it keeps by weight."""

from __future__ import annotations

from dataclasses import dataclass

# Options that only some optimizers take, by their Keras names; all take a rate, a weight decay and the clippings.
OWN_OPTIONS = ("momentum", "nesterov", "beta_1", "beta_2", "rho", "epsilon")
CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")
BETAS = ("beta_1", "beta_2")


@dataclass(frozen=True)
class Optimizer:
    """One class of `keras.optimizers`.

    `takes` are those of `OWN_OPTIONS` that it has, `slots` the numbers that it keeps for every weight, `since` the
    first version of Keras that has it, where that is later than the oldest that serves here. One that `builds_late`
    must be built before it trains: Keras 3.15 would do so within the first step, where TensorFlow does not carry out
    that its own weights begin as the model's, and all weights go to zero. One with a `least_rate` divides by its rate.
    """

    keras_name: str
    takes: tuple[str, ...] = ()
    slots: int = 2
    since: str = ""
    builds_late: bool = False
    least_rate: float = 0.0


ALL = (
    Optimizer("SGD", ("momentum", "nesterov"), slots=0),
    Optimizer("Adam", (*BETAS, "epsilon")),
    Optimizer("AdamW", (*BETAS, "epsilon")),
    Optimizer("RMSprop", ("rho", "momentum", "epsilon"), slots=1),
    Optimizer("Adagrad", ("epsilon",), slots=1),
    Optimizer("Adadelta", ("rho", "epsilon")),
    Optimizer("Adamax", (*BETAS, "epsilon")),
    Optimizer("Nadam", (*BETAS, "epsilon")),
    Optimizer("Ftrl", least_rate=1e-12),
    Optimizer("Lion", BETAS, slots=1),
    Optimizer("Adafactor", slots=1),
    Optimizer("Lamb", (*BETAS, "epsilon")),
    Optimizer("Muon", ("momentum", "nesterov", "epsilon")),
    Optimizer("ScheduleFreeAdamW", (*BETAS, "epsilon"), since="3.14", builds_late=True),
)
OPTIMIZERS = {optimizer.keras_name.lower(): optimizer for optimizer in ALL}


def taking(option: str) -> list[str]:
    """The words of the optimizers that take an option of their own."""
    return [word for word, optimizer in OPTIMIZERS.items() if option in optimizer.takes]
