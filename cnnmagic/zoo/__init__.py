"""Studied networks, each written in the language itself in a file of this folder."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def zoo_names() -> tuple[str, ...]:
    """The names of all networks, in alphabetical order."""
    found = (entry.name for entry in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".cnn") for name in found if name.endswith(".cnn")))


@cache
def zoo_text(name: str) -> str:
    """The text of a network, its comments on its paper included; KeyError where there is none of that name."""
    if name not in zoo_names():
        raise KeyError(name)
    return files(__package__).joinpath(f"{name}.cnn").read_text(encoding="utf-8")
