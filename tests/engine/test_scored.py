"""Labelled images of a user are scored as the data's own are: `run.evaluate(x, y)`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.errors import CnnError
from tests.engine.photos import folder

WORDS = np.array(["cat", "dog", "auk"])
LABELS = np.arange(60) % 3
IMAGES = (np.random.default_rng(4).integers(0, 60, (60, 8, 8, 1)) + 90 * LABELS[:, None, None, None]).astype("uint8")
NET = "flatten\noutput\nseed 3\ntrain epochs=3 batch=8 lr=0.01 tune=no checkpoint=no validation=0.2"


@pytest.fixture(scope="module")
def run() -> Any:
    return cnnmagic.train("data {{x}} {{y}}\n" + NET, x=IMAGES, y=WORDS[LABELS])


@pytest.mark.parametrize("given", ["words", "numbers", "list", "rows", "one channel less"])
def test_arrays_are_scored_as_the_datas_own(run: Any, given: str) -> None:
    test = run.dataset.test
    labels = np.array(run.dataset.classes)[test.labels]
    forms: dict[str, tuple[Any, Any]] = {
        "words": (test.images, labels),
        "numbers": (test.images, test.labels),
        "list": (list(test.images), list(labels)),
        "rows": (test.images, np.eye(3)[test.labels]),
        "one channel less": (test.images[..., 0], labels),
    }
    assert run.evaluate(*forms[given]) == run.evaluate() == run.evaluate("test")
    answers = run.predict(IMAGES)
    right = np.array(run.dataset.classes)[answers.argmax(axis=1)] == WORDS[LABELS]
    assert run.evaluate(x=IMAGES, y=WORDS[LABELS])["accuracy"] == pytest.approx(right.mean())


def test_files_are_scored(tmp_path: Path) -> None:
    path = folder(tmp_path / "photos")
    run = cnnmagic.train(f"data images:{path}\nglobalavgpool\n{NET}")
    files = sorted(map(str, path.glob("*/*.png")))
    labels = [Path(file).parent.name for file in files]
    answers = np.array(run.dataset.classes)[run.predict(files).argmax(axis=1)]
    assert run.evaluate(files, labels)["accuracy"] == pytest.approx(np.mean(answers == np.array(labels)))


def test_images_of_several_sizes_are_scored(tmp_path: Path) -> None:
    path = folder(tmp_path / "photos", sizes=((12, 12), (16, 20)))
    run = cnnmagic.train(f"data images:{path}\ninput ?x?x3\nconv 4 3x3\nglobalavgpool\n{NET}")
    files = sorted(map(str, path.glob("*/*.png")))
    labels = np.array([run.dataset.classes.index(Path(file).parent.name) for file in files])
    answers = run.predict(files)
    found = run.evaluate(files, labels)
    assert found["accuracy"] == pytest.approx((answers.argmax(axis=1) == labels).mean())
    assert found["loss"] == pytest.approx(-np.log(answers[np.arange(len(files)), labels]).mean(), rel=1e-4)


WRONG: dict[str, tuple[tuple[Any, ...], str]] = {
    "no labels": ((IMAGES,), "images need labels to be scored.\nWrite `run.evaluate(x, y)`"),
    "a pair": (((IMAGES, LABELS),), "images and labels are given as two values.\nWrite `run.evaluate(x, y)`"),
    "too few": ((IMAGES, LABELS[:4]), "`y` has 4 labels for 60 images"),
    "unknown": ((IMAGES[:1], ["cow"]), "label cow of `y[0]` is outside the 3 classes auk … dog"),
    "beyond": ((IMAGES[:1], [3]), "label 3 of `y[0]` is outside the 3 classes 0 … 2"),
    "labels alone": ((LABELS, LABELS), "`x` has 1 dimensions (60)"),
    "of another range": ((IMAGES / 255, LABELS), "`x` holds fractions"),
    "no split": (("tests",), "no split `tests`"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_can_not_be_scored_says_why(run: Any, name: str) -> None:
    given, told = WRONG[name]
    with pytest.raises(CnnError) as caught:
        run.evaluate(*given)
    assert told in str(caught.value)
