"""Stands for IPython's display, where a view is tested without a notebook."""

from typing import ClassVar


class Handle:
    """Stands for IPython's handle of a display."""

    updates: ClassVar[list[dict[str, str]]] = []

    def update(self, bundle: dict[str, str], raw: bool) -> None:
        self.updates.append(bundle)
