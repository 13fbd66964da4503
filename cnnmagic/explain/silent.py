"""The probe of a network that is only planned: it knows of no tensor, no image and no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnmagic.explain.probe import Activity, Confusion, Picked, Stepped


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

    def plans(self, text: str) -> bool:
        return True  # nothing speaks against it

    def picked(self) -> Picked | None:
        return None

    def logits(self) -> Sequence[float] | None:
        return None

    def kernel(self, layer: str) -> Any:
        return None

    def stepped(self, layer: str, filter: int, row: int, column: int) -> Stepped | None:
        return None

    def blurred(self, kernel: int, times: int) -> Any:
        return None

    def confusion(self) -> Confusion | None:
        return None

    def worst(self) -> Sequence[tuple[Picked, str, float]]:
        return ()

    def maps(self, layer: str) -> Any:
        return None

    def gradcam(self, layer: str, number: int | None = None) -> Any:
        return None

    def saliency(self, number: int | None = None) -> Any:
        return None

    def activity(self) -> Sequence[Activity]:
        return ()

    def seconds(self) -> Sequence[tuple[str, float]]:
        return ()

    def studied(self) -> Sequence[tuple[str, int]]:
        return ()

    def chosen(self, key: str) -> Any:
        return None

    def count(self) -> int:
        return 0

    def pictures(self, arrays: Sequence[Any], labels: Sequence[str], over: Any = None) -> str | None:
        return None
