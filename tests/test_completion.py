"""Completion in cells and on lines: tables of a text with its cursor │ and what is offered there."""

import subprocess
import sys
import time
from timeit import repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnmagic.completion import Completions, complete
from cnnmagic.datasets import NAMED
from cnnmagic.lang.parser import KEYWORDS
from cnnmagic.layers import ACTIVATIONS, LAYERS
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.plans import PRECISIONS, SCHEDULES
from cnnmagic.verbs import VERBS
from cnnmagic.vocabulary import takes

NETWORKS = ("net", "lenet")
ZOO = ("lenet5", "vgg16")
OF_DATA = ["test=", "bad=", "balance=", "image=", "label="]
BLOCK = "%%cnn\nblock vgg(filters, times=2):\n    "


def at_cursor(text: str) -> Completions:
    before, _, after = text.partition("│")
    return complete(before + after, len(before), NETWORKS, ZOO)


def offered(text: str) -> list[str]:
    return [candidate.text for candidate in at_cursor(text).candidates]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("%%cnn\nmax│", ["maxpool", "max"]),
        ("%%cnn\nMAXP│", ["maxpool"]),
        ("%%cnn\nConv2DT│", ["Conv2DTranspose"]),
        ("%%cnn\nga│", ["gap"]),
        ("%%cnn\nGa│", ["gap", "GaussianDropout", "GaussianNoise"]),
        ("%%cnn\nstem <- maxp│", ["maxpool"]),
        ("%%cnn\nstem<-maxp│", ["maxpool"]),
        ("%%cnn\nthis is = wrong ( here\nmaxp│", ["maxpool"]),
        ("%%cnn\nconv 32 3x3 re│", ["relu", "relu6"]),
        ("%%cnn\n  conv 32 3x3 b│", ["bn", "bias_initializer=", "bias_regularizer=", "bias_constraint=", "bias="]),
        ("%%cnn\nconv 32 3x3 strid│", ["strides=", "stride="]),
        ("%%cnn\nconv 32 3x3 /2 strid│", []),
        ("%%cnn\nconv 32 3x3 sa│me relu", ["same"]),
        ("%%cnn\nconv 32 3x3 padding=│", ["same", "valid"]),
        ("%%cnn\nconv 32 3x3 same re│", ["relu", "relu6"]),
        ("%%cnn\nconv 32 3x3 relu re│", []),
        ("%%cnn\nconv 32 3x3 activation=sig│", ["sigmoid"]),
        ("%%cnn\nconv 32 3x3 activation={relu, sig│", ["sigmoid"]),
        ("%%cnn\nConv2D(32, 3, activation=sig│", ["sigmoid"]),
        ("%%cnn\nConv2D(\n    32,\n    3, activation=sig│", ["sigmoid"]),
        ("%%cnn\n7x7 conv, 64, sam│", ["same"]),
        ("%%cnn\ndense 10 use_bias=│", ["yes", "no"]),
        ("%%cnn\nupsample 2 interpolation=bi│", ["bilinear", "bicubic"]),
        ("%%cnn\nconv 3 3x3 groups=│", ["1"]),
        ("%%cnn\nrelu │", []),
        ("%%cnn\nnonsense │", []),
        ("%%cnn\nconv 3 # re│", []),
        ("%%cnn\nresidual project=│", ["yes", "no"]),
        ("%%cnn\nresidual selu proj│", ["project="]),
        ("%%cnn\noutput 10 softm│", ["softmax"]),
        ("%%cnn\nbranches │", ["-> concat:", "-> add:", "-> average:", "-> max:"]),
        ("%%cnn\nbranches -> a│", ["add:", "average:"]),
        ("%%cnn\ndata │", [*NAMED, *OF_DATA]),
        ("%%cnn\ndata ci│", ["cifar10", "cifar100"]),
        ("%%cnn\ndata digits │", OF_DATA),
        ("%%cnn\ninput │", ["8x8x1", "28x28x1", "32x32x3"]),
        ("%%cnn\nresize 16x16 st│", ["stretch"]),
        ("%%cnn\naugment flip, ro│", ["rotate"]),
        ("%%cnn\naugment flip, fl│", []),
        ("%%cnn\nuse │", ["net", "lenet", "lenet5", "vgg16"]),
        ("%%cnn\nuse vgg16 │", ["imagenet", "freeze", "weights="]),
        ("%%cnn\ntrain lr=0.1 l│", ["label_smoothing=", "lion", "lamb"]),
        ("%%cnn\ntrain l│", ["learning_rate=", "label_smoothing=", "lion", "lamb", "lr="]),
        ("%%cnn\ntrain schedule=│", [*SCHEDULES]),
        ("%%cnn\ntrain optimizer=│", [*OPTIMIZERS]),
        ("%%cnn\ntrain precision=│", [*PRECISIONS]),
        ("%%cnn\nsweep random trials=12 w│", ["workers="]),
        ("%%cnn\nsweep workers=2 w│", []),
        ("%%cnn\none <- conv 3 3x3\ntwo<-conv 3 3x3\nfrom │", ["one", "two", "input"]),
        ("%%cnn\none <- conv 3 3x3\ntwo<-conv 3 3x3\nadd one │", ["two", "input"]),
        (f"{BLOCK}conv fi│", ["filters", "filters="]),
        (f"{BLOCK}repeat │:", ["filters", "times"]),
        (f"{BLOCK}conv 3 3x3\nrepeat │", []),
        (f"{BLOCK}conv 3 3x3\nvg│", ["vgg"]),
        (f"{BLOCK}conv 3 3x3\nvgg │", ["filters=", "times="]),
        ("%%cnn │", ["--help", "--wait", "--background", *NETWORKS]),
        ("%%cnn net --w│", ["--wait"]),
        ("%cnn │", [*VERBS]),
        ("%cnn st│", ["stop"]),
        ("x = 1\n%cnn stop │\ny = 2", [*NETWORKS, "--help"]),
        ("%cnn stop net │", ["--help"]),
        ("%cnn stop n│", ["net"]),
        ("%cnn train net --w│", ["--wait"]),
        ("%cnn train net epo│", ["epochs="]),
        ("%cnn train net schedule=co│", ["constant", "cosine"]),
        ("%cnn lr le│", ["lenet"]),
        ("%cnn evaluate net │", ["test", "validation", "train", "--help"]),
        ("%cnn help maxp│", ["maxpool"]),
        ("%cnn help st│", ["stop"]),
        ("%cnn nonsense │", []),
    ],
)
def test_what_is_offered(text, words):
    assert offered(text) == words


def test_all_words_open_a_statement():
    words = set(offered("%%cnn\n│"))
    assert {kind.words[0] for kind in LAYERS if kind.words} <= words
    assert {*KEYWORDS, *ACTIVATIONS, "output", "se"} <= words
    assert "gap" not in words


def test_a_directive_is_offered_once():
    assert "data" not in offered("%%cnn\ndata mnist\n│")


@pytest.mark.parametrize("word", [word for kind in LAYERS for word in (*kind.words, kind.__name__)])
def test_every_option_of_a_layer_is_offered(word):
    known = takes(word)
    assert known and {f"{name}=" for name in known.options} <= set(offered(f"%%cnn\n{word} │"))


def test_the_most_used_words_come_first():
    assert offered("%%cnn\nconv 32 3x3 │")[:3] == ["same", "valid", "bn"]


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("%%cnn\nconv 3 3x3 re│", "re"),
        ("%%cnn\nconv 3 activation=re│", "re"),
        ("%%cnn\nconv │", ""),
        ("%cnn st│", "st"),
    ],
)
def test_what_is_replaced(text, replaced):
    before = text[:-1]
    assert before[at_cursor(text).start :] == replaced


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("%%cnn\nconv │", ""),
        ("%%cnn\ndata ./pho│", "files"),
        ("%%cnn\ndata {{x_t│", "python"),
        ("%%cnn\nconv {{wid│}}", "python"),
        ("%cnn predict net x│", "python"),
        ("%%cnn│", "python"),
        ("%%cnnet\nconv │", "python"),
        ("print(│)", "python"),
    ],
)
def test_who_else_may_answer(text, others):
    assert at_cursor(text).others == others


def test_kinds():
    kinds = {candidate.text: candidate.kind for candidate in at_cursor("%%cnn\nconv │").candidates}
    assert (kinds["relu"], kinds["same"], kinds["bn"], kinds["filters="]) == (
        "activation",
        "padding",
        "flag",
        "argument",
    )


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.sampled_from("conv dataus=#(){}<->:,/3x\n\t가'\"%"), max_size=60),
    st.integers(0, 70),
    st.sampled_from(["%%cnn\n", "%cnn ", "%%cnn ", ""]),
)
def test_no_text_breaks_it(text, cursor, head):
    found = complete(head + text, cursor, NETWORKS, ZOO)
    assert 0 <= found.start <= cursor


@pytest.mark.parametrize("line", ["conv 32 3x3 ", "", "train ", "add ", "vgg "])
def test_it_takes_less_than_a_millisecond(line):
    text = f"{BLOCK}conv filters 3x3\n" + "conv 32 3x3 same relu\n" * 200 + line
    complete(text, len(text))
    times = repeat(lambda: complete(text, len(text)), timer=time.thread_time, repeat=20, number=1)
    assert min(times) < 0.001


def test_no_keras():
    code = "import sys; from cnnmagic.completion import complete; complete('%%cnn\\nconv ', 11); complete('%cnn ', 5)"
    code += "; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
