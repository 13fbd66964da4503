"""Completes half-typed text of a `%%cnn` cell or a `%cnn` line: looks at the line alone, so that wrong text will do."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import Field, dataclass
from functools import cache
from typing import Any, Literal

from cnnmagic.celltext import before_comment, code_of
from cnnmagic.datasets import NAMED
from cnnmagic.lang.binding import ALIASES
from cnnmagic.lang.directives import AUGMENTATIONS
from cnnmagic.lang.parser import DIRECTIVES, JOINS, KEYWORDS, MERGES
from cnnmagic.layers import ACTIVATIONS, KERAS_LAYERS, LAYERS, SYNONYMS, show
from cnnmagic.layers.signatures import SIGNATURES
from cnnmagic.plans import INPUT
from cnnmagic.verbs import cell_words, line_words
from cnnmagic.vocabulary import HEADS, Takes, default_text, takes, values_of, words_of

Others = Literal["", "files", "python"]
FEW = 2

_CELL = re.compile(r"\s*%%cnn(?=\s)")
_LINE = re.compile(r"\s*%cnn\s")
_BEGUN = re.compile(r"[^\s,(){}=#]*$")
_KEY = re.compile(r"(\w+)\s*=\s*(?:\{[^{}]*)?$")
_WORD = re.compile(r"\{\{[^{}]*\}\}|\w+\s*=\s*(?:\{[^{}]*\}|[^\s,(){}]+)|\{[^{}]*\}|[^\s,(){}=]+")
_LABEL = re.compile(r"\s*(\w+)\s*<-\s*")
_BLOCK = re.compile(r"(\s*)block\s+(\w+)\s*(?:\(([^()]*)\))?", re.IGNORECASE)
_VARIABLE = re.compile(r"\{\{[^{}]*$")
_PATH = re.compile(r"[./\\~:]")


@dataclass(frozen=True)
class Candidate:
    """A text to put in the place of the word begun; a `rare` one is offered only once its first letter is typed."""

    text: str
    kind: str
    rare: bool = False


@dataclass(frozen=True)
class Completions:
    """What may stand at the cursor, best first, in place of the text from `start` on.

    `others` tells who else may answer: `files` where a path may stand, `python` at a variable and outside our cells.
    """

    candidates: tuple[Candidate, ...]
    start: int
    others: Others = ""


@dataclass(frozen=True)
class _Spot:
    """The cursor in a statement: whole words before it, the argument whose value it is in, the word begun, the cell."""

    words: tuple[str, ...]
    key: str
    begun: str
    above: tuple[str, ...]
    indentation: int


def complete(text: str, cursor: int, names: Sequence[str] = (), zoo: Sequence[str] = ()) -> Completions:
    """What may be typed at `cursor` in a whole cell of a notebook; nothing outside `%%cnn` and `%cnn`.

    `names` are the networks of the session, `zoo` the studied ones.
    """
    before = text[:cursor]
    above, _, line = before.rpartition("\n")
    if _CELL.match(before):
        if not above.strip():
            return _answer((*_cell_options(), *_networks(names)), line, cursor)
        return _in_cell(above, line, cursor, _networks((*names, *zoo)))
    if _LINE.match(line):
        return _in_line(line, cursor, names, zoo)
    return Completions((), cursor, "python")


def _answer(candidates: Iterable[Candidate], line: str, cursor: int, others: Others = "") -> Completions:
    """The candidates that begin like the word begun, each once; upper and lower case are one."""
    begun = _begun(line)
    fitting = {
        candidate.text: candidate
        for candidate in candidates
        if candidate.text.lower().startswith(begun.lower()) and (begun or not candidate.rare)
    }
    return Completions(tuple(fitting.values()), cursor - len(begun), others)


def _begun(line: str) -> str:
    """The word that ends at the end of the line; the arrow of a label is no part of it."""
    found = _BEGUN.search(line)
    return found[0].rpartition("<-")[2] if found else ""


def _in_cell(above: str, line: str, cursor: int, networks: Sequence[Candidate]) -> Completions:
    lines = tuple(above.splitlines()[1:])
    statement = _statement(lines, line)
    if before_comment(statement) != statement:
        return Completions((), cursor)
    if _VARIABLE.search(statement):
        return Completions((), cursor, "python")
    spot = _spot(lines, statement)
    takes_path = spot.words[:1] == ("data",) or spot.key == "weights"
    others: Others = "files" if takes_path and _PATH.search(spot.begun) else ""
    return _answer(_of_statement(spot, networks), line, cursor, others)


def _statement(above: Sequence[str], line: str) -> str:
    """The text of the statement up to the cursor, from the lines above too where a bracket is still open."""
    whole = line
    for earlier in reversed(above):
        code = code_of(earlier)
        if not code.endswith(("(", ",", "{")):
            break
        whole = f"{code} {whole}"
    return whole if whole.count("(") > whole.count(")") or whole.count("{") > whole.count("}") else line


def _spot(above: tuple[str, ...], statement: str) -> _Spot:
    begun = _begun(statement)
    ready = statement[: len(statement) - len(begun)]
    key, label = _KEY.search(ready), _LABEL.match(ready)
    words = _WORD.findall(ready, label.end() if label else 0, key.start() if key else len(ready))
    # A paper writes `7x7 conv, 64`: the size before the layer's word says nothing of what follows it.
    words = words[1:] if words and words[0][0].isdigit() else words
    indentation = len(statement) - len(statement.lstrip())
    given = (words[0].lower(), *words[1:]) if words else ()
    return _Spot(given, key[1].lower() if key else "", begun, above, indentation)


def _of_statement(spot: _Spot, networks: Sequence[Candidate]) -> Iterator[Candidate]:
    if not spot.words:
        yield from () if spot.key else _first_words(spot)
        return
    head, given = spot.words[0], spot.words[1:]
    yield from _parameters_in_force(spot)
    if not spot.key:
        yield from _own_words(head, given, spot, networks)
    known = takes(head)
    if known is not None and (given or head != "use"):
        yield from _values(known, spot.key) if spot.key else _arguments(known, given)


def _first_words(spot: _Spot) -> Iterator[Candidate]:
    """What may open a statement; a directive that the cell has already is not offered again."""
    said = {line.split(None, 1)[0].lower() for line in spot.above if line.strip()}
    yield from (Candidate(name, "block") for name in _blocks(spot.above))
    yield from _layers(spot.begun.lower())
    for word in (*(head for head in HEADS if head not in KEYWORDS), *KEYWORDS):
        if word not in DIRECTIVES:
            yield Candidate(word, "word")
        elif word not in said:
            yield Candidate(word, "directive")
    yield from (Candidate(name, "activation", rare=name in SYNONYMS) for name in (*ACTIVATIONS, *SYNONYMS))
    yield from (Candidate(name, "layer") for name in KERAS_LAYERS if spot.begun and name.startswith(spot.begun))


def _layers(begun: str) -> Iterator[Candidate]:
    """Each layer once, by the first of its names that begins so."""
    for kind in LAYERS:
        fitting = [name for name in (*kind.words, kind.__name__) if name.lower().startswith(begun)]
        if fitting:
            yield Candidate(fitting[0], "layer", rare=not kind.words)


def _own_words(head: str, given: Sequence[str], spot: _Spot, networks: Sequence[Candidate]) -> Iterator[Candidate]:
    """What follows a word and is no option: names of data, networks, labels, a block's parameters."""
    if head in JOINS:
        yield from (Candidate(name, "label") for name in _labels(spot.above) if name not in given)
    elif head == "data" and not given:
        yield from (Candidate(name, "data") for name in NAMED)
    elif head == "use" and not given:
        yield from networks
    elif head == "input" and not given:
        yield from (Candidate(show(facts.shape), "size") for facts in NAMED.values())
    elif head == "augment":
        yield from (Candidate(name, "augmentation") for name in AUGMENTATIONS if name not in given)
    elif head == "branches":
        arrow = "" if "->" in given else "-> "
        yield from (Candidate(f"{arrow}{merge}:", "word") for merge in MERGES if len(given) <= 1)
    else:
        parameters = (*_blocks(spot.above).get(head, ()), *_of_keras(head))
        yield from (Candidate(f"{name}=", "argument") for name in parameters)


def _of_keras(head: str) -> Iterable[str]:
    """The arguments of one of Keras's further layers."""
    return next((taken for name, taken in SIGNATURES.items() if name.lower() == head and head not in ACTIVATIONS), ())


def _arguments(known: Takes, given: Sequence[str]) -> Iterator[Candidate]:
    """Bare words and `name=` of the options not set yet; lists of many words, such as activations, come last."""
    left = known.unset(given)
    bare = [option for option in left.values() if option.metadata["bare"] and option.metadata["kind"] != "flag"]
    lists = sorted((list(_words(option)) for option in bare), key=len)
    yield from (candidate for words in lists if len(words) <= FEW for candidate in words)
    yield from (Candidate(flag, "flag") for flag in known.flags if flag not in given)
    yield from (Candidate(f"{name}=", "argument") for name in left)
    yield from (candidate for words in lists if len(words) > FEW for candidate in words)
    yield from (Candidate(f"{name}=", "argument") for name in known.further)
    aliases = (alias for alias, meant in ALIASES.items() if alias not in left and any(name in left for name in meant))
    yield from (Candidate(f"{name}=", "argument", rare=True) for name in aliases)


def _values(known: Takes, key: str) -> Iterator[Candidate]:
    """The values of `key=`: the words it accepts, or else its default."""
    option = known.option(key)
    if option is None:
        return
    yield from _words(option)
    if not values_of(option) and default_text(option):
        yield Candidate(default_text(option), "default")


def _words(option: Field[Any]) -> Iterator[Candidate]:
    yield from (Candidate(word, option.metadata["kind"], rare=word in SYNONYMS) for word in values_of(option))


def _labels(above: Iterable[str]) -> list[str]:
    return [*(found[1] for line in above if (found := _LABEL.match(line))), INPUT]


def _blocks(above: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The parameters of each block of the cell, by its name."""
    return {found[2]: _parameters(found) for line in above if (found := _BLOCK.match(line))}


def _parameters(block: re.Match[str]) -> tuple[str, ...]:
    return tuple(re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", block[3] or ""))


def _parameters_in_force(spot: _Spot) -> Iterator[Candidate]:
    """The parameters of the blocks whose indented lines the cursor is in."""
    indentation = spot.indentation
    for line in reversed(spot.above):
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth < indentation:
            indentation = depth
            block = _BLOCK.match(line)
            yield from (Candidate(name, "parameter") for name in (_parameters(block) if block else ()))


@dataclass(frozen=True)
class _Verb:
    """What follows a verb: for each place what may stand there, the last for all further ones; and its options."""

    places: tuple[tuple[str, tuple[str, ...]], ...]
    options: tuple[Candidate, ...]


@cache
def _verbs() -> dict[str, _Verb]:
    """The verbs as argparse knows them, so that nothing about them is said twice."""
    found: dict[str, _Verb] = {}
    for kinds in line_words()._actions:
        if isinstance(kinds, argparse._SubParsersAction):
            for name, words in kinds.choices.items():
                places = [action for action in words._actions if not action.option_strings]
                read = tuple((str(place.metavar or place.dest).lower(), _choices(place)) for place in places)
                found[name] = _Verb(read, tuple(_options(words)))
    return found


def _choices(action: argparse.Action) -> tuple[str, ...]:
    return tuple(map(str, action.choices)) if action.choices else words_of(action.help or "")


@cache
def _cell_options() -> tuple[Candidate, ...]:
    return tuple(_options(cell_words()))


def _options(words: argparse.ArgumentParser) -> Iterator[Candidate]:
    for action in words._actions:
        yield from (Candidate(name, "option") for name in action.option_strings if name.startswith("--"))


def _in_line(line: str, cursor: int, names: Sequence[str], zoo: Sequence[str]) -> Completions:
    """After `%cnn`: the verbs, then what the verb takes."""
    ready = line[: len(line) - len(_begun(line))]
    given = ready.split()[1:]
    if not given:
        return _answer((Candidate(verb, "verb") for verb in _verbs()), line, cursor)
    verb, words = given[0], [word for word in given[1:] if not word.startswith("--")]
    networks = _networks(zoo if verb == "zoo" else names)
    if verb == "help":
        return _answer(_topics(), line, cursor)
    if verb == "train" and (key := _KEY.search(ready)):
        return _answer(_values(HEADS[verb], key[1].lower()), line, cursor)
    known = _verbs().get(verb, _Verb((), ()))
    place, choices = known.places[min(len(words), len(known.places) - 1)] if known.places else ("", ())
    if place in ("variable", "image"):
        return Completions((), cursor, "python")
    own = [Candidate(word, "word") for word in choices]
    named = networks if "name" in place and not set(words) & set(names) else ()
    further = _arguments(HEADS[verb], words) if verb == "train" else ()
    return _answer([*own, *named, *further, *known.options], line, cursor)


def _topics() -> Iterator[Candidate]:
    """What `%cnn help` explains: verbs and the words of the language."""
    yield from (Candidate(verb, "verb") for verb in _verbs())
    yield from _first_words(_Spot((), "", "", (), 0))


def _networks(names: Iterable[str]) -> tuple[Candidate, ...]:
    return tuple(Candidate(name, "network") for name in names)
