"""The Keras code of a plan as text: what a reader sees, and what it must not hold; tests/engine runs it."""

import ast
from collections.abc import Callable

import pytest

from cnnmagic import CnnError, to_python
from cnnmagic.pipeline import make_plan
from cnnmagic.zoo import zoo_names, zoo_text
from tests.lang.cells import CELLS

DIGITS = """\
data digits
seed 5
conv 8 3x3 same bn relu
residual relu:
    conv 8 3x3 same bn
dropout 0.2
flatten
output
train epochs=3 early_stop=1
"""


def untitled(name: str) -> str:
    """A cell's text without its `%%cnn` line and without data that are not there."""
    return CELLS[name].split("\n", 1)[1].replace("data images:photos\n", "")


def script(text: str, name: str = "net", **variables: object) -> str:
    return to_python(make_plan(text, variables), name)


RECIPE = """\
data digits
conv 8 3x3 same relu
flatten
output 10 linear
train adamw onecycle lr=0.01 warmup=1.5 weight_decay=0.05 label_smoothing=0.1 global_clipnorm=1 ema=0.99 early_stop=3
"""


@pytest.mark.parametrize("name, text", [("vgg8", untitled("vgg8")), ("digits", DIGITS), ("recipe", RECIPE)])
def test_the_user_sees(name: str, text: str, golden: Callable[[str, str], None]) -> None:
    golden(f"python/{name}.py.txt", script(text, name))


def scripts() -> dict[str, str]:
    cells = {name: script(untitled(name), name) for name in CELLS}
    return cells | {name: script(f"use {name}", name) for name in zoo_names()}


def test_it_is_python_without_cnnmagic_and_in_short_lines() -> None:
    for name, code in scripts().items():
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(code))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
        }
        assert imported <= {"keras", "math", "numpy", "sklearn", "tensorflow"}, name
        assert "cnnmagic" not in code
        assert [line for line in code.splitlines() if len(line) > 120] == [], name


def test_no_variable_is_made_in_vain() -> None:
    for name, code in scripts().items():
        tree = ast.parse(code)
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
        written = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        assert written - read <= {"history", "loss"}, name


def test_only_what_is_needed_is_imported() -> None:
    code = script("input 8x8x1\nconv 4 3x3\noutput 3")
    assert "numpy" not in code
    assert "sklearn" not in code
    assert code.endswith("model.summary()\n")
    assert "import math" in script(DIGITS)
    assert "math" not in script(DIGITS.replace("seed 5\n", ""))
    assert "math" not in script(DIGITS.replace("seed 5\n", "").rstrip() + " schedule=step warmup=1")
    assert "sklearn" not in script("data mnist\nuse lenet5\ntrain validation=0")


@pytest.mark.parametrize("label", ["x", "layers", "keras", "inputs", "outputs", "model", "for", "lambda", "print"])
def test_a_label_hides_nothing(label: str) -> None:
    """Labels are the user's words, and may be the script's too."""
    text = f"input 8x8x1\n{label} <- conv 4 3x3 same\nconv 4 3x3 same\nconv 4 3x3 same\nadd {label}\nflatten\noutput 3"
    tree = ast.parse(script(text))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
    targets = [target.id for call in calls for target in call.targets if isinstance(target, ast.Name)]
    assert not {"layers", "keras"} & set(targets)
    held = next(target.id for call in calls for target in call.targets
                if isinstance(target, ast.Name) and f"name='{label}'" in ast.unparse(call))  # fmt: skip
    written = [position for position, target in enumerate(targets) if target == held]
    read = [position for position, call in enumerate(calls) if f", {held}]" in ast.unparse(call.value)]
    assert len(read) == 1
    assert not [position for position in written[1:] if position < read[0]]


@pytest.mark.parametrize(
    "text, told",
    [
        ("use resnet50 imagenet freeze\ngap\noutput 3", "pretrained weights of `resnet50`"),
        ("use vgg16 weights=my.h5\ngap\noutput 3", "pretrained weights of `vgg16`"),
    ],
)
def test_what_can_not_be_code(text: str, told: str) -> None:
    with pytest.raises(CnnError, match=told) as caught:
        script(text)
    assert "--keras" in str(caught.value)


def test_numbers_are_exact() -> None:
    code = script("input 8x8x1\nrescale 1/255\nbn epsilon=1.001e-5\ndropout 0.30000000000000004\noutput 3")
    assert "scale=1 / 255" in code
    assert "epsilon=1.001e-05" in code
    assert "rate=0.30000000000000004" in code


def test_zoo_texts_are_written_with_their_blocks_unrolled() -> None:
    assert script(zoo_text("resnet20").rpartition("\ntrain")[0]).count("layers.Add(") == 9
