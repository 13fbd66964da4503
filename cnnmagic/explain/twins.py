"""Changes the text of a cell in one place, so that two networks differ in one thing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from cnnmagic.celltext import code_of
from cnnmagic.explain.answer import Experiment
from cnnmagic.explain.network import window_of
from cnnmagic.layers import Dense, Flatten, show
from cnnmagic.layers.phrase import phrase
from cnnmagic.plans import Plan, Step

DIRECTIVES = ("data", "input", "resize", "augment", "train", "seed")


def lines_of(plan: Plan) -> list[str]:
    """The lines of the cell without empty ones at its end."""
    return plan.text.rstrip().split("\n")


def with_line(plan: Plan, line: int, change: Callable[[str], str | None]) -> str | None:
    """The text with one line, counted as in the plan, changed; None where `change` gives None, or the line is none.

    A line whose brackets close on another one is left alone.
    """
    lines, place = lines_of(plan), line - plan.first_line
    if not 0 <= place < len(lines):
        return None
    code, comment = _parted(lines[place])
    if code.count("(") != code.count(")") or code.count("{") != code.count("}"):
        return None
    changed = change(code)
    if changed is None or changed == code:
        return None
    lines[place] = changed + comment
    return "\n".join(lines) + "\n"


def word_exchanged(plan: Plan, line: int, pattern: str, instead: str) -> str | None:
    """The text with the first match of a pattern on a line exchanged; None where the line has none."""

    def change(code: str) -> str | None:
        changed, count = re.subn(pattern, instead, code, count=1, flags=re.IGNORECASE)
        return changed if count else None

    return with_line(plan, line, change)


def without_line(plan: Plan, line: int) -> str | None:
    """The text without a line; None where another line hangs on its indentation or its label."""
    lines, place = lines_of(plan), line - plan.first_line
    if not 0 <= place < len(lines) or "<-" in lines[place] or _parted(lines[place])[0].endswith(":"):
        return None
    if _word(lines[place].lstrip()) == "use":
        return None
    depth = _depth(lines[place])
    if depth and not any(n != place and _depth(text) == depth for n, text in _neighbours(lines, place)):
        return None  # it is alone in its block
    return "\n".join([*lines[:place], *lines[place + 1 :]]) + "\n"


def with_train(plan: Plan, words: str) -> str:
    """The text with words such as `lr=0.01` in the place of those of the same names on its `train` line."""
    names = [word.split("=")[0] for word in words.split()]
    line = line_of(plan, "train")
    if line is None:
        return "\n".join([*lines_of(plan), f"train {words}"]) + "\n"

    def change(code: str) -> str:
        kept = re.sub(rf"\s+(?:{'|'.join(_spellings(names))})\s*=\s*\S+", "", code)
        return f"{kept.rstrip()} {words}"

    return with_line(plan, line, change) or "\n".join(lines_of(plan)) + "\n"


def with_line_before(plan: Plan, line: int, new: str) -> str | None:
    """The text with a line of its own before another, at its depth."""
    lines, place = lines_of(plan), line - plan.first_line
    if not 0 <= place < len(lines):
        return None
    return "\n".join([*lines[:place], lines[place][: _depth(lines[place])] + new, *lines[place:]]) + "\n"


def with_network(plan: Plan, layers: Sequence[str]) -> str:
    """The text with other layers, and the data, the training and the seed as they are."""
    lines = [line for line in lines_of(plan) if _word(line) in DIRECTIVES]
    before = [line for line in lines if _word(line) not in ("train", "seed")]
    after = [line for line in lines if _word(line) in ("train", "seed")]
    if not {"data", "input"} & {_word(line) for line in before}:
        before = [f"input {show(plan.input_shape)}"]
    return "\n".join([*before, *layers, *after]) + "\n"


def line_of(plan: Plan, word: str) -> int | None:
    """The number of the first line that begins with a word."""
    found = (number for number, line in enumerate(lines_of(plan)) if _word(line) == word)
    place = next(found, None)
    return None if place is None else place + plan.first_line


def dense_lines(units: Sequence[int], activation: str, classes: int, last: str) -> list[str]:
    """The lines of an ordinary network: flatten, dense layers, output."""
    hidden = [phrase(Dense(units=count, activation=activation)) for count in units]
    usual = "sigmoid" if classes == 1 else "softmax"
    return [phrase(Flatten()), *hidden, f"output {classes}" + ("" if last == usual else f" {last}")]


def _spellings(names: Sequence[str]) -> list[str]:
    also = {"lr": ["learning_rate"], "batch": ["batch_size"]}
    return [spelling for name in names for spelling in (name, *also.get(name, []))]


def _parted(line: str) -> tuple[str, str]:
    """A line's words, and its comment with the blanks before it."""
    code = code_of(line)
    return code, line[len(code) :]


def _word(line: str) -> str:
    found = re.match(r"(\w+)", line)
    return found[1].lower() if found else ""


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _neighbours(lines: Sequence[str], place: int) -> list[tuple[int, str]]:
    """The lines of the block that a line stands in."""
    depth = _depth(lines[place])
    start = end = place
    while start > 0 and (not lines[start - 1].strip() or _depth(lines[start - 1]) >= depth):
        start -= 1
    while end + 1 < len(lines) and (not lines[end + 1].strip() or _depth(lines[end + 1]) >= depth):
        end += 1
    return [(n, lines[n]) for n in range(start, end + 1) if lines[n].strip() and not lines[n].lstrip().startswith("#")]


def with_kernel(plan: Plan, step: Step, kernel: int) -> str | None:
    """The text with another square kernel on the line of a convolution; None where the line does not say its size."""
    old = window_of(step).kernel_size[0]
    written = (
        (rf"(?<![\w.]){old}x{old}(?!\w)", f"{kernel}x{kernel}"),
        (rf"\b(kernel_size|kernel|size)\s*=\s*{old}\b", rf"\g<1>={kernel}"),
        (rf"\b(conv\w*\s*\(?\s*(?:filters\s*=\s*)?\w+\s*,?\s+){old}(?!\w)", rf"\g<1>{kernel}"),
    )
    changed = (word_exchanged(plan, step.line, pattern, instead) for pattern, instead in written)
    return next((text for text in changed if text is not None), None)


def with_filters(plan: Plan, step: Step, instead: str) -> str | None:
    """The text with other filters on the line of a convolution; None where a block's parameter says them."""
    old = window_of(step).filters
    return word_exchanged(plan, step.line, rf"(?<![\w./=x])(filters\s*=\s*)?{old}(?![\w.x])", rf"\g<1>{instead}")


def of_line(plan: Plan, step: Step) -> list[Step]:
    """The steps that the same words of the cell make: a step, and those like it of the same line."""
    return [other for other in plan.steps if other.line == step.line and other.layer == step.layer]


def twin_of(plan: Plan, label: str, text: str | None) -> Experiment | None:
    """The experiment of a changed text; None without one, without data to train on, or where a sweep chooses."""
    if text is None or plan.source is None or plan.choices:
        return None
    return Experiment(label, text, plan.text)
