"""A look through the data as a page: counts, what stands out, samples of each class, plain and augmented."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from cnnmagic.markup import xml_text
from cnnmagic.survey import Finding, Sample, Survey
from cnnmagic.ui.image_grid import Cell, grid
from cnnmagic.ui.images import black_and_white, photo

CELL = 'style="text-align:right;padding:0 12px 0 0"'
FIRST = 'style="text-align:left;padding:0 12px 0 0"'


def data_html(survey: Survey) -> str:
    """The page; all names are shown as text, whatever they are."""
    head = "".join(f"<div>{xml_text(line)}</div>" for line in survey.head())
    found = "".join(map(_finding, survey.findings)) or "<div>nothing stands out.</div>"
    return f'<div style="line-height:1.4">{head}{_table(survey.rows())}{found}{_samples(survey.samples)}</div>'


def _table(rows: Sequence[Sequence[str]]) -> str:
    drawn = []
    for number, row in enumerate(rows):
        kind = "td" if number else "th"
        cells = "".join(f"<{kind} {CELL if n else FIRST}>{xml_text(cell)}</{kind}>" for n, cell in enumerate(row))
        drawn.append(f"<tr>{cells}</tr>")
    return f'<table style="margin:.5em 0;border-collapse:collapse">{"".join(drawn)}</table>'


def _finding(finding: Finding) -> str:
    lines = "".join(f"<li>{xml_text(line)}</li>" for line in finding.shown())
    return (
        f"<details open><summary>{xml_text(finding.title)} ({len(finding.lines):,})</summary><ul>{lines}</ul></details>"
    )


def _samples(samples: Sequence[Sample]) -> str:
    pages = []
    for label, group in groupby(samples, lambda sample: sample.label):
        cells: list[Cell] = []
        for sample in group:
            ends = black_and_white(sample.pixels)
            cells.append(Cell(photo(sample.pixels, *ends), sample.name.rsplit("/", 1)[-1], sample.name))
            cells += [
                Cell(photo(version, *ends), "augmented", f"{sample.name}, augmented") for version in sample.augmented
            ]
        pages.append(grid(cells, label))
    return "".join(pages)
