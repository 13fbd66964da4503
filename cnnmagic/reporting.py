"""Gathers all that is known of a network of a session, and writes it as one page of HTML."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cnnmagic.asking import can_be_planned, with_possible_twin
from cnnmagic.errors import RunError
from cnnmagic.events import ClassesSeen
from cnnmagic.explain.catalogue import QUESTIONS, title_of
from cnnmagic.explain.doctor import examine
from cnnmagic.explain.language import language
from cnnmagic.explain.page import answer_html
from cnnmagic.explain.texts import Words
from cnnmagic.logbook import entry_of, moment_text, versions_text
from cnnmagic.network_probe import NetworkProbe
from cnnmagic.plans import Plan
from cnnmagic.run import Run
from cnnmagic.state import RunState, cause
from cnnmagic.ui import report_parts as parts
from cnnmagic.ui.glance import duration, glance
from cnnmagic.ui.report import MARK, Part, page

ENDING = ".html"
MARK_WITHIN = 1_000  # characters from the beginning of a file


def write_report(
    name: str,
    found: Plan | Run,
    path: str | Path | None = None,
    force: bool = False,
    variables: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    rows: Sequence[tuple[str, ...]] = (),
) -> Path:
    """Write the report on a network, `NAME.html` if no path is given, and return its path.

    An earlier report is overwritten; any other file only with `force`. Raises `RunError` where nothing can be written.
    """
    target = _target(name, path, force)
    text = report_html(name, found, variables, texts, rows)
    beside = target.with_name(f".{target.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RunError(
            f"`{target}` can't be written: {error.strerror or error}.", remedy="Choose another path."
        ) from error
    return target


def report_html(
    name: str,
    found: Plan | Run,
    variables: Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    rows: Sequence[tuple[str, ...]] = (),
) -> str:
    """The report as text, in the language in force."""
    run, plan = (found, found.plan) if isinstance(found, Run) else (None, found)
    state = run.state if run is not None else None  # of one moment, whatever the training does meanwhile
    fits = partial(can_be_planned, plan, variables or {}, texts or {})
    probe, say = NetworkProbe(name, plan, run, rows, fits=fits), Words("report")
    answers = list(_answers(plan, state, probe, variables or {}, texts or {}))
    sections = (
        parts.cell_part(plan, name, say),
        parts.plan_part(plan, say),
        parts.network_part(plan, name, say),
        parts.curves_part(state, say),
        _classes(state, probe, say),
        parts.notes_part(state, {part.id: part.title for part in answers}, say),
        Part("answers", say("answers"), parts=tuple(answers)),
        Part("origin", say("origin"), parts.facts_table(list(_origin(name, found, state, say)))),
    )
    head = parts.facts_table(list(_standing(found, state, say)))
    told = _missing(name, state, say)
    head += parts.paragraph(told, "said") if told else ""
    return page(say("title", name=name), head, say("contents"), sections, language())


def _target(name: str, path: str | Path | None, force: bool) -> Path:
    target = Path(path or f"{name}{ENDING}").expanduser()
    if target.is_dir():
        target = target / f"{name}{ENDING}"
    elif not target.suffix:
        target = target.with_name(f"{target.name}{ENDING}")
    if target.suffix.lower() not in (ENDING, ".htm"):
        remedy = f"Name it `{target.stem}{ENDING}`; a browser prints it to a PDF."
        raise RunError(f"a report is a page of HTML, and `{target.name}` ends in `{target.suffix}`.", remedy=remedy)
    if not target.parent.is_dir():
        raise RunError(f"there is no folder `{target.parent}`.", remedy="Make it, or choose another path.")
    if target.exists() and not force and not _is_report(target):
        remedy = f"Choose another path, or overwrite it: `%cnn report {name} {target} --force`."
        raise RunError(f"`{target}` is there already, and is no report.", remedy=remedy)
    return target


def _is_report(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return MARK in file.read(MARK_WITHIN)
    except OSError:
        return False


def _answers(
    plan: Plan, state: RunState | None, probe: NetworkProbe, variables: Mapping[str, Any], texts: Mapping[str, str]
) -> Iterator[Part]:
    """The answers that apply now; one that can't be worked out says so, and the others stand all the same."""
    for question, answering in QUESTIONS.items():
        try:
            answer = answering(plan, state, probe)
            if answer is not None:
                shown = with_possible_twin(answer, plan, variables, texts)
                yield Part(question, answer.title, answer_html(shown, heading=False))
        except Exception as error:
            why = Words("panel")("failed", why=cause(error))
            yield Part(question, title_of(question), parts.paragraph(why))


def _classes(state: RunState | None, probe: NetworkProbe, say: Words) -> Part:
    """The matrix that the answers have too; before there is one, the training's own last look."""
    try:
        found = probe.confusion()
    except Exception:  # the answer on the confused classes tells what has gone wrong
        found = None
    if found is not None:
        counts = enumerate(found.matrix)
        cells = tuple((a, b, n) for a, row in counts for b, n in enumerate(row) if n)
        epoch = len(state.history) if state is not None else 0
        seen: ClassesSeen | None = ClassesSeen(epoch, found.images, found.whole, cells)
        split, classes = found.split, tuple(found.classes)
    else:
        seen = state.seen[-1] if state is not None and state.seen else None
        split, classes = "validation", state.classes if state is not None else ()
    told = Words("confusion")("measured", images=seen.images, whole=seen.whole, split=split) if seen else ""
    return parts.classes_part(state, seen, classes, told, say)


def _missing(name: str, state: RunState | None, say: Words) -> str:
    """What a report on this network lacks now."""
    if state is None:
        return say("planned", name=name)
    if state.failure:
        return say("failed", cause=state.failure)
    if not state.is_over:
        told = {"epoch": state.epoch, "epochs": state.epochs}
        return say("underway", name=name, **told) if state.epochs else say("waiting")
    if len(state.history) < state.epochs:
        return say("short", done=len(state.history), epochs=state.epochs, phase=glance(state).phase)
    return ""


def _standing(found: Plan | Run, state: RunState | None, say: Words) -> Iterator[tuple[str, str]]:
    """How the network stands, in two or three lines."""
    yield say("data"), str((found.plan if isinstance(found, Run) else found).source or "-")
    if state is None:
        return
    words = glance(state)
    yield say("state"), " · ".join(filter(None, (words.phase, words.where)))
    if words.scores:
        yield say("scores"), words.scores


def _origin(name: str, found: Plan | Run, state: RunState | None, say: Words) -> Iterator[tuple[str, str]]:
    """What is needed to do it again: data, seed, machine, versions, dates."""
    entry = entry_of(name, found)
    yield say("data"), str((found.plan if isinstance(found, Run) else found).source or "-")
    if isinstance(found, Run) and found.dataset is not None:
        from cnnmagic.engine.splits import fingerprint

        yield say("fingerprint"), fingerprint(found.dataset)
        counts = {split: len(getattr(found.dataset, split)) for split in ("train", "validation", "test")}
        yield say("images"), say("counts", **counts)
    yield say("seed"), "-" if entry.seed is None else str(entry.seed)
    if state is not None and state.device:
        yield say("device"), f"{state.device}, {state.precision}"
    if entry.created is not None:
        yield say("begun"), moment_text(entry.created)
    if state is not None and state.seconds:
        yield say("took"), duration(state.seconds)
    if entry.versions:
        yield say("versions"), versions_text(entry.versions)
    kernel = examine()
    yield say("written"), moment_text(time.time())
    yield say("here"), versions_text({"python": kernel.python, **kernel.versions})
