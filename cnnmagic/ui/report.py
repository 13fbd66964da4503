"""Sets parts of a report as one page of HTML that needs nothing else: no script, no file, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from cnnmagic.markup import printable, xml_text

# What tells a report from any other file that somebody has put in its place.
MARK = '<meta name="generator" content="cnnmagic report"/>'


@dataclass(frozen=True)
class Part:
    """A stretch of the page under a heading: `id` is where links lead to, `html` stands as it is."""

    id: str
    title: str
    html: str = field(default="", repr=False)
    parts: tuple[Part, ...] = ()


def page(title: str, head: str, contents: str, parts: Sequence[Part], language: str) -> str:
    """The page: title, `head`, a table of contents under the word `contents`, and the parts in their order.

    What neither HTML nor a file can hold is left out, wherever it comes from.
    """
    told = xml_text(title)
    return printable(
        f'<!DOCTYPE html>\n<html lang="{xml_text(language)}">\n<head>\n<meta charset="utf-8"/>\n{MARK}\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        # Whatever a text may hold, nothing is fetched and nothing runs.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\"/>\n"
        f"<title>{told}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        f'<header>\n<h1 dir="auto">{told}</h1>\n{head}\n</header>\n'
        f'<nav aria-labelledby="contents">\n<h2 id="contents">{xml_text(contents)}</h2>\n{_listed(parts)}\n</nav>\n'
        f"<main>\n{''.join(_section(part, 2) for part in parts)}</main>\n</body>\n</html>\n"
    )


def _listed(parts: Sequence[Part]) -> str:
    items = (
        f'<li><a href="#{part.id}">{xml_text(part.title)}</a>{_listed(part.parts) if part.parts else ""}</li>'
        for part in parts
    )
    return f"<ol>{''.join(items)}</ol>"


def _section(part: Part, level: int) -> str:
    inner = "".join(_section(below, level + 1) for below in part.parts)
    heading = f'<h{level} id="{part.id}">{xml_text(part.title)}</h{level}>'
    return f"<section>\n{heading}\n{part.html}\n{inner}</section>\n"


@cache
def _style() -> str:
    return files("cnnmagic.ui").joinpath("report.css").read_text(encoding="utf-8")
