"""How do I run this on Databricks, and where is Keras there?"""

from __future__ import annotations

from cnnmagic.explain.answer import Answer
from cnnmagic.explain.doctor import Kernel, examine, remedies, report
from cnnmagic.explain.drawing import stack
from cnnmagic.explain.probe import Probe
from cnnmagic.explain.texts import Words
from cnnmagic.plans import Plan
from cnnmagic.state import RunState

BACKENDS = ("tensorflow", "jax", "torch")


def answer(plan: Plan, state: RunState | None, probe: Probe) -> Answer | None:
    """What this kernel has and lacks, and the cell that mends it."""
    words, found = Words("databricks"), examine()
    where = words("runtime", name=found.runtime) if found.runtime else words("elsewhere")
    parts = [words("text"), where, "\n".join(f"    {line}" for line in report(found).split("\n"))]
    for remedy in remedies(found):
        cell = "\n".join(f"    {line}" for line in remedy.cell.split("\n"))
        parts += [words(remedy.key), *([cell] if cell.strip() else [])]
    return words.answer("\n\n".join(parts), figure=_figure(found, words))


def _figure(found: Kernel, words: Words) -> str:
    """What stands on what, from the cell down to the machine."""
    backends = [f"{name} {found.versions[name]}" for name in BACKENDS if name in found.versions]
    keras = found.versions.get("keras", "")
    rows = [
        (words("cell"), f"cnnmagic {found.versions.get('cnnmagic', '')}".strip(), True),
        ("Keras", keras or words("absent"), bool(keras)),
        (words("backend"), ", ".join(backends) or words("absent"), bool(backends)),
        ("Python", found.python, True),
        (words("machine"), found.runtime or words("no_runtime_short"), True),
        ("GPU", ", ".join(found.gpus) or words("no_gpus"), bool(found.gpus)),
    ]
    return stack(words("figure"), rows)
