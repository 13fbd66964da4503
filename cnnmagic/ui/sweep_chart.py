"""A sweep as text of HTML and SVG: its head, the curves of its trials, the importance of its choices, its table."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from cnnmagic.markup import coded, xml_text
from cnnmagic.state import RunState, cause
from cnnmagic.trials import SweepState, Trial, hints, rows_of, values_text
from cnnmagic.ui.chart import Chart, Curve, describe, draw
from cnnmagic.ui.glance import glance
from cnnmagic.ui.label import FONT_SIZE, fitted
from cnnmagic.ui.line import Point, Style

WIDTH, HEIGHT = 900, 330
CHART_WIDTH, CHART_HEIGHT = 430, 230
SIZE, ROW = 13, 24
INK, PAPER, BAR, TRACK, WARNING = "#24292f", "#ffffff", "#2a8fd6", "#d9dee3", "#c4391d"
MOST_BARS, MOST_ROWS = 8, 60
UNDER_WAY: tuple[Style, ...] = ("validation", "third", "fourth")
LINE = "line-height:1.6;height:1.6em;white-space:pre;overflow:hidden;text-overflow:ellipsis"
TABLE = "border-collapse:collapse;line-height:1.4;font-variant-numeric:tabular-nums"
CELL = "padding:0 10px;border:0;background:none;text-align:"


def head_html(state: SweepState) -> str:
    """Two lines of words with a progress bar between them; always as high."""
    words, best = phase_text(state), best_text(state)
    told = f'<span style="color:{WARNING}">{escape(cause(state.error))}</span>' if state.error else escape(best)
    bar = f'<div style="width:{state.progress:.1%};height:6px;border-radius:3px;background:{BAR}"></div>'
    return (
        f'<div style="{LINE}"><b>{escape(state.name)}</b>  {escape(words)}</div>'
        f'<div role="progressbar" aria-label="progress of the sweep {escape(state.name)}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{state.progress * 100:.0f}" '
        f'style="height:6px;border-radius:3px;background:rgba(128,128,128,.3)">{bar}</div>'
        f'<div style="{LINE}">{told or "no trial is done yet"}</div>'
    )


def phase_text(state: SweepState) -> str:
    """`training · trial 3 of 12 · random, seed 0 · 1 pruned`."""
    counts = [(kind, sum(trial.state == kind for trial in state.trials)) for kind in ("pruned", "failed")]
    told = [f"{count} {kind}" for kind, count in counts if count]
    return " · ".join(["sweep", state.phase, state.where, f"{state.method}, seed {state.seed}", *told])


def best_text(state: SweepState) -> str:
    """The best trial in a line; empty before there is one."""
    best = state.best
    if best is None:
        return ""
    return f"best {state.goal} {state.text_of(best.best)} by trial {best.number}: {values_text(best)}"


def curves(state: SweepState) -> Chart:
    """The goal after each epoch: the best trial and the first three under way or broken off, others grey."""
    best = state.best
    under_way = [trial for trial in state.trials if trial.state in ("training", "interrupted")][: len(UNDER_WAY)]
    shown = []
    if best is not None:
        shown.append(Curve(f"trial {best.number}, best", _points(best), "training"))
    for trial, style in zip(under_way, UNDER_WAY, strict=False):
        shown.append(Curve(f"trial {trial.number}", _points(trial), style))
    rest = [t for t in state.trials if t is not best and t not in under_way and t.scores and t.twin is None]
    epochs = max((trial.epochs for trial in state.trials), default=1)
    mark = (float(best.best_epoch or 0), best.best or 0.0) if best is not None else None
    return Chart(
        *(state.goal.replace("val_", "validation "), "epoch", "cross-entropy" if state.is_loss else "", tuple(shown)),
        x_range=(0.0, float(max(1, epochs))),
        percent=not state.is_loss,
        best=mark,
        earlier=tuple(map(_points, rest)),
    )


def trainings_html(states: Sequence[RunState], room: int) -> str:
    """A line for each of several trainings under way, as high as `room` of them."""
    lines = [f'<div style="{LINE}"><b>{escape(state.name)}</b>  {_training_text(state)}</div>' for state in states]
    return "".join([*lines, *[f'<div style="{LINE}"></div>'] * (room - len(lines))])


def importance_svg(state: SweepState, x: int = 0, y: int = 0, color: str = "currentColor") -> str:
    """Bars: the share of each choice in what makes the scores differ; a sentence where too little is known."""
    shown = state.importance[:MOST_BARS]
    told = ", ".join(f"{name} {share:.0%}" for name, share in shown) or "not known before four trials are done"
    paint = f' color="{color}" fill="{color}"' if color != "currentColor" else ' fill="currentColor"'
    body = "".join(_bar(row, name, share) for row, (name, share) in enumerate(shown))
    if not shown:
        body = f'<text x="12" y="52" opacity="0.75">{told}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" x="{x}" y="{y}" width="{CHART_WIDTH}" height="{CHART_HEIGHT}" '
        f'viewBox="0 0 {CHART_WIDTH} {CHART_HEIGHT}" font-size="{FONT_SIZE}" font-family="sans-serif"{paint} '
        f'role="img" aria-label="importance of each choice: {xml_text(told)}">'
        f'<text x="12" y="16" font-weight="bold">importance of each choice</text>{body}</svg>'
    )


def table_html(state: SweepState) -> str:
    """The trials as a table, the best one bold; of very many the best and the last."""
    head, *rows = rows_of(state)
    shown = _shown(state)
    titles = "".join(f'<th scope="col" style="{CELL}left">{escape(title)}</th>' for title in head)
    lines = [_row(rows[number], state.trials[number], state) for number in shown]
    left = len(rows) - len(shown)
    more = f"<div>… and {left} more: <code>{escape(state.name)}.trials</code> holds all</div>" if left else ""
    body = "".join(lines)
    return f'<table style="{TABLE}"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>{more}'


def end_html(state: SweepState) -> str:
    """Failures, notes, what to type next, and the winner's cell."""
    lines = [f"trial {trial.number} failed: {trial.reason}" for trial in state.trials if trial.reason]
    lines += [*state.notes, *hints(state)]
    told = "".join(f"<div>{coded(line)}</div>" for line in lines)
    if not state.winner:
        return told
    return f"{told}<div>the best as a cell of its own:</div><pre>{escape(state.winner.rstrip())}</pre>"


def picture_html(state: SweepState) -> str:
    """The end for a notebook's output: a picture that needs no kernel, the table, the winner's cell."""
    data = base64.b64encode(picture(state).encode()).decode()
    text = escape(f"{state.sentence()}. {describe(curves(state))}", quote=True)
    image = f'<img alt="{text}" style="max-width:100%" width="{WIDTH}" src="data:image/svg+xml;base64,{data}"/>'
    return f'{image}<div style="overflow:auto">{table_html(state)}</div>{end_html(state)}'


def picture(state: SweepState) -> str:
    """Head, curves and importance as a standalone SVG of 900 by 330 pixels."""
    told = cause(state.error) if state.error else best_text(state)
    room = (WIDTH - 32) * FONT_SIZE / SIZE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="{SIZE}" fill="{INK}" color="{INK}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{PAPER}"/>'
        f'<text x="16" y="26"><tspan font-weight="bold">{xml_text(state.name)}</tspan>'
        f'<tspan dx="12">{xml_text(phase_text(state))}</tspan></text>'
        f'<rect x="16" y="36" width="{WIDTH - 32}" height="6" rx="3" fill="{TRACK}"/>'
        f'<rect x="16" y="36" width="{round((WIDTH - 32) * state.progress)}" height="6" rx="3" fill="{BAR}"/>'
        f'<text x="16" y="64">{xml_text(fitted(told, room))}</text>'
        f"{draw(curves(state), CHART_WIDTH, CHART_HEIGHT, x=12, y=88, color=INK)}"
        f"{importance_svg(state, 458, 88, INK)}</svg>"
    )


def _training_text(state: RunState) -> str:
    words = glance(state)
    scores = words.cause or words.scores
    return escape(" · ".join(filter(None, (words.phase, words.where, words.clock, scores))))


def _points(trial: Trial) -> tuple[Point, ...]:
    return tuple((float(epoch), score) for epoch, score in enumerate(trial.scores, 1))


def _bar(row: int, name: str, share: float) -> str:
    top, left, room = 32 + row * ROW, 150, CHART_WIDTH - 210
    return (
        f'<text x="{left - 8}" y="{top + 12}" text-anchor="end">{xml_text(fitted(name, left - 20))}</text>'
        f'<rect x="{left}" y="{top}" width="{max(1, round(room * share))}" height="16" rx="2" fill="{BAR}"/>'
        f'<text x="{left + max(1, round(room * share)) + 6}" y="{top + 12}">{share:.0%}</text>'
    )


def _shown(state: SweepState) -> list[int]:
    """The places of the trials that the table shows."""
    if len(state.trials) <= MOST_ROWS:
        return list(range(len(state.trials)))
    order = sorted(range(len(state.trials)), key=lambda number: state.rank(state.trials[number].best))
    last = range(len(state.trials) - MOST_ROWS // 2, len(state.trials))
    return sorted({*order[: MOST_ROWS // 2], *last})


def _row(texts: tuple[str, ...], trial: Trial, state: SweepState) -> str:
    weight = ";font-weight:bold" if trial is state.best else ""
    title = f' title="{escape(trial.reason, quote=True)}"' if trial.reason else ""
    cells = "".join(f'<td style="{CELL}left{weight}">{escape(text)}</td>' for text in texts)
    return f'<tr style="background:none"{title}>{cells}</tr>'
