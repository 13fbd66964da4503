"""The studied networks: counts as in their papers and in Keras, texts that read well, and the table of them."""

import re
from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

from cnnmagic import CnnError, plan
from cnnmagic.comparison import zoo_table
from cnnmagic.lang.canonical import canonical
from cnnmagic.plans import Plan
from cnnmagic.zoo import zoo_names, zoo_text

# Those of vgg, resnet50 and mobilenet_v2 are those of keras.applications, alexnet's, resnet18's and resnet34's those of
# torchvision: its blocks have no bias before bn, and 9,600 numbers of resnet18 are the running means and variances.
PARAMETERS = {
    "alexnet": 61_100_840,
    "digits_cnn": 29_098,
    "googlenet": 6_998_552,
    "lenet5": 61_706,
    "mnist_cnn": 1_199_882,
    "mnist_fast": 35_546,
    "mobilenet_v2": 3_538_984,
    "resnet18": 11_689_512 + 9_600,
    "resnet20": 274_042,
    "resnet34": 21_797_672 + 17_024,
    "resnet50": 25_636_712,
    "vgg11": 132_863_336,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
}
MULTIPLY_ADDS = {
    "alexnet": 0.71e9,
    "googlenet": 1.58e9,
    "mobilenet_v2": 0.3e9,
    "resnet18": 1.81e9,
    "resnet34": 3.66e9,
    "resnet50": 3.86e9,
    "vgg11": 7.61e9,
    "vgg16": 15.47e9,
    "vgg19": 19.63e9,
}


def untrained(name: str) -> Plan:
    """The plan of a text without its recipe, which would need data."""
    text, recipe, _ = zoo_text(name).rpartition("\ntrain ")
    assert recipe
    return plan(text)


def test_every_network_is_counted_here() -> None:
    assert zoo_names() == tuple(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters(name: str) -> None:
    assert untrained(name).parameters == plan(f"use {name}").parameters == PARAMETERS[name]


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds(name: str) -> None:
    flops = untrained(name).flops
    assert flops is not None
    assert flops / 2 == pytest.approx(MULTIPLY_ADDS[name], rel=0.01)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_text_plans_alone_and_has_a_recipe(name: str) -> None:
    planned = untrained(name)
    assert planned.output is not None
    assert planned.training is None
    assert not [note for note in planned.notes if "never used" in note]
    assert plan(f"use {name}").recipe is not None


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_text_begins_with_its_paper(name: str) -> None:
    head = [line for line in zoo_text(name).splitlines() if line.startswith("#")]
    assert zoo_text(name).startswith(head[0])
    assert re.search(r"[A-Z]\. [A-Z][\w-]+", " ".join(head)), "an author"
    assert re.search(r"\((19|20)\d\d\)|, (19|20)\d\d\)", " ".join(head)), "a year"


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_text_is_canonical(name: str) -> None:
    assert canonical(zoo_text(name)) == zoo_text(name)


@pytest.mark.parametrize("name", ["nothing", "", "../lenet5", "__init__", "LENET5"])
def test_no_such_network(name: str) -> None:
    with pytest.raises(KeyError):
        zoo_text(name)


def test_the_table(golden: Callable[[str, str], None]) -> None:
    golden("zoo/table.txt", zoo_table())


def test_the_verb(capsys: pytest.CaptureFixture[str]) -> None:
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "cnnmagic")
    try:
        capsys.readouterr()
        shell.run_line_magic("cnn", "zoo")
        assert capsys.readouterr().out == zoo_table() + "\n"
        shell.run_line_magic("cnn", "zoo resnet20")
        assert capsys.readouterr().out == "%%cnn resnet20\n" + zoo_text("resnet20")
        with pytest.raises(CnnError, match=r"no network `resnet2`; did you mean `resnet20`\?"):
            shell.run_line_magic("cnn", "zoo resnet2")
    finally:
        shell.run_line_magic("unload_ext", "cnnmagic")
        InteractiveShell.clear_instance()


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_printed_cell_is_ready_but_for_its_data(name: str) -> None:
    """Put into a cell as it is, a text says itself that it needs data."""
    with pytest.raises(CnnError, match="there are no data to train on"):
        plan(zoo_text(name))
