"""Text becomes statements whose words know their places; what can't be read is told line by line."""

import pytest

from cnnmagic import ParseError
from cnnmagic.lang import syntax
from cnnmagic.lang.parser import parse
from tests.lang.cells import CELLS
from tests.lang.problems import lines


def outline(statement) -> str:
    """A statement in one line: `Layer conv(32 3x3)`, `Repeat(3)[Layer relu()]`."""
    words = " ".join(f"{word.key}={word.value}" if word.key else str(word.value) for word in statement.words)
    label = f"{statement.label}:" if getattr(statement, "label", None) else ""
    name = next((f" {getattr(statement, part)}" for part in ("name", "kind", "merge") if hasattr(statement, part)), "")
    inner = getattr(statement, "body", None) or getattr(statement, "branches", ())
    suite = f"[{'; '.join(map(outline, inner))}]" if inner else ""
    return f"{label}{type(statement).__name__}{name}({words}){suite}"


READ = {
    "": "",
    "\n\n# nothing\n": "",
    "conv 32 3x3": "Layer conv(32 3x3)",
    "conv 32, 3x3, relu,": "Layer conv(32 3x3 relu)",
    "Conv2D(32, 3, activation=relu)": "Layer Conv2D(32 3 activation=relu)",
    "Conv2D(32, (3, 3), padding='same')": "Layer Conv2D(32 3x3 padding=same)",
    "Conv2D(32,\n       kernel_size=(3, 3),\n)": "Layer Conv2D(32 kernel_size=3x3)",
    "Flatten()": "Layer Flatten()",
    "conv 32 Strides = 2": "Layer conv(32 strides=2)",
    "conv (3, 3)": "Layer conv(3 3)",
    "7x7 conv, 64, /2": "Layer 7x7(conv 64 /2)",
    "conv 32 3x3  # it's a comment (with": "Layer conv(32 3x3)",
    "stem <- conv 32": "stem:Layer conv(32)",
    "stem<-conv 32": "stem:Layer conv(32)",
    "conv {16, 32} kernel={3x3,5x5}": "Layer conv({16, 32} kernel={3x3, 5x5})",
    "train lr={1e-4 .. 1e-1 log}": "Directive train(lr={0.0001 .. 0.1 log})",
    "conv {{ width }} {{a.b[0]['c']}}": "Layer conv({{width}} {{a.b[0]['c']}})",
    "data {{x}} {{y}}": "Directive data({{x}} {{y}})",
    "data images:my-photos": "Directive data(images:my-photos)",
    'data "my photos.npz"': "Directive data(my photos.npz)",
    "DATA mnist\nTrain epochs=3": "Directive data(mnist); Directive train(epochs=3)",
    "repeat 3:\n    relu\n    tanh\ngelu": "Repeat(3)[Layer relu(); Layer tanh()]; Layer gelu()",
    "repeat 2:\n  repeat 3: # why\n\n    relu\n  # here\n  tanh": "Repeat(2)[Repeat(3)[Layer relu()]; Layer tanh()]",
    "residual relu project=no:\n\tconv 8 1": "Residual(relu project=no)[Layer conv(8 1)]",
    "block vgg(filters, times=2):\n  relu": "Block vgg(vgg filters times=2)[Layer relu()]",
    "block stem:\n  relu\nstem": "Block stem(stem)[Layer relu()]; Layer stem()",
    "branches -> concat:\n  branch a:\n    relu\n  branch\n  branch:\n    tanh": "Branches concat()"
    "[Branch a(a)[Layer relu()]; Branch None(); Branch None()[Layer tanh()]]",
    "branches->MAX:\n branch\n branch": "Branches max()[Branch None(); Branch None()]",
    "from a\nadd a\nconcat a b": "Join from(a); Join add(a); Join concat(a b)",
    "use resnet50 imagenet freeze": "Use resnet50(imagenet freeze)",
    "%%cnn net --wait\nrelu": "Layer relu()",
    "\ufeffrelu\r\ntanh\r\n": "Layer relu(); Layer tanh()",
    "relu\rtanh": "Layer relu(); Layer tanh()",
    "conv\u00a032\u30003x3": "Layer conv(32 3x3)",
    "\u200bconv\u200b 32 \u200e3x3\u202c": "Layer conv(32 3x3)",
    "repeat 2:\n\u3000relu\n\u00a0tanh": "Repeat(2)[Layer relu(); Layer tanh()]",
    "    relu\n    repeat 2:\n        tanh": "Layer relu(); Repeat(2)[Layer tanh()]",
    "\trelu\n\ttanh": "Layer relu(); Layer tanh()",
    "block 블록(필터):  # 한국어\n    conv 필터 3\n블록 8": "Block 블록(블록 필터)[Layer conv(필터 3)]; Layer 블록(8)",
}


@pytest.mark.parametrize("text", READ)
def test_a_text_reads_as(text):
    assert "; ".join(map(outline, parse(text).statements)) == READ[text]


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_the_contract_read(name):
    assert parse(CELLS[name]).statements


PLACES = {
    "conv 32 3x3": [(1, 6, 8), (1, 9, 12)],
    "  conv 32 act=relu # 3": [(1, 8, 10), (1, 11, 19)],
    "%%cnn net\n\n    conv {1, 2}": [(3, 10, 16)],
    "Conv2D(32,\n  strides=(2, 2))": [(1, 8, 10), (2, 3, 17)],
    "\ufeffconv 8": [(1, 6, 7)],
    "합성곱 8 {{x}}": [(1, 5, 6), (1, 7, 12)],
}


@pytest.mark.parametrize("text", PLACES)
def test_words_know_their_places(text):
    words = [word for statement in parse(text).statements for word in statement.words]
    assert [(word.place.line, word.place.column, word.place.end_column) for word in words] == PLACES[text]


def test_places_count_from_the_first_line_of_the_cell():
    (statement,) = parse("conv 32", first_line=5).statements
    assert (statement.place.line, statement.words[0].place.line) == (5, 5)


def test_every_unreadable_line_is_told_in_order():
    with pytest.raises(ParseError) as caught:
        parse("conv =\nrelu\nconv 8:\n    relu\nrepeat 2\nbranches -> join:\n    branch\n")
    assert lines(caught.value) == [1, 3, 5, 6]


@pytest.mark.parametrize("kind", ["repeat 2", "residual", "branches -> add", "block a"])
def test_a_missing_colon_is_the_only_thing_told(kind):
    with pytest.raises(ParseError) as caught:
        parse(f"relu\n{kind}\n    branch\nrelu\n")
    assert lines(caught.value) == [2]


@pytest.mark.parametrize("text", ["Conv2D(8, 3\nrelu\ntanh\n", "conv {8, 16\nrelu\n", "conv {{x}\nrelu\n"])
def test_an_open_bracket_is_told_once_where_it_opens(text):
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert lines(caught.value) == [1]
    assert caught.value.problems[0].message == "this bracket is never closed."


def test_a_text_that_is_too_long_is_refused_in_one_line():
    with pytest.raises(ParseError, match="100,001 characters, and 100,000 is the limit"):
        parse("#" * 100_001)


def test_the_tree_is_made_of_values():
    text = "repeat 2:\n    conv 8 3x3\n"
    assert parse(text) == parse(text) and isinstance(hash(parse(text)), int)
    assert parse(text).text == text
    assert isinstance(parse(text).statements[0], syntax.Repeat)
