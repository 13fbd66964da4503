"""One way of writing each statement: the same plan before and after, nothing lost that a reader wrote."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnmagic.errors import CnnError
from cnnmagic.lang.canonical import canonical
from cnnmagic.lang.parser import parse
from cnnmagic.pipeline import make_plan
from cnnmagic.zoo import zoo_names, zoo_text
from tests.lang.cells import CELLS

WRITTEN = {
    "input 28X28X1": "input 28x28x1",
    "INPUT 28x28x1": "input 28x28x1",
    "Conv2D(32, 3, activation=relu)": "conv 32 3x3 relu",
    "keras.layers.Conv2D(filters=32, kernel_size=3)": "conv 32 3x3",
    "Convolution 32, 3x3, same, relu": "conv 32 3x3 same relu",
    "ReLU(max_value=6)": "ReLU max_value=6",
    "ELU 0.5": None,
    "Softmax(axis=1)": "Softmax axis=1",
    "LeakyReLU": None,  # whose slope is not that of the function `leaky_relu`
    "7x7 conv, 64, /2, same": "conv 64 7x7 /2 same",
    "conv relu same 3 32": None,
    "conv 32 kernel=3x3 stride=2": "conv 32 3x3 /2",
    "conv num_output=32 kernel_size=3": "conv 32 3x3",
    "conv 8 3x3 pad=1": "conv 8 3x3 same",
    "conv 8 3 bn relu": "conv 8 3x3 bn relu",
    "conv 8 3 relu bn": "conv 8 3x3 bn relu",
    "conv 8 3 bn=yes": "conv 8 3x3 bn",
    "conv 8 3 bn=no": "conv 8 3x3",
    "conv 8 3x3 bn use_bias=yes": "conv 8 3x3 bn use_bias=yes",
    "conv 8 3 use_bias=False": "conv 8 3x3 use_bias=no",
    "conv 8 3x3 padding=valid strides=1": "conv 8 3x3",
    "conv 8 3x3 kernel_initializer=he_normal": "conv 8 3x3 kernel_initializer=he_normal",
    "conv 8 3x5 /2x1": "conv 8 3x5 /2x1",
    "maxpool 2x2": "maxpool 2",
    "MaxPooling2D(2)": "maxpool 2",
    "maxpool 2 /2": "maxpool 2",
    "maxpool 3 /2": "maxpool 3 /2",
    "avgpool 3x2": "avgpool 3x2",
    "fc 10": "dense 10",
    "InnerProduct num_output=10": "dense 10",
    "gap": "globalavgpool",
    "act relu": "relu",
    "leaky": "leaky_relu",
    "Leaky": "leaky_relu",
    "none": "linear",
    "dropout 0.50": "dropout 0.5",
    "Dropout(rate=.5)": "dropout 0.5",
    "batchnorm epsilon=1e-5": "bn epsilon=1e-5",
    "bn epsilon=1.001e-5": "bn epsilon=1.001e-5",
    "rescale 1/255": "rescale 1/255",
    "pad 2": "pad 2",
    "pad 2x2": "pad 2",
    "pad 1x2": "pad 1x2",
    "pad 1x1x1x1": "pad 1",
    "pad 0x1x0x1": "pad 0x1x0x1",
    "pad 1": "pad 1",
    "pad": "pad 1",
    "crop 2": "crop 2",
    "upsample 2": None,
    "output 10 softmax": "output 10",
    "output": "output",
    "output 1": "output 1",
    "output 3 sigmoid": "output 3 sigmoid",
    "stem  <-  conv 8 3": "stem <- conv 8 3x3",
    "Repeat 2:\n  relu": "repeat 2:\n    relu",
    "Residual ReLU:\n\trelu": "residual relu:\n    relu",
    "branches->concat:\n branch:\n  relu\n branch": "branches -> concat:\n    branch:\n        relu\n    branch",
    "BLOCK b( f , g = 2 ) :\n  conv f g": "block b(f, g=2):\n    conv f g",
    "block b:\n  relu\nb": "block b:\n    relu\nb",
    "a <- relu\nFROM a\nadd a": "a <- relu\nfrom a\nadd a",
    "GaussianNoise 0.10": "GaussianNoise 0.1",
    "gaussiannoise 0.1": "GaussianNoise 0.1",
    "data 'my file.npz'": 'data "my file.npz"',
    "data {{ x }} {{y.images[0]}}": "data {{x}} {{y.images[0]}}",
    "train  epochs = 5 ,lr=1e-3": "train epochs=5 lr=0.001",
    "sweep Random , trials = 12,workers =4": "sweep Random trials=12 workers=4",
    "train weight_decay=0.00004": "train weight_decay=4e-5",
    "conv {16,32} 3": "conv {16, 32} 3",
    "use resnet50  imagenet freeze": "use resnet50 imagenet freeze",
    "se 4": "se 4",
    "augment flip, rotate 15": "augment flip rotate 15",
}


@pytest.mark.parametrize("text", [text for text in WRITTEN if WRITTEN[text] is not None])
def test_a_statement_is_written(text: str) -> None:
    assert canonical(text) == f"{WRITTEN[text]}\n"


@pytest.mark.parametrize(
    "layer", ["ReLU", "ReLU(6)", "ELU 0.5", "LeakyReLU", "LeakyReLU 0.3", "Softmax(axis=1)", "leaky"]
)
def test_a_class_of_keras_is_no_activation(layer: str) -> None:
    text = f"input 8x8x3\n{layer}\ngap\noutput 3"
    assert [step.layer for step in make_plan(canonical(text), {}).steps] == [
        step.layer for step in make_plan(text, {}).steps
    ]


@pytest.mark.parametrize("text", [*WRITTEN, *CELLS.values(), *map(zoo_text, zoo_names())])
def test_twice_is_once(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


def planned(text: str) -> list[object]:
    """All of a plan but its lines and the names that hold them."""
    text = re.sub(r"\ndata images:.*", "", re.sub(r"^%%cnn.*\n", "", text))
    if "data" not in text:
        text = text.rpartition("\ntrain ")[0] or text
    plan = make_plan(text, {})
    steps = [
        (s.layer, s.input_shape, s.output_shape, s.parameters, s.receptive_field, len(s.inputs)) for s in plan.steps
    ]
    return [steps, plan.output, plan.training, plan.seed, str(plan.source), plan.input_shape, plan.choices]


ALL = {**CELLS, **{f"zoo {name}": zoo_text(name) for name in zoo_names()}}


@pytest.mark.parametrize("name", ALL)
def test_the_plan_is_the_same(name: str) -> None:
    text = ALL[name]
    assert planned(canonical(text)) == planned(text)


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_of_the_contract_are_canonical_but_for_numbers(name: str) -> None:
    text = re.sub(r" +#", "  #", CELLS[name]).replace("{1e-2, 1e-3, 1e-4}", "{0.01, 0.001, 0.0001}")
    assert canonical(text) == text


COMMENTED = """\
# over all

# of the input
input   8x8x1   # grey
repeat 2:   # twice
        # within
        conv 4 3 # "three by three"
    # still before relu
relu#bare
  # at the end
"""


def test_comments_and_blank_lines_are_kept() -> None:
    assert canonical(COMMENTED) == (
        "# over all\n\n# of the input\ninput 8x8x1  # grey\nrepeat 2:  # twice\n    # within\n"
        '    conv 4 3x3  # "three by three"\n# still before relu\nrelu  #bare\n# at the end\n'
    )


@pytest.mark.parametrize(
    "text, comments",
    [
        ("data 'a#b.npz'  # the file\nrelu", ["# the file"]),
        ("conv 8 3x3  # Kunihiko's\nrelu  # it's", ["# Kunihiko's", "# it's"]),
        ("Conv2D(8,  # filters\n    3)  # kernel\nrelu", ["# filters", "# kernel"]),
        ("\ufeffrelu  # 한국어\r\ntanh  # b\r\n", ["# 한국어", "# b"]),
        ("relu  # a\rtanh  # b\r", ["relu  # a", "tanh  # b"]),
    ],
)
def test_no_comment_is_lost(text: str, comments: list[str]) -> None:
    answer = canonical(text)
    assert [comment for comment in comments if comment not in answer] == []
    assert canonical(answer) == answer


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("'say \"x\".npz'", None),
        ('"it\'s.npz"', None),
        ('"a<b.npz"', None),
        ('"a->b.npz"', None),
        ('"10"', None),
        ('images:"10"', 'images: "10"'),
        ('images:"my #1"', 'images: "my #1"'),
        ("'plain.npz'", "plain.npz"),
    ],
)
def test_words_keep_the_quotes_that_they_need(words: str, written: str | None) -> None:
    text = f"data {words}\n"
    again = canonical(text)
    assert again == f"data {written or words}\n" == canonical(again)
    read, reread = (parse(one).statements[0].words for one in (text, again))
    assert [type(word.value) for word in read] == [type(word.value) for word in reread]
    assert [str(word.value) for word in read] == [str(word.value) for word in reread]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but this"])
def test_next_to_nothing(text: str) -> None:
    assert canonical(text).strip() == text.strip()


@pytest.mark.parametrize("text", ["conv (((", "repeat 2:"])
def test_what_can_not_be_read(text: str) -> None:
    with pytest.raises(CnnError):
        canonical(text)


def test_what_means_nothing_stays_as_it_is() -> None:
    assert canonical("conv 8 3x3 rleu\ncnov 8  3") == "conv 8 3x3 rleu\ncnov 8 3\n"


PLACED = ["3", "5x5", "3x1", "/2", "same", "bn", "relu", "leaky"]
NAMED = ["stride=2", "padding=same", "activation=tanh", "use_bias=no", "use_bias=yes", "groups=2", "dilation_rate=1"]
WORDS = st.sampled_from([*PLACED, *NAMED, "kernel_initializer=he_normal"])
LAYER = st.one_of(
    st.builds(lambda head, words: f"{head} 8 3 {' '.join(words)}", st.sampled_from(["conv", "Conv2D", "sepconv"]),
              st.lists(WORDS, max_size=4, unique=True)),
    st.sampled_from(["maxpool 2", "MaxPooling2D(2, 1)", "dropout .25", "gn 4", "bn momentum=.9", "pad 1x2", "leaky"]),
    st.sampled_from(["upsample 2", "spatialdropout 0.1", "crop 1", "a <- relu\nadd a", "dwconv 3 same bn", "se 2"]),
)  # fmt: skip


def suite(lines: list[str]) -> str:
    return "\n".join("  " + line for text in lines for line in text.split("\n"))


CELL = st.lists(
    st.one_of(
        LAYER,
        st.builds(
            lambda times, lines: f"repeat {times}:\n{suite(lines)}", st.integers(1, 3), st.lists(LAYER, min_size=1)
        ),
        st.builds(lambda lines: f"residual relu:\n{suite(lines)}", st.lists(LAYER, min_size=1, max_size=2)),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=150, deadline=None)
@given(CELL)
def test_whatever_is_written_means_the_same(parts: list[str]) -> None:
    text = "\n".join(["input 40x40x8", *parts, "gap", "output 5"])
    try:
        before = planned(text)
    except CnnError:
        return
    once = canonical(text)
    assert planned(once) == before
    assert canonical(once) == once
