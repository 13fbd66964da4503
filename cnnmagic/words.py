"""The words after `%cnn` and `%%cnn`, read by argparse with errors and help of our own."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NoReturn

from cnnmagic.errors import CnnError
from cnnmagic.wording import closest, sentence

_OPTION = re.compile(r"--[\w-]+")
WITH_VALUES = ("--lr", "--register")


class Answered(Exception):
    """The words were a call for help, and it is printed."""


class Words(argparse.ArgumentParser):
    """argparse that raises `CnnError` where it would end the process; `verbs` are the words of each of its verbs."""

    verbs: Mapping[str, Words] = MappingProxyType({})

    def read(self, line: str) -> argparse.Namespace:
        """The words of a magic's line; raises `CnnError` where they are wrong, `Answered` after `--help`."""
        try:
            parts = list(_with_values(shlex.split(line)))
        except ValueError:
            raise CnnError(f"the quotes in `{line}` don't match.", remedy="Close them, or leave them out.") from None
        options = [part for part in parts if part.startswith("--")]
        words = [part for part in parts if part not in options]
        if any(part.startswith("-") for part in words):  # a negative number is a word and no option
            return self._all_of([*words[:1], *options, "--", *words[1:]])
        return self._all_of([*words, *options])  # options may stand anywhere among the words

    def _all_of(self, parts: Sequence[str]) -> argparse.Namespace:
        """What argparse reads; of a word too many it is said which option is meant."""
        read, strange = self.parse_known_args(parts)
        if strange:
            asked = self.verbs.get(parts[0], self)
            near = closest(strange[0].partition("=")[0], _OPTION.findall(asked.format_help()))
            message = sentence(f"`{strange[0]}` is one word too many, or no option{near}")
            raise CnnError(message, remedy="" if near else asked.format_usage().strip())
        return read

    def error(self, message: str) -> NoReturn:
        raise CnnError(f"{message}.", remedy=self.format_usage().strip())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise Answered


def _with_values(parts: Sequence[str]) -> Iterator[str]:
    """The parts of a line with `--lr 0.01` as one, `--lr=0.01`, so that it can be moved."""
    rest = iter(parts)
    for part in rest:
        value = next(rest, None) if part in WITH_VALUES else None
        yield part if value is None else f"{part}={value}"
