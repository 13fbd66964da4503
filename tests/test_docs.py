"""docs/language.md: its cells planned, its results compared, its tables held against the classes that they tell of.

Tables between `<!-- generated: NAME -->` and `<!-- end -->` are written anew by `pytest tests/test_docs.py
--rewrite-golden`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, Field
from pathlib import Path
from textwrap import fill
from typing import Any

import pytest

from cnnmagic import CnnError, plan
from cnnmagic.datasets import NAMED
from cnnmagic.engine.raw import NAMES
from cnnmagic.errors import SHOWN_PROBLEMS
from cnnmagic.formulas import FORMULAS, WHOLE
from cnnmagic.lang import blocks, directives, graph, limits, unfold, values, walk
from cnnmagic.lang.binding import ALIASES
from cnnmagic.lang.parser import JOINS, KEYWORDS, MERGES
from cnnmagic.lang.values import MEANINGS, WORDS
from cnnmagic.layers import ACTIVATIONS, KERAS_LAYERS, LAYERS, SYNONYMS, Layer, show
from cnnmagic.layers.phrase import phrase
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.pipeline import make_plan
from cnnmagic.table import short
from cnnmagic.topics import TOPICS
from cnnmagic.verbs import VERBS
from cnnmagic.vocabulary import HEADS, Takes, default_text, takes, values_of
from cnnmagic.zoo import zoo_names

PATH = Path(__file__).parents[1] / "docs" / "language.md"
TEXT = PATH.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
PIECE_HEAD = "input 28x28x1"  # the document says so
TABLE_HEAD = "input 14x14x16"
SETTINGS = ("input", "data", "use")
GENERATED = re.compile(r"(<!-- generated: (.+?) -->\n\n?)(.*?)(\n?<!-- end -->)", re.DOTALL)
HABITS = "".join(re.findall(r"^\| written \| the same as \|\n((?:\|.*\n)+)", TEXT, re.MULTILINE))
SAME_AS = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", HABITS, re.MULTILINE)

FAMILIES = {
    "convolutions": "Conv2D SeparableConv2D DepthwiseConv2D Conv2DTranspose",
    "pooling": "MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D",
    "lists": "Dense Flatten Reshape",
    "dropout": "Dropout SpatialDropout2D",
    "images": "UpSampling2D ZeroPadding2D Cropping2D Rescaling",
    "activation": "Activation",
    "normalisation": "BatchNormalization GroupNormalization LayerNormalization",
    "random": "RandomFlip RandomRotation RandomZoom RandomTranslation RandomBrightness RandomContrast RandAugment",
}
LIMITS = {
    "characters of a cell": limits.LONGEST_TEXT,
    "lines of a cell with words in them": limits.MOST_LINES,
    "words of a cell": limits.MOST_WORDS,
    "words of one statement": limits.MOST_IN_STATEMENT,
    "values in one pair of brackets or braces": limits.MOST_IN_BRACKETS,
    "times of one `repeat`, and statements of a cell once all is repeated": walk.MOST_STATEMENTS,
    "layers of a network": graph.MOST_STEPS,
    "height, width and channels in `input` and `resize`": directives.LARGEST_SIDE,
    "filters, units and other counts": values.LARGEST,
    "height, width or channels of what a layer gives": graph.LARGEST_SIZE,
    "numbers that a layer gives for one image": graph.LARGEST_VOLUME,
    "indented blocks in one another": limits.DEEPEST_SUITE,
    "calls of blocks in one another": blocks.DEEPEST_CALL,
    "brackets in one another": limits.DEEPEST_BRACKET,
    "networks that `use` one another": unfold.DEEPEST,
    "mistakes shown at once": SHOWN_PROBLEMS,
}
BEYOND = {
    limits.LONGEST_TEXT: "#" * (limits.LONGEST_TEXT + 1),
    walk.MOST_STATEMENTS: f"repeat {walk.MOST_STATEMENTS + 1}:\n    relu",
    graph.MOST_STEPS: f"repeat {graph.MOST_STEPS + 1}:\n    relu",
    directives.LARGEST_SIDE: f"data digits\nresize 8x8\ninput 8x{directives.LARGEST_SIDE + 1}x1\nrelu",
    limits.DEEPEST_SUITE: "\n".join(" " * depth + "repeat 1:" for depth in range(limits.DEEPEST_SUITE))
    + "\n"
    + " " * limits.DEEPEST_SUITE
    + "relu",
    blocks.DEEPEST_CALL: "block deeper:\n    deeper\ndeeper",
    limits.DEEPEST_BRACKET: "conv " + "(" * (limits.DEEPEST_BRACKET + 1),
}


# --- its cells -------------------------------------------------------------------------------------------------------


def test_blocks_are_cells_pieces_python_or_results():
    assert {language for language, _ in BLOCKS} == {"", "cnn", "python", "text"}
    assert all(text.startswith("%%cnn") for language, text in BLOCKS if not language)
    assert BLOCKS[0][0] != "text"


def test_cells_and_results():
    notebook: dict[str, Any] = {}
    texts: dict[str, str] = {}
    came_out = ""
    for number, (language, text) in enumerate(BLOCKS):
        shown = number + 1 < len(BLOCKS) and BLOCKS[number + 1][0] == "text"
        if language == "text":
            assert re.fullmatch(pattern(text), came_out), f"shown:\n{text}\ncomes out:\n{came_out}"
        elif language == "python":
            came_out = _run(text, notebook, shown)
        else:
            came_out = _answer(text, notebook, texts, shown)


@pytest.mark.parametrize("written, same", SAME_AS)
def test_two_ways_to_write_a_line_are_the_same(written, same):
    ways = [plan(f"input 28x28x3\n{line}\nflatten") for line in (written, same)]
    assert [phrase(step.layer) for step in ways[0].steps] == [phrase(step.layer) for step in ways[1].steps]


@pytest.mark.parametrize(
    "written, last, loss", re.findall(r"^\| `(output.*)` \| `(dense.*)` \| `(\w+)` \|$", TEXT, re.M)
)
def test_outputs_come_with_their_losses(written, last, loss):
    planned = plan(f"{PIECE_HEAD}\nflatten\n{written}")
    assert planned.output is not None and planned.output.loss == loss
    assert phrase(planned.steps[-1].layer) == last


@pytest.mark.parametrize("line", re.findall(r"^\| `(\w+ [\w ]+)` \| (?:goes|the|them)", TEXT, re.M))
def test_words_that_take_labels_take_them(line):
    assert line.split()[0] in JOINS
    text = f"input 28x28x8\nleft <- conv 8 3x3 same\nstem <- conv 8 3x3 same\n{line}\nconv 8 3x3"
    shape = plan(text).steps[-1].input_shape
    assert shape == (28, 28, 24 if line.startswith("concat") else 8)


def test_verbs_are_those_of_the_magic():
    assert set(re.findall(r"%cnn ([a-z]+)", TEXT.replace("%%cnn", ""))) <= set(VERBS)


def _answer(text: str, notebook: dict[str, Any], texts: dict[str, str], shown: bool) -> str:
    """The plan, or the error, of a cell or a piece of one; an error must be shown in the document."""
    first, rest = text.split("\n", 1)
    piece = not first.startswith("%%cnn")
    if piece and not any(text.startswith(word) or f"\n{word} " in text for word in SETTINGS):
        text = f"{PIECE_HEAD}\n{text}"
    try:
        planned = make_plan(text, notebook, texts=texts)
    except CnnError as error:
        if not shown:
            raise
        return f"{type(error).__name__} {error}\n"
    if not piece and len(first.split()) > 1:
        texts[first.split()[1]] = rest
    return f"{planned}\n"


def _run(text: str, notebook: dict[str, Any], shown: bool) -> str:
    """What Python's last line gives where the document shows it."""
    lines = text.strip().splitlines()
    exec("\n".join(lines[: len(lines) - shown]), notebook)
    return f"{eval(lines[-1], notebook)!r}\n" if shown else ""


def pattern(text: str) -> str:
    """A shown result, in which a line `…` stands for lines left out."""
    return "".join("(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in text.splitlines())


# --- its tables ------------------------------------------------------------------------------------------------------


def test_generated_tables_are_those_of_the_classes(request):
    found = dict(_tables())
    assert sorted(name for _, name, _, _ in GENERATED.findall(TEXT)) == sorted(found)
    written = GENERATED.sub(lambda match: f"{match[1].rstrip()}\n\n{found[match[2]]}\n\n<!-- end -->", TEXT)
    if request.config.getoption("--rewrite-golden"):
        PATH.write_text(written, encoding="utf-8")
    assert PATH.read_text(encoding="utf-8") == written


def test_every_layer_stands_in_one_family():
    assert sorted(" ".join(FAMILIES.values()).split()) == sorted(kind.__name__ for kind in LAYERS)


def test_every_word_occurs():
    words = [*KEYWORDS, *TOPICS, *MERGES, *ACTIVATIONS, *SYNONYMS, *KERAS_LAYERS, *directives.AUGMENTATIONS]
    words += [word for kind in LAYERS for word in (*kind.words, kind.__name__, *kind.keras_only)]
    words += [value for kind, known in WORDS.items() if kind != "activation" for value in known]
    words += [name for known in HEADS.values() for name in (*known.options, *known.flags)]
    words += [*NAMED, *zoo_names(), *OPTIMIZERS, *unfold.PRETRAINED, *(name for names in NAMES for name in names)]
    spans = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`\n]+)`", TEXT)), re.UNICODE))
    assert sorted(set(words) - spans) == []


@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind.example], ids=lambda kind: kind.__name__)
def test_examples_of_the_tables_can_be_planned(kind):
    assert f"`{kind.example}`" in TEXT and plan(f"{TABLE_HEAD}\n{kind.example}").steps


@pytest.mark.parametrize("limit", BEYOND)
def test_what_is_beyond_a_limit_is_refused(limit):
    with pytest.raises(CnnError, match=f"{limit:,}|{limit}"):
        plan(BEYOND[limit] if "input" in BEYOND[limit] else f"input 8x8x1\n{BEYOND[limit]}")


def test_links_lead_to_headings_and_files():
    anchors = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", TEXT, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target[1:] in anchors if target.startswith("#") else (PATH.parent / target).exists(), target


def _tables() -> Iterator[tuple[str, str]]:
    """The generated tables by name."""
    rows = [
        (f"`{name}`", f"{facts.examples:,}", f"{facts.tests:,}", show(facts.shape), str(len(facts.classes)))
        for name, facts in NAMED.items()
    ]
    yield "known data", _table(("name", "images", "for the test", "size", "classes"), rows)
    kinds = {kind.__name__: kind for kind in LAYERS}
    for name in FAMILIES:
        yield name, _family([kinds[kind] for kind in FAMILIES[name].split()])
    further = [(_codes([_word(kind)]), _codes(kind.keras_only)) for kind in LAYERS if kind.keras_only]
    yield "further arguments", _table(("word", "further arguments of Keras"), further)
    yield "Keras's own", fill(_codes(sorted(KERAS_LAYERS, key=str.lower)) + ".", 120)
    formulas = [(f"`{name}`", f"`{FORMULAS[name]}`" if name in FORMULAS else WHOLE[name]) for name in ACTIVATIONS]
    yield "activations", _table(("activation", "what it makes of a number x"), formulas)
    synonyms = [(f"`{other}`", f"`{meant}`") for other, meant in SYNONYMS.items()]
    yield "other activations", _table(("also written", "is Keras's"), synonyms)
    for name, known in HEADS.items():
        yield name, _options([(name, known)])
    yield "optimizers", fill(", ".join(f"`{name}` ({kind.keras_name})" for name, kind in OPTIMIZERS.items()) + ".", 120)
    yield "zoo", _table(("name", "input", "parameters", "FLOPs", "`imagenet`"), map(_zoo_row, zoo_names()))
    yield "aliases", _table(("written", "is Keras's", "in"), _aliases())
    yield "limits", _table(("what", "at most"), ((what, f"{limit:,}") for what, limit in LIMITS.items()))


def _family(kinds: list[type[Layer]]) -> str:
    """Two tables: the words of a family, and their options."""
    rows = [
        (_codes([_word(kind)]), _codes([kind.__name__]), _codes(kind.words[1:]), _order(kind), _codes([kind.example]))
        for kind in kinds
    ]
    words = _table(("word", "Keras", "also written", "words without a name, in order", "example"), rows)
    options = _options([(_word(kind), known) for kind in kinds if (known := takes(kind.__name__))])
    return words + ("\n\n" + options if options else "")


def _order(kind: type[Layer]) -> str:
    known = takes(kind.__name__)
    assert known is not None  # every class has its word
    bare = [name for name, field in known.options.items() if field.metadata["bare"]]
    return _codes([*bare, *known.flags])


def _options(heads: list[tuple[str, Takes]]) -> str:
    """The options of several words; those of one meaning stand in one row, with the words that take it."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for word, known in heads:
        for name, field in known.options.items():
            default = "needed" if field.default is MISSING else default_text(field) or "-"
            rows.setdefault((f"`{name}`", _takes(field), default, field.metadata["help"]), []).append(word)
    if not rows:
        return ""
    if len(heads) == 1:
        return _table(("argument", "takes", "default", "meaning"), rows)
    ordered = sorted(rows, key=lambda row: [known[0] for known in rows].index(row[0]))
    listed = [(row[0], "all" if len(rows[row]) == len(heads) else _codes(rows[row]), *row[1:]) for row in ordered]
    return _table(("argument", "of", "takes", "default", "meaning"), listed)


def _takes(field: Field[Any]) -> str:
    kind = field.metadata["kind"]
    if kind in MEANINGS:
        return MEANINGS[kind]
    return f"an {kind}" if kind in ("activation", "optimizer") else _codes(values_of(field))


def _aliases() -> Iterator[tuple[str, str, str]]:
    """Other names of arguments with the words that take them."""
    for alias, names in ALIASES.items():
        for name in names:
            heads = [_word(kind) for kind in LAYERS] + list(HEADS)
            taking = [
                head for head in heads if (known := takes(head)) and known.option(alias) is known.options.get(name)
            ]
            taking = [head for head in taking if name in takes(head).options]  # type: ignore[union-attr]  # it takes it
            if taking:
                yield f"`{alias}`", f"`{name}`", _codes(taking)


def _zoo_row(name: str) -> tuple[str, ...]:
    planned = plan(f"use {name}")
    pretrained = "yes" if name in unfold.PRETRAINED else "-"
    return f"`{name}`", show(planned.input_shape), f"{planned.parameters:,}", short(planned.flops), pretrained


def _word(kind: type[Layer]) -> str:
    return kind.words[0] if kind.words else kind.__name__


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words if word) or "-"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))
