"""Graphs of models that are gone do not add up, and those in use stay."""

import gc

import keras
import numpy as np
import pytest

import cnnmagic

TEXT = "data digits\nconv 2 3x3 relu\nflatten\noutput\ntrain epochs=1 batch=256\nseed 1"

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only TensorFlow traces such graphs")


def living(kind: str) -> int:
    """How many objects of a class of this name there are, the collector's work done."""
    gc.collect()
    return sum(type(thing).__name__ == kind for thing in gc.get_objects())


def test_graphs_of_models_that_are_gone_are_freed(caplog: pytest.LogCaptureFixture) -> None:
    cnnmagic.train(TEXT)
    before = {kind: living(kind) for kind in ("Operation", "FuncGraph")}
    for _ in range(3):
        cnnmagic.train(TEXT)
    assert living("Operation") - before["Operation"] < 100  # a step of this network has hundreds
    assert living("FuncGraph") <= before["FuncGraph"]
    assert "retracing" not in caplog.text


def test_graphs_of_trainings_that_are_over_are_freed_with_the_model_kept() -> None:
    kept = [cnnmagic.train(TEXT)]
    before = {kind: living(kind) for kind in ("Operation", "FuncGraph")}
    kept += [cnnmagic.train(TEXT) for _ in range(3)]
    assert living("Operation") - before["Operation"] < 100
    assert living("FuncGraph") <= before["FuncGraph"]
    scores = [run.evaluate()["accuracy"] for run in kept]
    assert scores == scores[:1] * 4
    assert [run.more(1) and len(run.wait().state.history) for run in kept] == [2] * 4


def test_a_model_in_use_is_left_alone() -> None:
    run = cnnmagic.train(TEXT)
    images = run.dataset.test.images[:8]
    answers = run.predict(images)
    cnnmagic.train(TEXT)
    gc.collect()
    assert np.array_equal(run.predict(images), answers)
    run.more(1).wait()
    assert len(run.state.history) == 2
