"""Exported scripts are run where cnnmagic can't be imported, and give the very numbers of cnnmagic's own training."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import to_python, train
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.pipeline import load_data, make_plan
from cnnmagic.session import Session
from cnnmagic.zoo import zoo_names, zoo_text
from tests.engine.scripts import run_scripts, same_splits, saving

BODY = "conv 8 3x3 same bn relu\nresidual relu:\n    conv 8 3x3 same bn\ndropout 0.2\nflatten\noutput\n"
TRAINED = {
    "onecycle": f"data digits\nseed 5\n{BODY}train epochs=3 batch=128 schedule=onecycle lr=0.01",
    "early": f"data digits\nseed 6\n{BODY}train epochs=8 batch=128 lr=0.2 early_stop=1",
    "cosine": "data digits\nseed 7\nconv 4 3x3 relu\nflatten\noutput\n"
    "train epochs=2 batch=256 optimizer=sgd lr=0.1 momentum=0.9 schedule=cosine weight_decay=1e-4 validation=0",
    "augmented": "data digits\nseed 9\naugment shift 0.1, rotate 10\nconv 4 3x3 relu\nflatten\noutput\n"
    "train epochs=2 batch=256",
    "resized": "data digits\nseed 10\nresize 12x10 crop\nconv 4 3x3 relu\ngap\noutput 10 linear\n"
    "train epochs=4 batch=256 optimizer=rmsprop lr=0.01 schedule=step validation=0.2",
    "mixed": "data digits\nseed 11\nconv 4 3x3 relu\nflatten\noutput\ntrain epochs=1 batch=512 precision=bfloat16",
    "untested": "data digits test=0\nseed 12\nconv 4 3x3 relu\nflatten\noutput\ntrain epochs=1 batch=512",
    "labelled": "data digits\nseed 13\nx <- conv 4 3x3 same relu\nconv 4 3x3 same relu\nconv 4 3x3 same\nadd x\n"
    "flatten\noutput\ntrain epochs=1 batch=512",
}
LARGE = ("alexnet", "resnet18", "resnet34", "resnet50", "vgg11", "vgg16", "vgg19")
SMALLER = [name for name in zoo_names() if name not in LARGE]
WORDS = np.array(["cat", "dog", "auk"])
SMALL = "data digits\nseed {seed}\nconv 4 3x3 bn relu\nflatten\noutput\ntrain batch=256 {words}"
RECIPES = {
    "warm": "epochs=2 warmup=1.83 sgd lr=0.05 momentum=0.9 nesterov=yes clipvalue=0.01",
    "warm_cosine": "epochs=3 schedule=cosine warmup=1 rmsprop lr=0.01 rho=0.8 epsilon=1e-5 global_clipnorm=0.1",
    "warm_step": "epochs=3 schedule=step warmup=0.5 label_smoothing=0.1 clipnorm=0.1",
    "mean": "epochs=2 adamw onecycle lr=0.05 warmup=0.5 weight_decay=0.01 beta_1=0.8 beta_2=0.98 ema=0.8",
    "mean_early": "epochs=9 ema=0.5 early_stop=1 lr=0.2",
    "mean_early_untried": "epochs=6 ema=0.9 early_stop=1 validation=0 lr=0.5",
}
TRAINED |= {name: SMALL.format(seed=20, words=words) for name, words in RECIPES.items()}
TRAINED["each_class"] = (
    "data digits balance=weights\nseed 15\nconv 4 3x3 relu\nflatten\noutput sigmoid\ntrain epochs=2 batch=256 lr=0.01"
)
TRAINED["each_class_smoothed"] = f"{TRAINED['each_class']} label_smoothing=0.2"
TRAINED["smoothed_logits"] = (
    "data digits\nseed 14\nconv 4 3x3 relu\nflatten\noutput 10 linear\ntrain epochs=2 batch=512 label_smoothing=0.3"
)


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8), np.arange(count) % 3


NET = "seed 3\nconv 4 3x3 relu\nflatten\noutput\ntrain epochs=2 batch=16"
PAIR = NET.replace("output", "output 1{}").replace("epochs", "label_smoothing=0.2 epochs")
ARRAYS = {
    "arrays_tested": "data {{x}} {{y}} {{x_test}} {{y_test}}\n" + NET,
    "smoothed_pair": "data {{x}} {{pair}}\n" + PAIR.format(""),
    "smoothed_pair_logits": "data {{x}} {{pair}}\n" + PAIR.format(" linear"),
    "file_words": "data 'words.npz'\n" + NET,
}
# The data of these are compared, without a training.
SPLIT = {
    "arrays": "data {{x}} {{words}}\n" + NET,
    "few": "data {{few}} {{labels}}\n" + NET,
    "one_alone": "data {{some}} {{alone}}\n" + NET,
    "untested_few": "data {{few}} {{labels}} test=0\n" + NET,
    **{f"file_{name}": f"data '{name}.npz'\n" + NET for name in ("usual", "short", "rows")},
}


@pytest.fixture(scope="module")
def variables() -> dict[str, Any]:
    """The notebook's variables that the texts need."""
    (x, y), (x_test, y_test) = images(120, 0), images(30, 1)
    few = {"few": x[:12], "labels": y[:12], "some": x[:60], "alone": np.where(np.arange(60) == 7, 2, y[:60] % 2)}
    return {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "pair": y % 2, "words": WORDS[y], **few}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, Any]) -> Iterator[Path]:
    """The folder of the scripts, with files of data, which the notebook is in as well."""
    folder, (x, y) = tmp_path_factory.mktemp("scripts"), (variables["x"], variables["y"])
    np.savez(folder / "usual.npz", x_train=x, y_train=y, x_test=variables["x_test"], y_test=variables["y_test"])
    np.savez(folder / "short.npz", x=x, y=y)
    np.savez(folder / "words.npz", x_train=x, y_train=variables["words"])
    np.savez(folder / "rows.npz", x_train=x[..., 0], y_train=np.eye(3)[y])
    with contextlib.chdir(folder):
        yield folder


@pytest.fixture(scope="module")
def answers(place: Path, variables: dict[str, Any]) -> dict[str, Any]:
    """What the scripts of all texts and of the smaller networks of the zoo come to, by name."""
    paths = [
        Session().export_python(name, make_plan(text, variables), str(place / f"{name}.py"))
        for name, text in (TRAINED | ARRAYS | SPLIT).items()
    ]
    for path in paths:
        if path.stem in SPLIT:
            script = path.read_text(encoding="utf-8")
            path.write_text(script[: script.index("\nmodel = ")] + saving(place / f"{path.stem}_splits.npz"))
    return run_scripts(paths + written(SMALLER, place), place)


@pytest.mark.parametrize("name", [*TRAINED, *ARRAYS])
def test_a_script_trains_to_the_same_numbers(name: str, answers: dict[str, Any], variables: dict[str, Any]) -> None:
    compare(answers[name], (TRAINED | ARRAYS)[name], variables)


@pytest.mark.parametrize("name", SPLIT)
def test_a_script_has_the_same_splits(
    name: str, answers: dict[str, Any], place: Path, variables: dict[str, Any]
) -> None:
    assert not isinstance(answers[name], str), answers[name]
    same_splits(place / f"{name}_splits.npz", load_data(make_plan(SPLIT[name], variables)))


def compare(answer: Any, text: str, variables: dict[str, Any]) -> None:
    """Hold what a script came to against the run of its text."""
    assert not isinstance(answer, str), answer
    run = train(text, **variables)
    measured = ("loss", "accuracy", "val_loss", "val_accuracy")
    assert answer["history"] == {key: run.history[key] for key in measured if run.history[key]}
    assert answer["parameters"] == run.plan.parameters
    if len(run.dataset.test):
        assert answer["accuracy"] == pytest.approx(run.evaluate()["accuracy"], abs=1e-6)


@pytest.mark.long
def test_scripts_of_all_optimizers_train_to_the_same_numbers(tmp_path: Path) -> None:
    texts = {name: SMALL.format(seed=30, words=f"epochs=2 optimizer={name}") for name in OPTIMIZERS}
    paths = [
        Session().export_python(name, make_plan(text, {}), f"{tmp_path}/{name}.py") for name, text in texts.items()
    ]
    answers = run_scripts(paths, tmp_path, 900)
    for name, text in texts.items():
        compare(answers[name], text, {})


def written(names: list[str], folder: Path) -> list[Path]:
    """The scripts of networks of the zoo."""
    paths = [folder / f"zoo_{name}.py" for name in names]
    for name, path in zip(names, paths, strict=True):
        path.write_text(to_python(zoo_text(name).rpartition("\ntrain")[0], name), encoding="utf-8")
    return paths


@pytest.mark.parametrize("name", SMALLER)
def test_a_smaller_zoo_network_runs_by_itself(name: str, answers: dict[str, Any]) -> None:
    assert answers[f"zoo_{name}"]["parameters"] == make_plan(f"use {name}", {}).parameters


@pytest.mark.long
def test_every_zoo_network_runs_by_itself(tmp_path: Path) -> None:
    answers = run_scripts(written([*zoo_names()], tmp_path), tmp_path, 600)
    for name in zoo_names():
        test_a_smaller_zoo_network_runs_by_itself(name, answers)
