"""Every twin of many cells can be planned, differs in one place, and costs what its answer says."""

import re

import pytest

import cnnmagic
from cnnmagic.explain.catalogue import answer, applying
from cnnmagic.explain.questions.sizes import any_size, half, resized
from tests.explain.reading import BLOCKS, CELLS, DIGITS, FREE, LENET, USED, numbers, value


@pytest.mark.parametrize("cell", CELLS)
def test_every_twin_can_be_planned(cell: str) -> None:
    plan = cnnmagic.plan(CELLS[cell])
    for question in applying(plan):
        found = answer(question, plan).experiment
        if found is not None:
            twin = cnnmagic.plan(found.text)
            assert found.label and found.diff
            assert twin.source == plan.source and twin.seed == plan.seed
            assert (twin.steps, twin.training) != (plan.steps, plan.training)
            assert twin.output is not None and plan.output is not None and twin.output.units == plan.output.units


@pytest.mark.parametrize("question", ["odd-filters", "pooling", "cost", "layers", "overfitting", "learning-rate"])
def test_a_twin_differs_in_one_line(question: str) -> None:
    found = answer(question, cnnmagic.plan(DIGITS)).experiment
    assert found is not None
    changed = [line for line in found.diff.split("\n") if line.startswith(("+", "-"))]
    assert len(changed) <= 2
    assert "# the first" in found.text  # comments stay


def test_a_cell_with_a_sweep_has_no_twin() -> None:
    plan = cnnmagic.plan(CELLS["swept"])
    assert all(answer(question, plan).experiment is None for question in applying(plan))


def test_what_odd_filters_says_of_its_twin() -> None:
    for cell in (LENET, DIGITS, BLOCKS, CELLS["keras words"], CELLS["residual"]):
        plan = cnnmagic.plan(cell)
        found = answer("odd-filters", plan)
        assert found.experiment is not None
        twin = cnnmagic.plan(found.experiment.text)
        first, even = (next(s for s in p.steps if s.layer.kind == "Conv2D") for p in (plan, twin))
        assert numbers(found, "weights")[0].value == first.parameters
        assert numbers(found, "weights2")[1].value == even.parameters


def test_what_pooling_says_of_its_twin() -> None:
    for cell in (LENET, DIGITS, CELLS["keras words"]):
        plan = cnnmagic.plan(cell)
        found = answer("pooling", plan)
        assert found.experiment is not None
        twin = cnnmagic.plan(found.experiment.text)
        assert value(found, "own") == plan.parameters and value(found, "twin") == twin.parameters
        assert value(found, "own_flops") == plan.flops and value(found, "twin_flops") == twin.flops


def test_what_cost_says_of_its_twin() -> None:
    for cell in (LENET, DIGITS):
        found = answer("cost", cnnmagic.plan(cell)).experiment
        assert found is not None
        told = re.search(r"\(([\d,]+) weights", found.label)
        assert told is not None
        assert int(told[1].replace(",", "")) == cnnmagic.plan(found.text).parameters


def test_what_why_cnn_says_of_the_ordinary_network() -> None:
    for cell in (LENET, DIGITS, BLOCKS, USED, CELLS["residual"]):
        found = answer("why-cnn", cnnmagic.plan(cell)).experiment
        assert found is not None
        twin = cnnmagic.plan(found.text)
        told = re.search(r"\(([\d,]+) weights", found.label)
        assert told is not None
        assert int(told[1].replace(",", "")) == twin.parameters
        assert {step.layer.kind for step in twin.steps} <= {"Rescaling", "Flatten", "Dense"}


def test_the_three_cells_for_images_of_any_size() -> None:
    for cell in (LENET, DIGITS, FREE, CELLS["keras words"]):
        plan = cnnmagic.plan(cell)
        free = any_size(plan)
        assert free is not None
        assert cnnmagic.plan(free).input_shape == (None, None, plan.input_shape[-1])
        for how in ("", "pad"):
            text = resized(plan, how)
            assert (text is None) == (None in plan.input_shape)
            if text is not None:
                small = cnnmagic.plan(text)
                assert small.input_shape[:2] == half(plan)
                assert numbers(answer("sizes", plan), "flops")[1].value == small.flops
                assert small.resize is not None and small.resize.how == (how or "stretch")


def test_a_ready_sweep_can_be_planned() -> None:
    text = answer("architecture", cnnmagic.plan(LENET)).text
    lines = [line[4:] for line in text.split("\n") if line.startswith("    ")]
    plan = cnnmagic.plan("\n".join(lines))
    assert [choice.values for choice in plan.choices] == [(3, 6, 12)]


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "mobilenet_v2"])
def test_twins_of_studied_networks(name: str) -> None:
    plan = cnnmagic.plan(f"data cifar10\nuse {name}\ntrain epochs=1")
    for question in applying(plan):
        found = answer(question, plan).experiment
        if found is not None:
            assert cnnmagic.plan(found.text)
