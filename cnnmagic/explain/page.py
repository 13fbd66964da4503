"""An answer as HTML: every text of the user's is escaped, a figure of ours stands as it is."""

from __future__ import annotations

import re

from cnnmagic.explain.answer import Answer, Number
from cnnmagic.explain.language import language
from cnnmagic.explain.texts import table
from cnnmagic.markup import coded, xml_text

CELL = "padding:1px 10px 1px 0;text-align:left;vertical-align:top"
CODE = "margin:.4em 0;padding:.4em .8em;background:rgba(128,128,128,.12);overflow-x:auto;line-height:1.35"


def answer_html(answer: Answer, heading: bool = True) -> str:
    """The answer as one piece of HTML; with `heading` its title is on top."""
    parts = [f"<h4>{xml_text(answer.title)}</h4>"] if heading else []
    parts += [_paragraph(text) for text in re.split(r"\n\s*\n", answer.text.strip("\n"))]
    parts += [f'<div style="margin:.6em 0;overflow-x:auto" tabindex="0">{answer.figure}</div>'] if answer.figure else []
    parts += [_numbers(answer.numbers)] if answer.numbers else []
    if answer.experiment is not None:
        label, diff = coded(answer.experiment.label), xml_text(answer.experiment.diff)
        parts.append(f'<div>{label}</div><pre style="{CODE}" tabindex="0">{diff}</pre>')
    if answer.link is not None:
        title, address = answer.link
        parts.append(f"<div>{_link(xml_text(address), xml_text(title))}</div>")
    return f'<div lang="{language()}" style="line-height:1.5;max-width:70em">{"".join(parts)}</div>'


def _paragraph(text: str) -> str:
    """A paragraph; one whose lines are all indented is code."""
    if all(line.startswith("    ") for line in text.split("\n")):
        lines = "\n".join(line[4:] for line in text.split("\n"))
        return f'<pre style="{CODE}" tabindex="0">{xml_text(lines)}</pre>'
    told = re.sub(r"https://[^\s<&]+", lambda found: _link(found[0], found[0]), coded(text.strip()))
    return f'<p style="margin:.5em 0">{told}</p>'


def _link(address: str, told: str) -> str:
    return f'<a href="{address}" target="_blank" rel="noopener" style="text-decoration:underline">{told}</a>'


def _numbers(numbers: tuple[Number, ...]) -> str:
    heads = table(language(), "panel")["columns"]
    head = "".join(f'<th scope="col" style="{CELL}">{xml_text(name)}</th>' for name in heads)
    rows = "".join(map(_row, numbers))
    return f'<table style="border-collapse:collapse;margin:.4em 0"><tr>{head}</tr>{rows}</table>'


def _row(number: Number) -> str:
    return (
        f'<tr><th scope="row" style="{CELL};font-weight:400">{coded(number.label)}</th>'
        f'<td style="{CELL};text-align:right;white-space:nowrap">{xml_text(number.shown)}</td>'
        f'<td style="{CELL};opacity:.75">{coded(number.source)}</td></tr>'
    )
