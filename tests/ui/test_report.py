"""The report's page: its document, and the parts that plan and state tell, of runs in every phase."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from cnnmagic.events import ClassesSeen
from cnnmagic.explain import language
from cnnmagic.explain.language import set_language
from cnnmagic.explain.texts import Words
from cnnmagic.pipeline import make_plan
from cnnmagic.state import RunState
from cnnmagic.ui import report_parts as parts
from cnnmagic.ui.report import MARK, Part, page
from tests.ui.page_reader import name_of, problems, read, text_of
from tests.ui.states import BIG, STATES
from tests.ui.test_pages import state_of

PLAN = make_plan("data mnist\nuse lenet5\ntrain epochs=12", {})
HOSTILE = [
    *("<script>alert('x')</script>", "\"'`&amp;</style></title>", "</pre></section><img src=x onerror=alert(1)>"),
    *("\u202eמספר\u202c", "고양이 🐈", "a\x00b\x1b[31m\ud800", "]]><!--", "{name} %s"),
]


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "_chosen", ["en"])


def whole(state: RunState | None, name: str = "lenet5") -> str:
    say = Words("report")
    seen = state.seen[-1] if state is not None and state.seen else None
    sections = (
        parts.cell_part(PLAN, name, say),
        parts.plan_part(PLAN, say),
        parts.network_part(PLAN, name, say),
        parts.curves_part(state, say),
        parts.classes_part(state, seen, state.classes if state else (), "Counted.", say),
        parts.notes_part(state, {"learning-rate": "Is the learning rate right?"}, say),
        Part("answers", say("answers"), parts=(Part("learning-rate", "Is the learning rate right?"),)),
        Part("origin", say("origin"), parts.facts_table([("seed", "1")])),
    )
    return page(name, parts.facts_table([("state", "-")]), say("contents"), sections, language.language())


@pytest.mark.parametrize("phase", [None, *STATES])
def test_a_page_of_every_phase_is_sound(phase: str | None) -> None:
    html = whole(STATES[phase] if phase else None)
    assert problems(html) == []
    assert MARK in html[:1_000] and html.startswith("<!DOCTYPE html>")


def test_a_page_s_skeleton(golden: Callable[[str, str], None]) -> None:
    root = read(whole(STATES["finished"]))
    kept = ("html", "head", "title", "meta", "body", "header", "nav", "main", "section", "h1", "h2", "h3", "figure")
    lines: list[str] = []

    def walk(element, depth: int) -> None:
        if name_of(element) in kept:
            told = " ".join(f'{name}="{value}"' for name, value in element.attrib.items())
            own = (element.text or "").strip()
            lines.append("  " * depth + " ".join(filter(None, (name_of(element), told, own))))
            depth += 1
        for inner in element:
            walk(inner, depth)

    walk(root, 0)
    golden("ui/report.txt", "\n".join(lines))


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_are_shown_as_text(text: str) -> None:
    state = replace(
        STATES["training"], name=text, notes=(text,), classes=(text, "b"), seen=(ClassesSeen(1, 9, 9, ((0, 1, 9),)),)
    )
    html = whole(state, text)
    assert problems(html) == []
    shown = "".join(letter for letter in text if letter >= " " and not "\ud800" <= letter <= "\udfff")
    root = read(html)
    assert text_of(next(e for e in root.iter() if name_of(e) == "h1")) == shown
    assert sum(shown in text_of(e) for e in root.iter() if name_of(e) in ("td", "th", "li", "pre")) >= 3
    html.encode("utf-8")


def test_many_epochs_are_thinned_and_the_best_is_kept() -> None:
    part = parts.curves_part(BIG, Words("report"))
    rows = [e for e in read(f"<div>{part.html}</div>").iter() if name_of(e) == "tr"]
    assert 15 < len(rows) < 30
    told = [text_of(row[0]) for row in rows]
    assert f"{BIG.best_epoch} (best)" in told and told[-1] == "50"
    assert f"{len(rows) - 1} of 50 epochs are shown" in part.html


@pytest.mark.parametrize(("classes", "drawn"), [(2, True), (100, True), (1_000, False)])
def test_a_matrix_of_any_number_of_classes(classes: int, drawn: bool) -> None:
    state, _ = state_of(classes)
    part = parts.classes_part(state, state.seen[-1], state.classes, "Counted.", Words("report"))
    assert ("<svg" in part.html) == drawn == ("too fine to read" not in part.html)
    assert problems(f"<html><h1>x</h1>{part.html}</html>") == [] and len(part.html) < 150_000


def test_a_diagnosis_leads_to_its_answer() -> None:
    state = replace(STATES["finished"], chance=1e-9, notes=("`batch` was chosen",))
    part = parts.notes_part(state, {"learning-rate": "Is it right?"}, Words("report"))
    assert 'href="#learning-rate"' in part.html and "explained below: Is it right?" in part.html
    assert "<code>batch</code> was chosen" in part.html


def test_in_korean() -> None:
    set_language("ko")
    html = whole(STATES["finished"])
    assert problems(html) == [] and '<html lang="ko">' in html
    assert "혼동 행렬" in html and 'lang="en"' in html  # what the plan says of itself is English
