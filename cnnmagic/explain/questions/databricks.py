"""How do I run this on Databricks, and where is Keras there?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer
from cnnmagic.explain.doctor import examine, remedies, report
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.plans import Plan
from cnnmagic.state import RunState


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """What this kernel has and lacks, and the cell that mends it."""
    words, found = Words("databricks"), examine()
    where = words("runtime", name=found.runtime) if found.runtime else words("elsewhere")
    parts = [words("text"), where, "\n".join(f"    {line}" for line in report(found).split("\n"))]
    for remedy in remedies(found):
        cell = "\n".join(f"    {line}" for line in remedy.cell.split("\n"))
        parts += [words(remedy.key), *([cell] if cell.strip() else [])]
    return words.answer("\n\n".join(parts))
