"""A cell in its canonical form: one way of writing each statement, comments and blank lines kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cnnmagic.celltext import before_comment, split_lines
from cnnmagic.errors import CnnError
from cnnmagic.lang import syntax
from cnnmagic.lang.binding import bind
from cnnmagic.lang.expand import in_word_order, layer_class, padding_habit
from cnnmagic.lang.parser import parse
from cnnmagic.layers import ACTIVATIONS, KERAS_LAYERS, SYNONYMS
from cnnmagic.layers.phrase import phrase
from cnnmagic.layers.written import number_text

INDENT = "    "
# What ends a word or is a mark of its own, no word at all, and what would be read as a number or a size.
_NEEDS_QUOTES = re.compile(r"""[\s,(){}=#"'<>]|->|^$|^[-+./]?\d""")


def canonical(text: str) -> str:
    """The text with every statement in its shortest usual form; raises `ParseError` where it can't be read."""
    lines = split_lines(text)
    written = dict(_statements(parse(text).statements, 0))
    told: list[str] = []
    for number, line in enumerate(lines, 1):
        comment = _comments(lines, number, written)
        if number in written:
            told.append(written[number] + (f"  {comment}" if comment else ""))
        elif not line.strip() or line.lstrip().startswith(("#", "%%cnn")):
            told.append(_indented(line, number, written, lines))
    return "\n".join(told).strip("\n") + "\n"


def _statements(statements: Sequence[syntax.Statement], depth: int) -> Iterator[tuple[int, str]]:
    for statement in statements:
        yield statement.place.line, INDENT * depth + _written(statement)
        yield from _statements(getattr(statement, "body", ()), depth + 1)
        yield from _statements(getattr(statement, "branches", ()), depth + 1)


def _written(statement: Any) -> str:
    words = [_word(word) for word in statement.words]
    match statement:
        case syntax.Layer(label=label):
            ordered = in_word_order(statement)
            if _is_output(ordered):
                return (f"{label} <- " if label else "") + " ".join(["output", *_output_words(ordered)])
            return (f"{label} <- " if label else "") + _layer(ordered, [_word(word) for word in ordered.words])
        case syntax.Directive(name=name) | syntax.Use(name=name):
            head = [name] if isinstance(statement, syntax.Directive) else ["use", name]
            return " ".join([*head, *words])
        case syntax.Block(name=name, parameters=parameters):
            given = [p.name if p.default is None else f"{p.name}={p.default}" for p in parameters]
            return f"block {name}({', '.join(given)}):" if given else f"block {name}:"
        case syntax.Branches(merge=merge):
            return f"branches -> {merge}:"
        case syntax.Branch(name=name, body=body):
            return " ".join(filter(None, ["branch", name])) + (":" if body else "")
        case syntax.Join(kind=kind, label=label):
            return (f"{label} <- " if label else "") + " ".join([kind, *words])
        case syntax.Repeat():
            return " ".join(["repeat", *words]) + ":"
    return " ".join(["residual", *words]) + ":"


def _is_output(statement: syntax.Layer) -> bool:
    """Whether a statement is the network's output."""
    return statement.name.lower() == "output"


def _output_words(statement: syntax.Layer) -> list[str]:
    """The words of `output`, without an activation that it has anyway."""
    units = [word.value for word in statement.words if isinstance(word.value, int)]
    usual = "sigmoid" if units == [1] else "softmax"
    return [text for word in statement.words if (text := _word(word)) not in (usual, f"activation={usual}")]


def _layer(statement: syntax.Layer, words: list[str]) -> str:
    """The layer by its first word, its options in order; as written where they hang on a block's parameters."""
    name, kind = statement.name, None if statement.name in KERAS_LAYERS else layer_class(statement.name)
    if kind is None or any(isinstance(word.value, syntax.Choices | syntax.Variable) for word in statement.words):
        return " ".join([_usual(name) if kind is None else kind.words[0], *words])
    try:
        given = padding_habit(kind, statement.words)[0]
        binding = bind(kind, name, given, ("bn",) if kind.takes_bn else (), kind.keras_only)
        layer = kind(**binding.values)
    except (CnnError, TypeError):
        return " ".join([kind.words[0] if kind.words else kind.__name__, *words])
    if "bn" not in binding.flags:
        return phrase(layer)
    activation = getattr(layer, "activation", None)
    plain: Any = replace(layer, activation=None)  # type: ignore[call-arg]  # all that take bn have an activation
    bias = "use_bias=yes" if binding.values.get("use_bias") else None
    return " ".join(filter(None, [phrase(plain), "bn", activation, bias]))


def _usual(name: str) -> str:
    """A head that is no layer class: an activation by its usual name, a further layer of Keras by Keras's spelling."""
    if name in KERAS_LAYERS:
        return name
    word = name.lower()
    keras = {known.lower(): known for known in KERAS_LAYERS}
    if word in ("output", "se", *ACTIVATIONS):
        return word
    return SYNONYMS.get(word) or keras.get(word, name)


def _word(word: syntax.Word) -> str:
    text = str(word.value)
    if isinstance(word.value, float):
        text = number_text(word.value)
    if isinstance(word.value, syntax.Name) and word.value.lower in (*ACTIVATIONS, *SYNONYMS):
        text = SYNONYMS.get(word.value.lower, word.value.lower)
    if isinstance(word.value, syntax.Text) and _NEEDS_QUOTES.search(text):
        text = f"'{text}'" if '"' in text else f'"{text}"'
    return f"{word.key}={text}" if word.key else text


def _comments(lines: Sequence[str], number: int, written: dict[int, str]) -> str:
    """The comments of a statement's line, and of the lines in its brackets."""
    last = number
    while last < len(lines) and last + 1 not in written and _continues(lines[last]):
        last += 1
    return "  ".join(filter(None, (_comment(line) for line in lines[number - 1 : last])))


def _continues(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith(("#", "%%cnn"))


def _comment(line: str) -> str:
    before = before_comment(line)
    return line[len(before) :] if before.strip() else ""


def _indented(line: str, number: int, written: dict[int, str], lines: list[str]) -> str:
    """A comment's line at the depth of the statement after it."""
    if not line.strip():
        return ""
    after = next((written[n] for n in range(number, len(lines) + 1) if n in written), "")
    return after[: len(after) - len(after.lstrip())] + line.strip()
