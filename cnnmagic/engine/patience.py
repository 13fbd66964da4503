"""Early stopping: ends a training that gets no better, and goes back to its best weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cnnmagic.engine.snapshot import Arrays, Position, copied


class Patience:
    """Judges epochs as `keras.callbacks.EarlyStopping` with `restore_best_weights` does, and can be resumed."""

    def __init__(self, epochs: int | None, position: Position, best: Arrays):
        self.epochs, self.position, self.best = epochs, position, best
        self.ended = False

    def judge(self, model: Any, epoch: int, logs: dict[str, float]) -> None:
        """Note an epoch, counted from 0, by its validation loss, or by its loss where there is no validation."""
        if self.epochs is None:
            return
        loss, known = logs.get("val_loss", logs["loss"]), self.position
        if not self.best:
            self.best = copied(model.weights)
        if known.best_loss is None or loss < known.best_loss:
            self.best = copied(model.weights)
            self.position = replace(known, best_loss=loss, best_epoch=epoch, waited=0)
        else:
            self.position = replace(known, waited=known.waited + 1)
            self.ended = self.position.waited >= self.epochs and epoch > 0
