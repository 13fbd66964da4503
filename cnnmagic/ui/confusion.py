"""Draws what a network takes each class for: the confusion matrix as SVG, and the same as a table and in words."""

from __future__ import annotations

from html import escape

from cnnmagic.events import ClassesSeen
from cnnmagic.markup import xml_text
from cnnmagic.state import RunState
from cnnmagic.ui.label import FONT_SIZE, fitted

SIDE, LABEL = 250, 76  # pixels of the matrix, and of the names of its rows
LARGEST_CELL, SMALLEST_CELL = 25, 3
MOST_DRAWN, MOST_NUMBERED, MOST_NAMED = 100, 12, 24
LEVELS = 8
RIGHT, WRONG = "#2a8fd6", "#d5690c"
CELL = "padding:0 8px;border:0;background:none;text-align:"


def classes_html(state: RunState) -> str:
    """The matrix beside the table of classes, with a line that says on what they rest."""
    if not state.seen:
        return f"<div>{escape(_waiting(state))}</div>{_matrix(None, state.classes)}"
    seen = state.seen[-1]
    return (
        f'<div>{told_of(seen)}</div><div style="display:flex;gap:24px;align-items:flex-start">'
        f"{_matrix(seen, state.classes)}{class_table(seen, state.classes)}</div>"
    )


def told_of(seen: ClassesSeen) -> str:
    """On what the numbers rest."""
    part = "all" if seen.images == seen.whole else f"a sample of {seen.images:,} of the"
    return f"after epoch {seen.epoch}, on {part} {seen.whole:,} validation images; rows are the true classes"


def matrix_svg(
    seen: ClassesSeen | None, classes: tuple[str, ...], color: str = "currentColor", ground: str = ""
) -> str:
    """The matrix as one `<svg>`: a row for each true class, a column for each answer, shares of a row as opacity."""
    count = max(1, len(classes))
    side = max(SMALLEST_CELL, min(LARGEST_CELL, SIDE // count))
    whole = side * count
    frame = f'<path fill="none" stroke="currentColor" opacity=".4" d="M{LABEL} 14h{whole}v{whole}h-{whole}z"/>'
    drawn = (f'<rect width="100%" height="100%" fill="{ground}"/>' if ground else "") + frame + _names(classes, side)
    if seen is not None:
        drawn += _cells(seen, side) + (_counts(seen, side) if count <= MOST_NUMBERED else "")
    width, height = LABEL + whole + 2, whole + 34
    paint = "" if color == "currentColor" else f' color="{color}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-size="{FONT_SIZE}" font-family="sans-serif" fill="currentColor"{paint} role="img" '
        f'aria-label="{xml_text(describe_matrix(seen, classes))}">{drawn}</svg>'
    )


def describe_matrix(seen: ClassesSeen | None, classes: tuple[str, ...], most: int = 5) -> str:
    """The matrix in a sentence: how many are right, and the most frequent mistakes."""
    if seen is None:
        return "confusion matrix: no values yet"
    right = sum(number for actual, answer, number in seen.cells if actual == answer)
    wrong = sorted((cell for cell in seen.cells if cell[0] != cell[1]), key=lambda cell: -cell[2])[:most]
    told = ", ".join(f"{_name(a, classes)} taken for {_name(b, classes)} ({number})" for a, b, number in wrong)
    return (
        f"confusion matrix after epoch {seen.epoch}: {right:,} of {seen.images:,} right"
        + f"; most often {told}" * bool(told)
    )


def class_rows(seen: ClassesSeen, classes: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    """Each true class, or those worst told: its name, its images, the share that is right, its usual mistake."""
    told = sorted(by_class(seen).items(), key=lambda row: row[1][1] / row[1][0])[:MOST_DRAWN]
    return [
        (_name(number, classes), f"{images:,}", f"{right / images:.0%}", _worst(worst, classes))
        for number, (images, right, worst) in sorted(told)
    ]


def class_table(seen: ClassesSeen, classes: tuple[str, ...]) -> str:
    """The rows of the classes as a table."""
    rows = class_rows(seen, classes)
    head = "".join(
        _cell("th", text, number) for number, text in enumerate(("class", "images", "right", "mostly taken for"))
    )
    body = "".join(
        f'<tr style="background:none">{"".join(_cell("td", text, number) for number, text in enumerate(row))}</tr>'
        for row in rows
    )
    return (
        '<table style="border-collapse:collapse;line-height:1.35;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def by_class(seen: ClassesSeen) -> dict[int, tuple[int, int, tuple[int, int] | None]]:
    """For each true class its images, those that are right, and the answer mistaken most often with its number."""
    told: dict[int, tuple[int, int, tuple[int, int] | None]] = {}
    for actual, answer, number in seen.cells:
        images, right, worst = told.get(actual, (0, 0, None))
        if actual == answer:
            right = number
        elif worst is None or number > worst[1]:
            worst = (answer, number)
        told[actual] = (images + number, right, worst)
    return told


def _matrix(seen: ClassesSeen | None, classes: tuple[str, ...]) -> str:
    return matrix_svg(seen, classes) if len(classes) <= MOST_DRAWN else ""


def _waiting(state: RunState) -> str:
    if state.history and not any("val_loss" in record for record in state.history):
        return "there are no validation images: `validation=0.1` keeps a part of the training images for it"
    return "the answers for validation images are counted at an epoch's end, where time allows"


def _names(classes: tuple[str, ...], side: int) -> str:
    if len(classes) > MOST_NAMED:
        return f'<text x="{LABEL}" y="10">answers</text><text x="2" y="26">classes</text>'
    down = "".join(
        f'<text y="{14 + side * number + side // 2 + 4}">{xml_text(fitted(name, LABEL - 8))}</text>'
        for number, name in enumerate(classes)
    )
    across = "".join(
        f'<text x="{LABEL + side * number + side // 2}">{xml_text(fitted(name, side))}</text>'
        for number, name in enumerate(classes)
    )
    foot = 14 + side * len(classes) + 12
    return (
        f'<g text-anchor="end" transform="translate({LABEL - 5} 0)">{down}</g>'
        f'<g text-anchor="middle" transform="translate(0 {foot})">{across}</g><text x="{LABEL}" y="10">answers</text>'
    )


def _cells(seen: ClassesSeen, side: int) -> str:
    """Squares of one kind and level in one path, which keeps the text short."""
    totals = {actual: images for actual, (images, _, _) in by_class(seen).items()}
    levels: dict[tuple[str, int], list[str]] = {}
    for actual, answer, number in seen.cells:
        level = -(-number * LEVELS // totals[actual])
        square = f"M{LABEL + side * answer} {14 + side * actual}h{side}v{side}h-{side}z"
        levels.setdefault((RIGHT if actual == answer else WRONG, level), []).append(square)
    return "".join(
        f'<path fill="{color}" fill-opacity="{level / LEVELS:.3g}" d="{"".join(squares)}"/>'
        for (color, level), squares in sorted(levels.items())
    )


def _counts(seen: ClassesSeen, side: int) -> str:
    numbers = "".join(
        f'<text x="{LABEL + side * answer + side // 2}" y="{14 + side * actual + side // 2 + 4}">{number}</text>'
        for actual, answer, number in seen.cells
    )
    return f'<g text-anchor="middle" font-size="{FONT_SIZE - 1}">{numbers}</g>'


def _cell(tag: str, text: str, column: int) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="{CELL}{"right" if column in (1, 2) else "left"}">{escape(text)}</{tag}>'


def _worst(worst: tuple[int, int] | None, classes: tuple[str, ...]) -> str:
    return "" if worst is None else f"{_name(worst[0], classes)} ({worst[1]:,})"


def _name(number: int, classes: tuple[str, ...]) -> str:
    return classes[number] if number < len(classes) else str(number)
