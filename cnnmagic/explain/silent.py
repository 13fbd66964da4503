"""The probe of a network that is only planned: it knows of no tensor, no image and no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnmagic.explain.probe import Confusion, Picked


class Silent:
    """Answers nothing to everything, so that each question says what it waits for."""

    def network(self) -> str | None:
        return None

    def curves(self) -> str | None:
        return None

    def runs(self) -> Sequence[tuple[str, ...]]:
        return ()

    def sizes(self) -> dict[tuple[int, int], int] | None:
        return None

    def picked(self) -> Picked | None:
        return None

    def logits(self) -> Sequence[float] | None:
        return None

    def kernel(self, layer: str) -> Any:
        return None

    def patch(self, layer: str, row: int, column: int) -> Any:
        return None

    def confusion(self) -> Confusion | None:
        return None

    def worst(self) -> Sequence[tuple[Picked, str, float]]:
        return ()

    def maps(self, layer: str) -> Any:
        return None

    def gradcam(self, layer: str) -> Any:
        return None

    def pictures(self, arrays: Sequence[Any], labels: Sequence[str], over: Any = None) -> str | None:
        return None
