"""Exported scripts are run where cnnmagic can't be imported, and give the very numbers of cnnmagic's own training."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import to_python, train
from cnnmagic.optimizers import OPTIMIZERS
from cnnmagic.pipeline import make_plan
from cnnmagic.written import write_script
from cnnmagic.zoo import zoo_names, zoo_text

RUNNER = """
import gc, json, runpy, sys
sys.modules["cnnmagic"] = None  # an import of it fails from here on
import keras
answers = {}
for path in sys.argv[2:]:
    keras.backend.clear_session()
    keras.config.set_dtype_policy("float32")
    try:
        found = runpy.run_path(path)
    except Exception as error:
        answers[path] = f"{type(error).__name__}: {error}"
        continue
    history = found["history"].history if "history" in found else {}
    answers[path] = {"history": history, "parameters": found["model"].count_params(), "accuracy": found.get("accuracy")}
    del found
    gc.collect()
json.dump(answers, open(sys.argv[1], "w"))
"""
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
TRAINED["smoothed_logits"] = (
    "data digits\nseed 14\nconv 4 3x3 relu\nflatten\noutput 10 linear\ntrain epochs=2 batch=512 label_smoothing=0.3"
)


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8), np.arange(count) % 3


def run_scripts(paths: list[Path], folder: Path, timeout: float = 300) -> dict[str, Any]:
    """What each script comes to, by its name, all of them run in one process without cnnmagic."""
    answers = folder / "answers.json"
    command = [sys.executable, "-c", RUNNER, str(answers), *map(str, paths)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=timeout, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {Path(path).stem: answer for path, answer in json.loads(answers.read_text()).items()}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """Texts by name, what their scripts come to (an error as text), and the notebook's variables that they need."""
    folder = tmp_path_factory.mktemp("scripts")
    x, y = images(120, 0)
    x_test, y_test = images(30, 1)
    np.savez(folder / "usual.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    np.savez(folder / "short.npz", x=x, y=y)
    words = np.array(["cat", "dog", "auk"])[y]
    np.savez(folder / "words.npz", x_train=x, y_train=words)
    np.savez(folder / "rows.npz", x_train=x[..., 0], y_train=np.eye(3)[y])
    net = "seed 3\nconv 4 3x3 relu\nflatten\noutput\ntrain epochs=2 batch=16"
    for name, array in {"x": x, "y": words, "x_test": x_test, "y_test": words[y_test]}.items():
        np.save(folder / f"{name}.npy", array)
    texts = dict(TRAINED)
    texts |= {f"file_{name}": f"data '{folder / name}.npz'\n{net}" for name in ("usual", "short", "words", "rows")}
    pair = net.replace("output", "output 1{}").replace("epochs", "label_smoothing=0.2 epochs")
    texts |= {
        name: "data {{x}} {{pair}}\n" + pair.format(last) for name, last in zip(PAIRS, ("", " linear"), strict=True)
    }
    single = [f"'{folder / name}.npy'" for name in ("x", "y", "x_test", "y_test")]
    texts |= {"single": f"data {' '.join(single[:2])}\n{net}", "single_tested": f"data {' '.join(single)}\n{net}"}
    texts["arrays"] = "data {{x}} {{words}}\n" + net
    texts["arrays_tested"] = "data {{x}} {{y}} {{x_test}} {{y_test}}\n" + net
    texts["few"] = "data {{few}} {{labels}}\n" + net
    texts["one_alone"] = "data {{some}} {{alone}}\n" + net
    texts["untested_few"] = "data {{few}} {{labels}} test=0\n" + net
    variables = {"x": x, "y": y, "x_test": x_test, "y_test": y_test, "words": words, "few": x[:12], "labels": y[:12]}
    variables["pair"] = y % 2
    variables |= {"some": x[:60], "alone": np.where(np.arange(60) == 7, 2, y[:60] % 2)}
    paths = []
    for name, text in texts.items():
        plan = make_plan(text, variables)
        paths.append(write_script(name, plan, str(folder / f"{name}.py")))
    return texts, run_scripts(paths, folder), variables


PAIRS = ("smoothed_pair", "smoothed_pair_logits")
FEW = ("few", "one_alone", "untested_few")
NAMES = [
    *TRAINED,
    *(f"file_{name}" for name in ("usual", "short", "words", "rows")),
    *("arrays", "arrays_tested", "single", "single_tested"),
    *FEW,
    *PAIRS,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_script_trains_to_the_same_numbers(name: str, exported) -> None:
    texts, answers, variables = exported
    compare(answers[name], texts[name], variables)


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
    paths = [write_script(name, make_plan(text, {}), f"{tmp_path}/{name}.py") for name, text in texts.items()]
    answers = run_scripts(paths, tmp_path, 900)
    for name, text in texts.items():
        compare(answers[name], text, {})


LARGE = ("alexnet", "resnet18", "resnet34", "resnet50", "vgg11", "vgg16", "vgg19")


def parameters(names: list[str], folder: Path) -> dict[str, int]:
    paths = []
    for name in names:
        paths.append(folder / f"{name}.py")
        paths[-1].write_text(to_python(zoo_text(name).rpartition("\ntrain")[0], name), encoding="utf-8")
    return {name: answer["parameters"] for name, answer in run_scripts(paths, folder, 600).items()}


def counted(names: list[str]) -> dict[str, int]:
    return {name: make_plan(f"use {name}", {}).parameters for name in names}


def test_smaller_zoo_networks_run_by_themselves(tmp_path: Path) -> None:
    names = [name for name in zoo_names() if name not in LARGE]
    assert parameters(names, tmp_path) == counted(names)


@pytest.mark.long
def test_every_zoo_network_runs_by_itself(tmp_path: Path) -> None:
    assert parameters([*zoo_names()], tmp_path) == counted([*zoo_names()])
