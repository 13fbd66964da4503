"""What scores tables answers with probabilities, whatever the network's output is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cnnmagic
from cnnmagic.integrations.mlflow_model import DATA, write_model
from cnnmagic.integrations.scoring import Scorer


@pytest.mark.parametrize(
    "output, classes", [("output 10", 10), ("output 10 linear", 10), ("output 1 linear", 2), ("output 1", 2)]
)
def test_probabilities(output: str, classes: int, tmp_path: Path, encoded_digits: list[bytes]) -> None:
    from keras import activations

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (40, 8, 8, 1), np.uint8), np.arange(40) % classes
    text = f"data {{{{x}}}} {{{{y}}}}\nflatten\n{output}\nseed 1\ntrain epochs=1 mlflow=no checkpoint=no"
    run = cnnmagic.train(text, x=x, y=y)
    write_model(run, tmp_path)
    found = Scorer(tmp_path / DATA).predict(pd.DataFrame({"image": encoded_digits}))
    answers = run.predict(encoded_digits)
    if "linear" in output:
        answers = np.asarray((activations.softmax if answers.shape[-1] > 1 else activations.sigmoid)(answers))
    np.testing.assert_allclose(np.stack(found["probabilities"]), answers, atol=1e-6)
    numbers = answers.argmax(axis=1) if answers.shape[-1] > 1 else (answers[:, 0] >= 0.5).astype(int)
    assert list(found["class"]) == [run.dataset.classes[number] for number in numbers]


def test_images_reach_the_network_in_the_range_of_its_training(tmp_path: Path, encoded_digits: list[bytes]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (40, 8, 8, 1)).astype("float32")
    text = "data {{x}} {{y}}\nflatten\noutput\nseed 1\ntrain epochs=1 mlflow=no checkpoint=no"
    run = cnnmagic.train(text, x=x, y=np.arange(40) % 3)
    assert run.dataset.prepare(encoded_digits).min() == -1
    write_model(run, tmp_path)
    found = Scorer(tmp_path / DATA).predict(pd.DataFrame({"image": encoded_digits}))
    np.testing.assert_allclose(np.stack(found["probabilities"]), run.predict(encoded_digits), atol=1e-6)
