"""Explains a word of the language: what it is, what it takes, its arithmetic, and an example with its plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field
from textwrap import wrap
from typing import Any

import cnnmagic
from cnnmagic.comparison import zoo_plan
from cnnmagic.datasets import NAMED
from cnnmagic.errors import CnnError
from cnnmagic.formulas import FORMULAS, RULES, WHOLE, Rule
from cnnmagic.lang.binding import ALIASES
from cnnmagic.lang.directives import AUGMENTATIONS
from cnnmagic.lang.parser import DIRECTIVES
from cnnmagic.lang.values import MEANINGS, WORDS
from cnnmagic.layers import ACTIVATIONS, BY_WORD, KERAS_LAYERS, LAYERS, MERGES, SYNONYMS, Layer, show
from cnnmagic.layers.signatures import NEEDED, SIGNATURES
from cnnmagic.layers.written import value_text
from cnnmagic.table import summary
from cnnmagic.topics import AUGMENTATIONS_HELP, FLAGS_HELP, OTHER_VALUES, TOPICS, VALUES_HELP
from cnnmagic.vocabulary import HEADS, Takes, default_text, takes, values_of, words_of
from cnnmagic.wording import closest, counted, listed, sentence
from cnnmagic.zoo import zoo_names, zoo_text

EXAMPLE_INPUT = "14x14x16"
FEW = 2
WIDTH = 120


def explain_word(word: str) -> str:
    """The help of a word of the language; raises `CnnError` where there is none of that name."""
    name = word.strip().lower().removeprefix("keras.").removeprefix("layers.")
    found = next(filter(None, (explain(name) for explain in (_topic, _layer, _activation, _merge, _argument))), None)
    meanings = [found] if found else []
    meanings += filter(None, (explain(name) for explain in (_augmentation, _data_name, _network, _value)))
    if found := _keras_layer(name) if not meanings else None:
        meanings.append(found)
    if meanings:
        return "\n\n".join("\n".join(part for line in lines for part in _wrapped(line)) for lines in meanings)
    near = closest(name, _known_words())
    remedy = "" if near else f"Words are {listed([*(kind.words[0] for kind in LAYERS if kind.words), *TOPICS])}."
    raise CnnError(sentence(f"no word `{word}` in the language{near}"), remedy=remedy)


def _known_words() -> list[str]:
    """The words to look for a near one among: those that open a line, then those that follow them."""
    values = [word for words in WORDS.values() for word in words]
    names = (*AUGMENTATIONS, *NAMED, *zoo_names(), *values, *OTHER_VALUES)
    return list(dict.fromkeys((*TOPICS, *BY_WORD, *ACTIVATIONS, *SYNONYMS, *names, *KERAS_LAYERS)))


def _layer(name: str) -> list[str] | None:
    kind, known = BY_WORD.get(name), takes(name)
    if kind is None or known is None:
        return None
    example = kind.example or " ".join([kind.__name__, *("0.1" for need in known.options.values() if _is_needed(need))])
    return [
        f"{_word(kind)} · Keras's {kind.__name__}",
        *_first_line(kind),
        "",
        *_usage(_word(kind), known),
        "",
        *_table(known),
        *_rule(kind, known),
        *_other_names(kind, known),
        "",
        f"{example}   after input {EXAMPLE_INPUT}:",
        *_rows(f"input {EXAMPLE_INPUT}\n{example}"),
    ]


def _topic(name: str) -> list[str] | None:
    topic, known = TOPICS.get(name), HEADS.get(name)
    if topic is None:
        return None
    options = _table(known) if known else []
    shown = _summary(topic.example) if name in DIRECTIVES else _rows(topic.example)
    indented = [f"    {line}" for line in topic.example.splitlines()]
    return [name, topic.says, "", topic.written, *_names_known(name), "", *options, *indented, "", *shown]


def _activation(name: str) -> list[str] | None:
    activation = SYNONYMS.get(name, name)
    if activation not in ACTIVATIONS:
        return None
    others = [word for word, meant in SYNONYMS.items() if meant == activation]
    return [
        f"{activation} · Keras's activation {activation}",
        f"{activation}(x) = {FORMULAS.get(activation) or WHOLE[activation]}",
        "",
        f"A line of its own, or a word of a layer: conv 32 3x3 {activation}, dense 10 activation={activation}",
        *([f"also written: {', '.join(others)}"] if others else []),
    ]


def _merge(name: str) -> list[str] | None:
    kind = next((kind for kind in MERGES if name in (*kind.words, kind.verb, kind.__name__.lower())), None)
    if kind is None:
        return None
    where = f"branches -> {kind.verb}: (see `%cnn help branches`)" if kind.verb != "multiply" else "se (`%cnn help se`)"
    return [f"{name} · Keras's {kind.__name__}", *_first_line(kind), "", f"written in {where}"]


def _argument(name: str) -> list[str] | None:
    """The help of an argument's name, such as `strides` or `lr`: the words that take it."""
    heads = [_word(kind) for kind in LAYERS] + list(HEADS)
    taking = {head: option for head in heads if (known := takes(head)) and (option := known.option(name))}
    if not taking:
        return None
    first = next(iter(taking.values()))
    lines = _columns([(head, option.metadata["help"], _default(option)) for head, option in taking.items()])
    meaning = f"{name} · an argument" + (f": Keras's {first.name}" if name != first.name else "")
    return [meaning, f"It takes {_meaning(first)}.", "", *lines]


def _augmentation(name: str) -> list[str] | None:
    if name not in AUGMENTATIONS_HELP:
        return None
    says, written = AUGMENTATIONS_HELP[name]
    return [f"{name} · a word of `augment`", says, "", written]


def _data_name(name: str) -> list[str] | None:
    facts = NAMED.get(name)
    if facts is None:
        return None
    tests = f", {facts.tests:,} more for the test" if facts.tests else ""
    told = f"{facts.examples:,} images of {show(facts.shape)} in {counted(len(facts.classes), 'class')}{tests}."
    return [f"{name} · data known by name", told, "", f"data {name}"]


def _network(name: str) -> list[str] | None:
    if name not in zoo_names():
        return None
    plan = zoo_plan(name)
    comment = [line.removeprefix("# ") for line in zoo_text(name).splitlines() if line.startswith("# ")]
    return [
        f"{name} · a studied network",
        " ".join(comment),
        f"It takes {show(plan.input_shape)} and has {plan.parameters:,} parameters.",
        "",
        f"use {name}   (`%cnn zoo {name}` prints it as a ready cell)",
    ]


def _value(name: str) -> list[str] | None:
    """The help of a value, such as `same` or `adam`: the kind of argument that it is for."""
    kind = next((kind for kind, words in WORDS.items() if name in words and kind != "activation"), None)
    says = VALUES_HELP.get(name) or FLAGS_HELP.get(name, "")
    told = [sentence(says[:1].upper() + says[1:])] if says else []
    if name in OTHER_VALUES:
        written = OTHER_VALUES[name].format(name)
        return [f"{name} · a word of `{written.split(' ', 1)[0]}`", *told, "", written]
    if kind is None:
        return None
    return [f"{name} · a value of `{kind}`", *told, f"The values of `{kind}` are {listed(WORDS[kind])}."]


def _keras_layer(name: str) -> list[str] | None:
    found = next((known for known in KERAS_LAYERS if known.lower() == name), None)
    if found is None:
        return None
    words = [name if value is NEEDED else f"[{name}={value_text(value)}]" for name, value in SIGNATURES[found].items()]
    said = "Its words are handed to Keras in their order, its arguments by their names."
    return [f"{found} · Keras's own", said, " ".join([found, *words])]


def _usage(word: str, known: Takes) -> Iterator[str]:
    bare = [option for option in known.options.values() if option.metadata["bare"]]
    order = [option.name if _is_needed(option) else f"[{option.name}]" for option in bare]
    yield " ".join([word, *order, *(f"[{flag}]" for flag in known.flags), "[name=value …]"])
    if len(order) > 1:
        yield "A word without a name goes to the first of these that it fits."


def _table(known: Takes) -> list[str]:
    """The options: name, what it takes, default, help; under them longer lists of words; and a blank line."""
    rows = [
        (option.name, _meaning(option), _default(option), option.metadata["help"]) for option in known.options.values()
    ]
    flags = [(flag, "a word alone", "-", FLAGS_HELP[flag]) for flag in known.flags]
    if not rows:
        return []
    return [*_columns([("argument", "takes", "default", "meaning"), *rows, *flags]), *_lists(known), ""]


def _lists(known: Takes) -> Iterator[str]:
    """The longer lists of words that options accept; that of activations only where one must be given."""
    for option in known.options.values():
        words, kind = values_of(option), option.metadata["kind"]
        if words_of(option.metadata["help"]) == words or len(words) <= FEW:
            continue
        if kind in WORDS and (kind != "activation" or _is_needed(option)):
            yield f"{option.name}: {', '.join(words)}"


def _rule(kind: type[Layer], known: Takes) -> list[str]:
    lines = [*RULES.get(kind, Rule()).lines()]
    if "dilation_rate" in known.options:
        lines.append("with a dilation, kernel means (kernel - 1) × dilation_rate + 1 in the shape")
    if "use_bias" in known.options:
        lines.append("the last term is the biases': none of them with bn or use_bias=no")
    return lines


def _other_names(kind: type[Layer], known: Takes) -> Iterator[str]:
    words = [*kind.words[1:], *([kind.__name__] if kind.words else [])]
    meant = ((alias, known.option(alias)) for alias in ALIASES)
    aliases = [f"{alias} for {option.name}" for alias, option in meant if option and option.name != alias]
    if words:
        yield f"also written: {', '.join(words)}"
    if aliases:
        yield f"arguments too: {', '.join(aliases)}"
    if known.further:
        yield f"further arguments of Keras: {', '.join(known.further)}"


def _names_known(name: str) -> list[str]:
    """The names that a word may be followed by."""
    if name == "data":
        rows = [
            (data, f"{facts.examples:,} images", f"of {show(facts.shape)}", counted(len(facts.classes), "class"))
            for data, facts in NAMED.items()
        ]
        return ["", *_columns(rows)]
    names = {"augment": AUGMENTATIONS, "use": zoo_names()}.get(name)
    return [f"names: {', '.join(names)}"] if names else []


def _rows(text: str) -> list[str]:
    """The plan of a text, without totals: a row for each layer."""
    plan = cnnmagic.plan(text)
    head, _, *rows = str(plan).splitlines()
    return [head, *rows[: len(plan.steps)]]


def _summary(text: str) -> list[str]:
    """What the plan of a text says under its table."""
    return summary(cnnmagic.plan(text))


def _first_line(kind: type[Any]) -> list[str]:
    return (kind.__doc__ or "").strip().splitlines()[:1]


def _word(kind: type[Layer]) -> str:
    return kind.words[0] if kind.words else kind.__name__


def _is_needed(option: Field[Any]) -> bool:
    return option.default is MISSING


def _default(option: Field[Any]) -> str:
    return "needed" if _is_needed(option) else default_text(option) or "-"


def _meaning(option: Field[Any]) -> str:
    """What an option takes, in words."""
    kind, words = option.metadata["kind"], values_of(option)
    if kind in MEANINGS:
        return MEANINGS[kind].replace("`", "")
    return " or ".join(words) if len(words) <= FEW else f"{'an' if kind[0] in 'ao' else 'a'} {kind}"


def _wrapped(line: str) -> list[str]:
    """A long line in several; rows of a table, which have their blanks in pairs, stay as they are."""
    if len(line) <= WIDTH or "  " in line.strip():
        return [line]
    return wrap(line, WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
