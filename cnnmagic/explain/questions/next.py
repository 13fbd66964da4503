"""What next?"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from cnnmagic.explain.answer import Answer
from cnnmagic.explain.drawing import timeline
from cnnmagic.explain.language import language
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.layers import Add, BatchNormalization, Concatenate, Dropout
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

ABOUT = {BatchNormalization: "bn", Add: "residual", Concatenate: "inception", Dropout: "dropout"}


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """Talks, papers and courses, each with a line on why; those on layers of this network first."""
    words = Words("next")
    kinds = {type(step.layer) for step in plan.steps}
    own = {key for kind, key in ABOUT.items() if kind in kinds}
    mine = [work for work in works() if work.get("about") in own]
    rest = [work for work in works() if "about" not in work]
    parts = [words("text")]
    if mine:
        parts += [words("own"), *map(_told, mine)]
    figure = timeline(words("figure"), [(int(work["year"]), _short(work)) for work in [*mine, *rest]])
    return words.answer("\n\n".join([*parts, words("rest"), *map(_told, rest)]), figure=figure)


@cache
def works() -> list[dict[str, str]]:
    """The works of the file: who, what, when, where, and why in each language."""
    text = files("cnnmagic.explain").joinpath("reading.toml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = tomllib.loads(text)["work"]
    return found


def _short(work: dict[str, str]) -> str:
    """`Y. LeCun: Deep learning`: the first author and the beginning of the title."""
    return f"{work['authors'].split(',')[0].split(' (')[0]}: {work['title'].split(' (')[0]}"


def _told(work: dict[str, str]) -> str:
    why = work[f"why_{language()}"]
    return f"{work['authors']}: {work['title']} ({work['year']}). {why} {work['address']}"
