"""The parts of a report that plan and state tell: cell, plan, network, curves, classes, notes, origin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from cnnmagic.diagnosis import diagnose
from cnnmagic.events import ClassesSeen
from cnnmagic.markup import coded, xml_text
from cnnmagic.plans import Plan
from cnnmagic.state import RunState
from cnnmagic.ui.architecture import draw_network
from cnnmagic.ui.chart import draw
from cnnmagic.ui.confusion import MOST_DRAWN, class_rows, matrix_svg
from cnnmagic.ui.glance import charts
from cnnmagic.ui.plan_html import plan_table
from cnnmagic.ui.report import Part

CHART = 452, 250  # two of them stand side by side
MOST_EPOCHS = 24
SCORES = ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "seconds")
ENGLISH = 'lang="en"'  # what the plan and the run say of themselves is English in every language


class Saying(Protocol):
    """The words of the page in the reader's language."""

    def __call__(self, key: str, **values: object) -> str: ...

    def columns(self, key: str) -> Sequence[str]: ...


def cell_part(plan: Plan, name: str, say: Saying) -> Part:
    """The text of the cell as it was written."""
    text = xml_text(f"%%cnn {name}\n{plan.text.strip(chr(10))}")
    return Part("cell", say("cell"), f'<pre class="cell" dir="ltr" tabindex="0"><code>{text}</code></pre>')


def plan_part(plan: Plan, say: Saying) -> Part:
    """The table of the layers and what stands under it."""
    return Part("plan", say("plan"), f"<div {ENGLISH} {_scrolling(say('plan'))}>{plan_table(plan)}</div>")


def network_part(plan: Plan, name: str, say: Saying) -> Part:
    """The network drawn."""
    return Part("network", say("network"), f"<figure {ENGLISH}>{draw_network(plan, name)}</figure>")


def curves_part(state: RunState | None, say: Saying) -> Part:
    """Loss and accuracy as curves, and as a table for those who don't see them."""
    if state is None or not (state.points or state.history):
        return Part("curves", say("curves"), paragraph(say("no_curves_planned" if state is None else "no_curves")))
    drawn = "".join(f"<figure>{draw(chart, *CHART)}</figure>" for chart in charts(state))
    return Part("curves", say("curves"), f'<div {ENGLISH} class="beside">{drawn}</div>{_epochs(state, say)}')


def classes_part(
    state: RunState | None, seen: ClassesSeen | None, classes: tuple[str, ...], told: str, say: Saying
) -> Part:
    """The confusion matrix with a row for each class; `told` says on which images it rests."""
    title = say("classes")
    if seen is None:
        return Part("classes", title, paragraph(say("no_classes_planned" if state is None else "no_classes")))
    few = len(classes) <= MOST_DRAWN
    drawn = f"<figure {ENGLISH}>{matrix_svg(seen, classes)}</figure>" if few else ""
    rows = class_rows(seen, classes)
    rests = f"{told} {say('rows') if few else say('many_classes', count=len(classes), shown=len(rows))}"
    table = _table(say.columns("class_columns"), rows, (1, 2))
    return Part("classes", title, f'{paragraph(rests)}<div class="beside">{drawn}{table}</div>')


def notes_part(state: RunState | None, answered: Mapping[str, str], say: Saying) -> Part:
    """Diagnoses, each with a link to the answer that explains it, then the notes of the run."""
    found = () if state is None else diagnose(state)
    items = []
    for diagnosis in found:
        title = answered.get(diagnosis.question)
        link = f'<a href="#{diagnosis.question}">{xml_text(say("explained", title=title))}</a>' if title else ""
        items.append(f'<li><span class="mark">!</span> <span {ENGLISH}>{xml_text(diagnosis.text)}</span> {link}</li>')
    items += [f"<li {ENGLISH}>{coded(note)}</li>" for note in (() if state is None else state.notes)]
    nothing = paragraph(say("no_notes_planned" if state is None else "no_notes"))
    return Part("notes", say("notes"), f"<ul>{''.join(items)}</ul>" if items else nothing)


def facts_table(facts: Sequence[tuple[str, str]]) -> str:
    """Facts by their names."""
    rows = "".join(
        f'<tr><th scope="row">{xml_text(name)}</th><td dir="auto">{xml_text(told)}</td></tr>' for name, told in facts
    )
    return f'<table class="own"><tbody>{rows}</tbody></table>'


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph with `words` of the language set as code."""
    return f'<p class="{kind}">{coded(text)}</p>' if kind else f"<p>{coded(text)}</p>"


def _epochs(state: RunState, say: Saying) -> str:
    """A row for each epoch, for some of many; the best one is named so."""
    if not state.history:
        return paragraph(say("no_curves"))
    count, best = len(state.history), state.best_epoch
    step = -(-count // MOST_EPOCHS)
    shown = sorted({*range(1, count + 1, step), count, best or count})
    rows = []
    for epoch in shown:
        record = state.history[epoch - 1]
        first = f"{epoch} ({say('best')})" if epoch == best else str(epoch)
        rows.append((first, *(_score(name, record.get(name)) for name in SCORES)))
    more = paragraph(say("thinned", shown=len(shown), count=count)) if len(shown) < count else ""
    return f"{_table(say.columns('epoch_columns'), rows, tuple(range(1, 7)), say('curves'))}{more}"


def _score(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    if name == "seconds":
        return f"{value:,.1f}"
    return f"{value:.2%}" if name.endswith("accuracy") else f"{value:.4g}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int], name: str = "") -> str:
    """A table whose first column names its rows; of `numbers` the columns end at one edge."""
    kinds = [' class="number"' if column in numbers else "" for column in range(len(heads))]
    head = "".join(f'<th scope="col"{kind}>{xml_text(text)}</th>' for text, kind in zip(heads, kinds, strict=True))
    body = ""
    for first, *rest in rows:
        cells = "".join(f'<td dir="auto"{kind}>{xml_text(t)}</td>' for t, kind in zip(rest, kinds[1:], strict=True))
        body += f'<tr><th scope="row" dir="auto">{xml_text(first)}</th>{cells}</tr>'
    table = f'<table class="own"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f"<div {_scrolling(name)}>{table}</div>" if name else table


def _scrolling(name: str) -> str:
    """What lets a wide table be moved by keyboard too."""
    return f'class="room" role="region" tabindex="0" aria-label="{xml_text(name)}"'
