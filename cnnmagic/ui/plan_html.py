"""The plan as an HTML table for notebooks; each row names its line of the cell."""

from __future__ import annotations

from html import escape

from cnnmagic.markup import coded
from cnnmagic.plans import Plan
from cnnmagic.table import HEADER, LEFT, rows, summary, totals

LONGEST_OPEN = 24
CELL = "padding:1px 10px;border:0;background:none"


def plan_html(plan: Plan, name: str = "") -> str:
    """The table and its summary; a long table is folded under its totals."""
    opened = " open" if len(plan.steps) <= LONGEST_OPEN else ""
    caption = f"{escape(name)} plan: {len(plan.steps)} layers, {plan.parameters:,} parameters".strip()
    return f'<details{opened}><summary style="cursor:pointer">{caption}</summary>{plan_table(plan)}</details>'


def plan_table(plan: Plan) -> str:
    """The table with its totals, and the summary under it."""
    lines = plan.text.split("\n")
    titles = [lines[step.line - plan.first_line].strip() for step in plan.steps]
    head = "".join(f'<th scope="col" style="{_style(column)}">{title}</th>' for column, title in enumerate(HEADER))
    body = "".join(_row(cells, title) for cells, title in zip(rows(plan), titles, strict=True))
    foot = _row(totals(plan), "", "border-top:1px solid rgba(128,128,128,.5);")
    table = f'<table style="border-collapse:collapse;font-variant-numeric:tabular-nums"><thead><tr>{head}</tr></thead>'
    notes = "".join(f"<div>{coded(line)}</div>" for line in summary(plan))
    return f'{table}<tbody>{body}{foot}</tbody></table><div style="opacity:.85;margin:4px 10px">{notes}</div>'


def _row(cells: tuple[str, ...], title: str, style: str = "") -> str:
    columns = "".join(f'<td style="{_style(column)}">{escape(text)}</td>' for column, text in enumerate(cells))
    return f'<tr style="{style}background:none" title="{escape(title, quote=True)}">{columns}</tr>'


def _style(column: int) -> str:
    return f"{CELL};text-align:{'left' if column in LEFT else 'right'}"
