"""Who has batches trained and judged: Keras's own `fit` and `evaluate` here, replicas on several devices elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from cnnmagic.engine.backend import device_name, fit_of
from cnnmagic.engine.snapshot import Snapshot, restore_metrics
from cnnmagic.engine.splits import Split
from cnnmagic.errors import RunError

if TYPE_CHECKING:
    from cnnmagic.engine.loop import Loop


class Trainer(Protocol):
    """Has batches trained and judged and calls the loop as Keras does.

    `seen` is the model that may be looked at between epochs, `device` what trains, in words.
    """

    seen: Any
    device: str

    def join(self, loop: Loop) -> None:
        """Get to know the loop, before the first batch."""

    def fit(self, loop: Loop, batch: int, first: int, last: int) -> None:
        """Train the epochs from `first` (counted from 0) to before `last`, the first one from `batch` on."""

    def judge(self, loop: Loop) -> dict[str, float]:
        """Loss and accuracy on the validation images, by `val_` names; empty where there are none."""

    def make_metrics(self, loop: Loop) -> None:
        """Have the metrics' variables made, which Keras does at their first use."""

    def refusal(self, loop: Loop) -> RunError:
        """The error that ends a diverged training."""


class KerasTrainer:
    """Trains a compiled model by Keras's own `fit`, on the device that Keras takes."""

    def __init__(self, model: Any, validation: Split, batch_size: int):
        self.seen, self.device = model, device_name()
        self.validation = validation.given(batch_size) if len(validation) else None

    def join(self, loop: Loop) -> None:
        pass

    def fit(self, loop: Loop, batch: int, first: int, last: int) -> None:
        fit_of(self.seen)(
            loop.feed.source(batch),
            epochs=last,
            initial_epoch=first,
            shuffle=False,
            verbose=0,
            callbacks=loop,
            class_weight=loop.class_weight,
            **_validation_options(self.validation),
        )

    def judge(self, loop: Loop) -> dict[str, float]:
        if self.validation is None:
            return {}
        scores = self.seen.evaluate(**self.validation, callbacks=loop, verbose=0, return_dict=True)
        return {f"val_{name}": value for name, value in scores.items()}

    def make_metrics(self, loop: Loop) -> None:
        self.seen.evaluate(*loop.feed.batch(0), verbose=0)

    def refusal(self, loop: Loop) -> RunError:
        from cnnmagic.engine.divergence import refusal

        return refusal(self.seen, loop)


def finish_epoch(model: Any, loop: Loop, trainer: Trainer, start: Snapshot) -> int:
    """Train what is left of the epoch that `start` stands in; returns the number of the next."""
    loop.resumed, epoch = start, start.position.epoch
    if len(model.metrics_variables) < len(start.variables.metrics):
        trainer.make_metrics(loop)
    if start.position.batch < loop.clock.batches:
        with _not_finalized(model.optimizer):
            trainer.fit(loop, start.position.batch, epoch, epoch + 1)
    else:
        _judge(model, loop, trainer, start)
    return epoch + 1


def _judge(model: Any, loop: Loop, trainer: Trainer, start: Snapshot) -> None:
    """The end of an epoch whose batches are all trained."""
    epoch, loop.resumed = start.position.epoch, None
    loop.on_train_begin()
    loop.clock.begin_epoch(epoch, loop.clock.batches)
    restore_metrics(model, start.variables)
    logs = {name: float(value) for name, value in model.get_metrics_result().items()}
    loop.on_epoch_end(epoch, logs | trainer.judge(loop))


def _validation_options(given: dict[str, Any] | None) -> dict[str, Any]:
    """What `fit` takes for `Split.given`."""
    if given is None or "y" not in given:
        return {"validation_data": given and given["x"]}
    return {"validation_data": (given["x"], given["y"]), "validation_batch_size": given["batch_size"]}


@contextmanager
def _not_finalized(optimizer: Any) -> Iterator[None]:
    """Keep Keras from putting the mean of the weights in their place where a fit ends and the training does not."""
    optimizer.finalize_variable_values = lambda variables: None
    try:
        yield
    finally:
        del optimizer.finalize_variable_values
