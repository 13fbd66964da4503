"""`use`: the zoo and earlier texts taken whole or without their heads, and what a cell takes over from them."""

from dataclasses import replace

import pytest

from cnnmagic import plan
from cnnmagic.errors import CnnError
from cnnmagic.layers.phrase import phrase
from cnnmagic.pipeline import make_plan
from cnnmagic.plans import Plan, Training
from cnnmagic.session import Session

SMALL = """\
# an earlier cell
data digits
seed 3
augment flip
input 8x8x1
block b(f):
    conv f 3x3 same relu
b 4
maxpool 2
conv 8 3x3
flatten
dense 16 relu
output 10
train epochs=7 batch=64 optimizer=sgd lr=0.1 momentum=0.9
"""
RESNET = Training(
    epochs=90, batch_size=256, optimizer="sgd", learning_rate=0.1, momentum=0.9, weight_decay=1e-4, schedule="step"
)
TEXTS = {
    "small": SMALL,
    "wider": "use small\nseed 5\ntrain epochs=9",
    "widest": "use wider\ntrain lr=0.5",
    "plain": "input 8x8x1\nconv 4 3x3 relu\nconv 5 3x3 relu\noutput 3",
    "headonly": "input 8x8x1\nflatten\noutput 3",
    "unreadable": "input 8x8x1\nconv (((",
    "itself": "use itself",
    "one": "use other",
    "other": "use one",
    "sound": "data digits\ninput 8x8x1\nconv 4 3x3\noutput\nsweep random trials=3",
}


def used(text: str, **variables: object) -> Plan:
    return make_plan(text, variables, texts=TEXTS)


def layers(planned: Plan) -> list[str]:
    return [f"{step.line} {phrase(step.layer)}" for step in planned.steps]


def told(text: str) -> str:
    with pytest.raises(CnnError) as caught:
        used(text)
    return str(caught.value)


def test_a_whole_network() -> None:
    planned = used("use lenet5")
    assert planned.parameters == 61_706
    assert planned.output and planned.output.units == 10
    assert {step.line for step in planned.steps} == {1}


def test_an_earlier_text_whole() -> None:
    planned = used("\nuse small")
    assert [line.split(" ", 1)[1] for line in layers(planned)][1:] == [
        "RandomFlip horizontal",
        "conv 4 3x3 same relu",
        "maxpool 2x2" if "maxpool 2x2" in layers(planned)[3] else "maxpool 2",
        "conv 8 3x3",
        "flatten",
        "dense 16 relu",
        "dense 10 softmax",
    ]
    assert {step.line for step in planned.steps} == {2}


def test_layers_after_it_take_the_place_of_its_head() -> None:
    planned = used("use small\nconv 9 1x1\nglobalavgpool\noutput")
    assert layers(planned)[4:] == ["1 conv 8 3x3", "2 conv 9 1x1", "3 globalavgpool", "4 dense 10 softmax"]


@pytest.mark.parametrize("name, last", [("resnet50", "relu"), ("vgg16", "maxpool"), ("mobilenet_v2", "relu6")])
def test_a_base_is_a_volume(name: str, last: str) -> None:
    planned = used(f"use {name}\nglobalmaxpool\noutput 5")
    base = [step for step in planned.steps if step.line == 1]
    assert phrase(base[-1].layer).startswith(last)
    assert len(base[-1].output_shape) == 3
    assert [step.line for step in planned.steps[-2:]] == [2, 3]


def test_a_block_of_its_own_is_no_layer() -> None:
    planned = used("block q(f):\n    conv f 1x1\nuse plain")
    assert layers(planned)[-1] == "3 dense 3 softmax"


def test_blocks_of_the_used_text_are_at_hand() -> None:
    assert layers(used("use small\nb 6\noutput"))[5] == "1 conv 6 3x3 same relu"


def test_words_are_as_in_any_statement() -> None:
    assert used("USE small  # the net of before").parameters == used("use small").parameters


@pytest.mark.parametrize("data, shape", [("fashion_mnist", (28, 28, 1)), ("cifar10", (32, 32, 3))])
def test_input_takes_the_size_of_the_data(data: str, shape: tuple[int, ...]) -> None:
    planned = used(f"data {data}\nuse lenet5")
    assert planned.input_shape == shape
    assert planned.steps[-1].output_shape == (10,)


def test_output_takes_the_classes_of_the_data() -> None:
    assert used("data cifar100\nuse resnet20").output == used("data cifar100\ngap\noutput 100").output
    assert used("data cifar10\nuse vgg11").steps[-1].output_shape == (10,)


def test_input_of_the_cell_goes_before() -> None:
    assert used("input 64x64x3\nuse resnet18").input_shape == (64, 64, 3)
    assert "the data have 8x8x1 and `input` says 16x16x3" in told("use small\ninput 16x16x3")


def test_a_network_too_deep_for_the_data() -> None:
    text = told("data digits\nuse alexnet")
    assert "gets 1x1 and needs at least 3x3." in text
    assert "   2 | use alexnet" in text
    assert "resize" in text


def test_a_recipe_starts_nothing() -> None:
    planned = used("use small")
    assert planned.training is None
    assert planned.recipe == Training(epochs=7, batch_size=64, optimizer="sgd", learning_rate=0.1, momentum=0.9)


def test_a_bare_train_follows_the_recipe() -> None:
    planned = used("use small\ntrain")
    assert planned.training == planned.recipe


def test_words_override_the_recipe_one_by_one() -> None:
    assert used("use small\ntrain epochs=2 momentum=0.5").training == Training(
        epochs=2, batch_size=64, optimizer="sgd", learning_rate=0.1, momentum=0.5
    )


def test_another_optimizer_leaves_the_momentum_of_the_recipe_behind() -> None:
    """Momentum and rate belong to the optimizer that they were found for."""
    training = used("use small\ntrain optimizer=adam").training
    assert training and (training.optimizer, training.momentum) == ("adam", None)


def test_another_clipping_takes_the_place_of_the_recipe_s() -> None:
    texts = {"small": "data digits\nflatten\noutput\ntrain clipnorm=1"}
    training = make_plan("use small\ntrain clipvalue=0.5", {}, texts=texts).training
    assert training and (training.clipnorm, training.clipvalue) == (None, 0.5)


FROM_SCRATCH = "is for training from scratch, and is not taken over"


@pytest.mark.parametrize(
    "words, train, training, told",
    [
        ("resnet50 imagenet", "", Training(learning_rate=1e-4), "`resnet50` is trained by adam at a rate of 0.0001"),
        (
            "mobilenet_v2 imagenet freeze",
            "1",
            Training(epochs=1, learning_rate=1e-3),
            "the layers after `mobilenet_v2` are trained by adam at a rate of 0.001",
        ),
        ("vgg16 imagenet", "lr=1e-5", Training(learning_rate=1e-5), ""),
        ("vgg16 imagenet", "sgd momentum=0.9", Training(optimizer="sgd", momentum=0.9), ""),
        ("resnet50", "2", replace(RESNET, epochs=2), ""),
    ],
)
def test_pretrained_weights_are_not_trained_as_from_scratch(words, train, training, told):
    planned = plan(f"data cifar10\nuse {words}\nglobalavgpool\noutput\ntrain {train}")
    assert planned.training == training
    assert [note for note in planned.notes if FROM_SCRATCH in note] == (
        [f"{told}: the recipe of `{words.split()[0]}` {FROM_SCRATCH}"] if told else []
    )
    assert plan(f"data cifar10\nuse {words}\nglobalavgpool\noutput").recipe == (
        RESNET if words == "resnet50" else Training(learning_rate=1e-3 if "freeze" in words else 1e-4)
    )


def test_a_cell_s_own_recipe_for_pretrained_weights_is_taken_over():
    own = "data cifar10\nuse vgg16 imagenet\nglobalavgpool\noutput\ntrain 7 lr=0.0002"
    planned = make_plan("use own\ndense 8\noutput\ntrain 3", {}, texts={"own": own})
    assert planned.training == Training(epochs=3, learning_rate=0.0002)
    assert not any(FROM_SCRATCH in note for note in planned.notes)


def test_recipes_follow_one_another() -> None:
    assert used("use widest").recipe == Training(
        epochs=9, batch_size=64, optimizer="sgd", learning_rate=0.5, momentum=0.9
    )


def test_directives_are_taken_over() -> None:
    planned = used("use small")
    assert (str(planned.source), planned.seed) == ("digits", 3)
    assert used("use widest").seed == 5
    assert "1 RandomFlip horizontal" in layers(planned)


def test_directives_of_the_cell_go_before() -> None:
    planned = used("data mnist\nseed 9\naugment rotate 15\nuse small")
    assert (str(planned.source), planned.seed, planned.input_shape) == ("mnist", 9, (28, 28, 1))
    assert not [line for line in layers(planned) if "RandomFlip" in line]


def test_a_sweep_is_not_taken_over() -> None:
    assert used("use sound").notes == used("data digits\ninput 8x8x1\nconv 4 3x3\noutput").notes[:1] or not [
        note for note in used("use sound").notes if "sweep" in note
    ]


def test_variables_serve_the_used_text() -> None:
    texts = {"held": "input 8x8x1\nconv {{n}} 3x3\noutput 3"}
    assert make_plan("use held", {"n": 6}, texts=texts).steps[0].output_shape == (6, 6, 6)


@pytest.mark.parametrize(
    "text, first",
    [
        ("use lenett", "line 1: no network `lenett`; did you mean `lenet5`?"),
        ("use smal", "line 1: no network `smal`; did you mean `small`?"),
        ("use nothing", "line 1: no network `nothing`."),
        ("use small\nuse lenet5", "line 2: a second `use`; the first is on line 1."),
        ("conv 4 3x3\nuse small", "line 1: a layer stands before `use`."),
        ("use headonly\nconv 3 1x1", "line 1: nothing is left of `headonly` without its head."),
        ("use unreadable", "line 1: the text of `unreadable` is wrong: this bracket is never closed."),
        ("use lenet5 imagenet", "line 1: there are no pretrained weights for `lenet5`."),
        ("use resnet50 imagnet", "line 1: no word `imagnet`; did you mean `imagenet`?"),
        ("use resnet50 freeze", "line 1: `freeze` keeps weights as they are, and `resnet50` comes without any."),
        ("use small small", "line 1: no word `small`."),
        ("repeat 2:\n    use lenet5", "line 2: `use` stands only at the top of a cell."),
        ("use itself", "line 1: `itself` uses itself"),
        ("use one", "line 1: `one` uses itself"),
    ],
)
def test_what_is_refused(text: str, first: str) -> None:
    assert told(text).split("\n")[0].startswith(first)


def test_names_that_there_are() -> None:
    assert "`small`" in told("use nothing")
    assert "`vgg19`" in told("use nothing")


def test_a_circle_is_told_in_one_line() -> None:
    """Not once for every time round."""
    assert told("use one").count("is wrong") <= 1


def test_the_remedy_for_freeze_helps() -> None:
    assert "use resnet50 imagenet freeze" in told("use resnet50 freeze")
    assert "use small imagenet" not in told("use small freeze")


def test_a_cell_may_bear_the_name_of_what_it_uses() -> None:
    """And may be run again: `use` then still means the network of the zoo."""
    session = Session()
    for _ in range(2):
        session.keep("lenet5", make_plan("use lenet5\ntrain epochs=2\ndata mnist", {}, texts=session.texts))


def test_a_cell_can_not_build_on_itself() -> None:
    session = Session()
    session.run_cell("base", "input 8x8x1\nconv 4 3x3\ngap\noutput 3")
    with pytest.raises(CnnError, match="`base` uses itself") as caught:
        session.run_cell("base", "use base\nseed 1")
    assert "Give the cell another name, such as `base2`." in str(caught.value)
    assert "use base" not in session.known["base"].text  # type: ignore[union-attr]  # it is a plan


def test_a_cell_that_changes_its_own_network_may_be_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    session = Session()
    session.run_cell("lenet5", "use lenet5\nseed 1")
    session.run_cell("lenet5", "use lenet5\nseed 1")
    assert isinstance(session.known["lenet5"], Plan)


@pytest.mark.parametrize(
    "text",
    [
        "data cifar10\nresize 224x224\nuse resnet50 imagenet",  # ten classes, and weights for a thousand
        "data digits\nuse resnet50 imagenet freeze\ngap\noutput",  # grey images, and weights for colours
        "input 64x64x3\nuse vgg16 imagenet",  # the head of VGG fits 224x224 only
    ],
)
def test_weights_that_can_not_fit_are_refused_by_the_plan(text: str) -> None:
    assert "resnet50" in told(text) or "vgg16" in told(text)


@pytest.mark.parametrize("line", ["input 32x32x1\n", "data digits\nresize 32\n", "data digits\ninput 32x32x3\n"])
def test_weights_for_colours_say_so_to_grey_images(line: str) -> None:
    message = told(line + "use resnet50 imagenet freeze\ngap\noutput 10")
    assert "the weights of `resnet50` need 3 channels" in message and "rescale" not in message


def test_a_network_built_on_weights_can_be_used_again() -> None:
    session = Session()
    session.run_cell("head", "data cifar10\nuse mobilenet_v2 imagenet freeze\ngap\noutput")
    session.run_cell("again", "use head")
    session.run_cell("other", "use head\ngap\ndense 20 relu\noutput")
    head, again, other = (session.known[name] for name in ("head", "again", "other"))
    assert isinstance(head, Plan) and isinstance(again, Plan) and isinstance(other, Plan)
    assert head.base and again.base and other.base
    assert len(again.base.steps) == len(other.base.steps) == len(head.base.steps)
    assert (
        again.trainable_parameters == head.trainable_parameters
        and again.parameters == head.parameters
        and again.input_shape == (32, 32, 3)
    )
    assert other.trainable_parameters == 1280 * 20 + 20 + 20 * 10 + 10


def test_a_base_is_told_with_its_steps() -> None:
    base = used("use mobilenet_v2 imagenet freeze\ngap\noutput 3").base
    assert base and (base.name, base.weights, base.freeze) == ("mobilenet_v2", "imagenet", True)
    assert "rescale" not in base.steps
    planned = used("use mobilenet_v2 weights='my weights.h5' freeze\ngap\noutput 3")
    assert planned.base and planned.base.weights == "my weights.h5"
    assert planned.trainable_parameters == 1280 * 3 + 3
    assert used("use mobilenet_v2 imagenet\ngap\noutput 3").trainable_parameters > 2_000_000
