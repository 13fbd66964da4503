"""Which worker's end broke a training, of all that ended: those that lost it fail as well, and say so sooner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnmagic.errors import RunError

RESUME = "`%cnn resume` goes on from the last checkpoint."
LONGEST_TAIL = 400
# What TensorFlow and JAX say where another rank is gone.
LOST_OTHERS = ("UNAVAILABLE", "UnavailableError", "Connection reset", "Socket closed", "heartbeat", "AbortedError")


@dataclass(frozen=True)
class Sign:
    """What is heard of the end of rank `rank`: its own error, how its process ended, or only that its line broke.

    `kind` is `failed`, `ended` or `gone`; `told` is what came with it.
    """

    kind: str
    rank: int
    told: Mapping[str, Any]


def first_cause(signs: list[Sign]) -> Sign:
    """The sign that tells the most of why the training broke off, the earliest of equals."""
    return min(signs, key=lambda sign: _order(sign, signs))


def is_silent(signs: list[Sign]) -> bool:
    """Whether the first cause is a line that broke, and nobody has told why."""
    return bool(signs) and first_cause(signs).kind == "gone"


def refusal(sign: Sign, hosts: Mapping[int, str]) -> RunError:
    """The error of a training that broke off."""
    where = f"worker {sign.rank} on {hosts.get(sign.rank, 'the cluster')}"
    if sign.kind == "failed":
        told = sign.told
        return RunError(f"{where}: {told['error']}", reason=told["reason"], remedy=told["remedy"] or RESUME)
    if sign.kind == "ended":
        tail = sign.told["tail"].strip()[-LONGEST_TAIL:]
        return RunError(f"{where} is gone: {sign.told['ended']}.", reason=tail, remedy=RESUME)
    return RunError(f"{where} is gone, and its task with it.", remedy=RESUME)


def _order(sign: Sign, signs: list[Sign]) -> int:
    """A process that was killed, a machine that is silent, an error of its own, the loss of another, its end."""
    if sign.kind == "ended":
        return 0 if "killed" in sign.told["ended"] else 4
    if sign.kind == "gone":
        return 5 if any(other.rank == sign.rank and other is not sign for other in signs) else 1
    return 3 if any(word in sign.told["error"] for word in LOST_OTHERS) else 2
