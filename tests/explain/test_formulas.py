"""The formulas of the layers, read as they stand in the answer and worked out in loops, against Keras's own layers."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.explain.catalogue import answer
from cnnmagic.explain.filled import formulas
from tests.explain.reading import numbers

CONVOLUTIONS = [
    ("9x8x4", "conv 6 3x3"),
    ("9x8x4", "conv 6 3x3 same"),
    ("9x8x4", "conv 6 4x2 same"),
    ("9x8x4", "conv 6 3x3 /2 same"),
    ("10x9x4", "conv 6 3x3 /2 same"),
    ("10x9x4", "conv 6 5x4 /3 same"),
    ("10x9x4", "conv 6 1x1 /2 same"),
    ("10x9x4", "conv 6 3x3 /2x1 same"),
    ("10x9x4", "conv 6 3x2 /1x2"),
    ("10x9x4", "conv 6 3x3 same dilation_rate=2"),
    ("10x9x4", "conv 6 3x2 same dilation_rate=(2, 3)"),
    ("10x9x4", "conv 6 3x3 dilation_rate=2 use_bias=no"),
    ("10x9x4", "conv 6 3x3 same groups=2"),
    ("10x9x4", "conv 4 2x2 /2 groups=4"),
]
POOLS = [
    ("9x8x2", "maxpool 2"),
    ("9x8x2", "avgpool 3 /2 same"),
    ("10x9x2", "maxpool 3 /2 same"),
    ("10x9x2", "avgpool 3x2 /1x2 same"),
    ("10x9x2", "maxpool 2x3"),
]


def planned(size: str, line: str) -> Any:
    """The plan of a network whose first layer is the line."""
    return cnnmagic.plan(f"input {size}\n{line}\nglobalavgpool\noutput 3\nseed 1")


def python_of(formula: str) -> str:
    """An index as Python reads it: `2i+3u−1` → `2*i+3*u-1`, `⌊k / 3⌋` → `(k // 3)`."""
    formula = re.sub(r"⌊(\w) / (\d+)⌋", r"(\1 // \2)", formula)
    return re.sub(r"(?<=\d)(?=[a-z])", "*", formula.replace("−", "-"))


def bound(formula: str, letter: str) -> int:
    return int(re.search(rf"\b{letter} ?< ?(\d+)", formula)[1])  # type: ignore[index]


def read(x: np.ndarray, at: str, known: dict[str, int]) -> float:
    """What stands at a place of x, 0 outside."""
    place = tuple(eval(python_of(part), {}, known) for part in at.split(", "))
    inside = all(0 <= index < size for index, size in zip(place, x.shape, strict=True))
    return float(x[place]) if inside else 0.0


@pytest.mark.parametrize(("size", "line"), CONVOLUTIONS)
def test_convolutions(size: str, line: str) -> None:
    plan = planned(size, line)
    step, model = plan.steps[0], cnnmagic.build(plan)
    layer = model.get_layer(step.name)
    x = np.random.default_rng(0).random(step.input_shape)
    expected = np.asarray(layer(x[None].astype("float32")))[0]
    w, *rest = layer.get_weights()
    formula, *told = formulas(step)
    at = re.search(r"x\[(.*?)\]", formula)[1]  # type: ignore[index]
    group = re.search(r"g = (⌊.*?⌋)", formula)
    taps = [range(bound(formula, letter)) for letter in "uvc"]
    assert bound(formula, "k") == expected.shape[-1] and ("b[k]" in formula) == bool(rest)
    given = np.zeros_like(expected)
    for i, j, k in np.ndindex(expected.shape):
        known = {"i": i, "j": j, "k": k}
        if group:
            known["g"] = eval(python_of(group[1]), {}, known)
        products = (w[u, v, c, k] * read(x, at, known | {"u": u, "v": v, "c": c}) for u, v, c in product(*taps))
        given[i, j, k] = sum(products) + (rest[0][k] if rest else 0)
    assert given == pytest.approx(expected, abs=1e-4)
    sizes = {row.split(": ")[0]: int(row.rsplit(" = ", 1)[1].replace(",", "")) for row in told}
    assert sizes["height"] == expected.shape[0] and sizes.get("width", expected.shape[1]) == expected.shape[1]
    assert sizes["weights"] == layer.count_params()


@pytest.mark.parametrize(("size", "line"), POOLS)
def test_pools(size: str, line: str) -> None:
    plan = planned(size, line)
    step = plan.steps[0]
    x = np.random.default_rng(0).random(step.input_shape) - 0.9  # so that a zero outside would be the largest
    expected = np.asarray(cnnmagic.build(plan).get_layer(step.name)(x[None].astype("float32")))[0]
    formula = formulas(step)[0]
    kind, at = re.search(r"= (max|mean) of x\[(.*?)\]", formula).groups()  # type: ignore[union-attr]
    inside = [python_of(part.replace("≤", "<=")) for part in formula.split(",  ")[1].split(", ") if "≤" in part]
    for i, j, k in np.ndindex(expected.shape):
        found = []
        for u, v in product(range(bound(formula, "u")), range(bound(formula, "v"))):
            known = {"i": i, "j": j, "k": k, "u": u, "v": v}
            if all(eval(condition, {}, known) for condition in inside):
                place = tuple(eval(python_of(part), {}, known) for part in at.split(", "))
                assert min(place) >= 0
                found.append(x[place])
        assert getattr(np, kind)(found) == pytest.approx(expected[i, j, k], abs=1e-5)


@pytest.mark.parametrize("height", range(5, 13))
@pytest.mark.parametrize("line", ["conv 2 3x3 /2 same", "conv 2 4x4 /3 same", "conv 2 2x2 /3 same"])
def test_zeros_of_a_free_height_are_a_formula(height: int, line: str) -> None:
    free = planned("?x?x1", line)
    told = [row for row in formulas(free.steps[0]) if row.startswith("p = ")]
    formula = re.sub(r"⌈n / (\d)⌉", r"-(-n // \1)", told[0].removeprefix("p = "))
    formula = formula.replace("⌊", "(").replace(" / 2⌋", ") // 2").replace("·", "*").replace("−", "-")
    fixed = formulas(planned(f"{height}x20x1", line).steps[0])[0]
    before = re.search(r"i\+u(−\d+)?, ", fixed)[1]  # type: ignore[index]
    assert eval(formula, {"n": height, "max": max}) == int((before or "0").replace("−", ""))
    assert "i+u−p" in formulas(free.steps[0])[0] and "j+v−q" in formulas(free.steps[0])[0]
    text = answer("convolution", free)
    assert numbers(text, "before") == [] and "depends on the height n" in text.text


@pytest.mark.parametrize(
    ("line", "around"),
    [("conv 4 3x3 same dilation_rate=2", (2, 2)), ("conv 4 3x3 same", (1, 1)), ("conv 4 3x3", (0, 0))],
)
@pytest.mark.parametrize("size", ["8x8x1", "?x?x1"])
def test_zeros_around(size: str, line: str, around: tuple[int, int]) -> None:
    found = answer("convolution", planned(size, line))
    assert tuple(numbers(found, key)[0].value for key in ("before", "after")) == around
    if "dilation" in line:
        odd = answer("odd-filters", planned(size, line))
        assert "are 2 on one side and 2 on the other" in odd.text and "they are 3 on one side and 3" in odd.text
        assert [n.value for n in numbers(odd, "shift")] == [0.0, 0.0] and odd.figure is None


@pytest.mark.parametrize(
    ("line", "letters", "learned"),
    [
        (
            "bn",
            "y = γ·(x − μ) / √(σ² + 0.001) + β,  γ, β, μ, σ²: 4·8 = 32",
            "then scales and shifts them by two weights",
        ),
        ("bn scale=no", "y = (x − μ) / √(σ² + 0.001) + β,  β, μ, σ²: 3·8 = 24", "then shifts them by one weight"),
        ("bn center=no", "y = γ·(x − μ) / √(σ² + 0.001),  γ, μ, σ²: 3·8 = 24", "then scales them by one weight"),
        ("bn scale=no center=no", "y = (x − μ) / √(σ² + 0.001),  μ, σ²: 2·8 = 16", "and learns nothing itself"),
    ],
)
def test_normalisations(line: str, letters: str, learned: str) -> None:
    plan = cnnmagic.plan(f"input 8x8x1\nconv 8 3x3\n{line}\nglobalavgpool\noutput 3")
    assert formulas(plan.steps[1]) == (letters,)
    assert cnnmagic.build(plan).get_layer(plan.steps[1].name).count_params() == plan.steps[1].parameters
    assert learned in answer("layers", plan).text


def test_counting_begins_at_0() -> None:
    told = answer("mathematics", planned("9x8x4", "conv 6 3x3 /2x1 same softmax")).text
    assert "All counting begins at 0" in told
    assert "p[k] = exp(y[k]) / Σ(j<3) exp(y[j]),  k < 3" in told
    assert "y[k] = Σ(i<5) Σ(j<8) x[i, j, k] / (5·8),  k < 6" in told
    assert "height: ⌈9 / 2⌉ = 5" in told and "width: ⌈8 / 1⌉ = 8" in told
