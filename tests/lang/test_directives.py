"""What the lines say that belong to the cell as a whole: input, data, resize, augment, train, seed."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from cnnmagic import CnnError, PlanError, plan
from cnnmagic.datasets import NAMED, Arrays, File, Named
from cnnmagic.lang import syntax
from cnnmagic.lang.directives import AUGMENTATIONS, DataWords, read_augment, read_data, read_input, read_seed
from cnnmagic.lang.parser import parse
from cnnmagic.layers.phrase import phrase
from cnnmagic.optimizers import OPTIMIZERS, OWN_OPTIONS
from cnnmagic.plans import Plan, Resize, Training


def directive(text: str) -> syntax.Directive:
    statement = parse(text).statements[0]
    assert isinstance(statement, syntax.Directive)
    return statement


def trained(words: str) -> Plan:
    return plan(f"data digits\noutput\ntrain {words}" + ("\nsweep" if "{" in words else ""))


def no_variable(path: str) -> None:
    raise AssertionError(path)


@pytest.mark.parametrize(
    "text, shape",
    [("28x28x1", (28, 28, 1)), ("?x?x3", (None, None, 3)), ("anyx32x3", (None, 32, 3)), ("(8, 8, 1)", (8, 8, 1))],
)
def test_input(text, shape):
    assert read_input(directive(f"input {text}")) == (shape, "")


def test_input_without_channels_is_grey_and_told():
    shape, note = read_input(directive("input 28x28"))
    assert shape == (28, 28, 1) and "grey" in note


@pytest.mark.parametrize(
    "text", ["", "28", "2x3x4x5", "0x3x1", "8x8x?", "70000x8x1", "8x8x1 9x9x1", "size=8x8x1", "big"]
)
def test_input_refuses(text):
    with pytest.raises(PlanError):
        read_input(directive(f"input {text}"))


TRAIN: dict[str, dict[str, Any]] = {
    "": {},
    "5": {"epochs": 5},
    "epochs=12 batch=128 optimizer=adam": {"epochs": 12, "batch_size": 128, "optimizer": "adam"},
    "sgd lr=0.1 momentum=0.9 schedule=cosine": {
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "schedule": "cosine",
    },
    "onecycle bfloat16 early_stop=3": {"schedule": "onecycle", "precision": "bfloat16", "early_stop": 3},
    "weight_decay=1e-4 validation=0": {"weight_decay": 1e-4, "validation": 0.0},
    "batch={64, 128}": {"batch_size": 64},
    "sgd nesterov=yes momentum=0.9": {"optimizer": "sgd", "nesterov": True, "momentum": 0.9},
    "schedule=cosine warmup=1.5": {"schedule": "cosine", "warmup": 1.5},
    "warmup=no": {"warmup": 0.0},
    "adamw beta_1=0.8 beta_2=0.95 epsilon=1e-5": {
        "optimizer": "adamw",
        "beta_1": 0.8,
        "beta_2": 0.95,
        "epsilon": 1e-5,
    },
    "adadelta lr=1 rho=0.9": {"optimizer": "adadelta", "learning_rate": 1.0, "rho": 0.9},
    "label_smoothing=0.1 ema=0.99": {"label_smoothing": 0.1, "ema": 0.99},
    "clipnorm=1": {"clipnorm": 1.0},
    "clipvalue=0.5": {"clipvalue": 0.5},
    "global_clipnorm=5": {"global_clipnorm": 5.0},
}


@pytest.mark.parametrize("text", TRAIN)
def test_train(text):
    training = trained(text).training
    assert training and asdict(training) == asdict(Training()) | TRAIN[text]


@pytest.mark.parametrize(
    "text",
    [
        "epochs=0",
        "batch=-1",
        "lr=0",
        "validation=1",
        "momentum=2 sgd",
        "early_stop=0",
        "optimizer=adma",
        "speed=3",
        *(
            f"{name} {option}=0.5"
            for name, kind in OPTIMIZERS.items()
            for option in OWN_OPTIONS
            if option not in kind.takes
        ),
        "momentum=0",
        "nesterov=no",
        "lion beta_1=0",
        "label_smoothing=1",
        "clipnorm=0",
        "ema=1",
        "warmup=-1",
        "epochs=3 warmup=3",
        "clipnorm=1 clipvalue=1",
        "clipvalue=1 global_clipnorm=1",
    ],
)
def test_train_refuses(text):
    with pytest.raises(PlanError):
        trained(text)


NOTED = {
    "sgd nesterov=yes": "without `momentum`",
    "muon": "by Adam beside it",
    "schedulefreeadamw cosine": "no schedule",
    "sgd nesterov=yes momentum=0.9": "",
    "schedulefreeadamw": "",
}


@pytest.mark.parametrize("text", NOTED)
def test_train_tells_what_is_surprising(text):
    told = set(trained(text).notes) - set(trained("").notes)
    assert [NOTED[text] in note for note in told] == [True] * bool(NOTED[text])


def test_one_worker_is_not_this_machine():
    assert trained("workers=1").training == Training(workers=1) != Training()
    with pytest.raises(PlanError, match="`workers` takes what devices each task has"):
        trained("workers=1 devices=2")


def test_train_tells_where_balance_stands():
    with pytest.raises(PlanError, match="It stands in the `data` line"):
        trained("balance=weights")


@pytest.mark.parametrize("text, wanted", [("", None), ("mlflow=no", False), ("mlflow=yes", True)])
def test_train_says_whether_to_log(monkeypatch, text, wanted):
    monkeypatch.setattr("cnnmagic.lang.training.find_spec", lambda name: object())
    training = trained(text).training
    assert training is not None and training.mlflow is wanted


def test_a_log_is_asked_for_where_mlflow_is_not_installed(monkeypatch):
    monkeypatch.setattr("cnnmagic.lang.training.find_spec", lambda name: None)
    with pytest.raises(PlanError, match="`mlflow=yes` logs the training to MLflow, which is not installed here"):
        trained("mlflow=yes")
    assert trained("mlflow=no").training == Training(mlflow=False)


def test_the_changed_default_of_adadelta_is_told():
    assert any("`lr=1.0`" in note for note in trained("adadelta").notes)
    assert not any("`lr=1.0`" in note for note in trained("adadelta lr=1.0").notes)


@pytest.mark.parametrize(
    "text, source",
    [
        *((name, Named(name)) for name in NAMED),
        ("MNIST", Named("mnist")),
        ("photos.npz", File("photos.npz")),
        ('"my photos.npz"', File("my photos.npz")),
        ("~/x/photos.NPZ", File("~/x/photos.NPZ")),
        ("C:\\x\\photos.npz", File("C:\\x\\photos.npz")),
    ],
)
def test_data(text, source):
    assert read_data(directive(f"data {text}"), no_variable) == (source, DataWords())


def test_data_from_the_notebook():
    values = {"x": 1, "y": 2, "u": 3, "v": 4}
    source, test = read_data(directive("data {{x}} {{y}} test=0.3"), values.__getitem__)
    assert isinstance(source, Arrays) and (source.names, source.values) == (("x", "y"), (1, 2))
    assert test == DataWords(test=0.3)
    source, _ = read_data(directive("data {{x}} {{y}} {{u}} {{v}}"), values.__getitem__)
    assert str(source) == "{{x}} {{y}} {{u}} {{v}}"


@pytest.mark.parametrize("text", ["", "mnits", "mnist cifar10", "{{x}}", "{{x}} {{y}} {{z}}", "x.png", "mnist test=2"])
def test_data_refuses(text):
    with pytest.raises(CnnError):
        read_data(directive(f"data {text}"), lambda path: path)


AUGMENT = {
    "flip": ["RandomFlip horizontal"],
    "flip=both": ["RandomFlip"],
    "flip=vertical": ["RandomFlip vertical"],
    "rotate 36": ["RandomRotation 0.1"],
    "rotate=36": ["RandomRotation 0.1"],
    "zoom, shift 0.25": ["RandomZoom 0.1", "RandomTranslation 0.25 0.25"],
    "crop=4": ["RandomTranslation 0.125 0.125 fill_mode=constant interpolation=nearest"],
    "brightness 0.5": ["RandomBrightness 0.5 value_range=0x1"],
    "contrast": ["RandomContrast 0.2 value_range=0x1"],
}


@pytest.mark.parametrize("text", AUGMENT)
def test_augment(text):
    assert [phrase(layer) for layer in read_augment(directive(f"augment {text}"), (32, 32, 3))] == AUGMENT[text]


@pytest.mark.parametrize(
    "text",
    ["", "flop", "flip=sideways", "rotate=far", "zoom=near", "crop=100", "shift=2", "zoom=-3", "rotate {1, 2}"],
)
def test_augment_refuses(text):
    with pytest.raises(PlanError):
        read_augment(directive(f"augment {text}"), (32, 32, 3))


def test_augment_crop_needs_a_size():
    assert len(AUGMENTATIONS) == 10
    with pytest.raises(PlanError, match="images of one size"):
        read_augment(directive("augment crop"), (None, None, 3))


@pytest.mark.parametrize(
    "text, resize",
    [
        ("224x224", Resize(224, 224, "stretch")),
        ("64x96 crop", Resize(64, 96, "crop")),
        ("32 how=pad", Resize(32, 32, "pad")),
        ("32 Crop", Resize(32, 32, "crop")),
    ],
)
def test_resize(text, resize):
    assert plan(f"data digits\nresize {text}\noutput").resize == resize


@pytest.mark.parametrize("text", ["", "big", "0x3", "32x32x3", "32x32 fold", "70000x3"])
def test_resize_refuses(text):
    with pytest.raises(PlanError):
        plan(f"data digits\nresize {text}\noutput")


@pytest.mark.parametrize("text, seed", [("0", 0), ("7", 7), (str(2**32 - 1), 2**32 - 1)])
def test_seed(text, seed):
    assert read_seed(directive(f"seed {text}")) == seed


@pytest.mark.parametrize("text", ["", "-1", "1.5", "lucky", "1 2", str(2**32)])
def test_seed_refuses(text):
    with pytest.raises(PlanError):
        read_seed(directive(f"seed {text}"))


def test_facts_of_arrays_reach_the_plan():
    images = np.zeros((12, 6, 5, 3), np.uint8)
    planned = plan("data {{x}} {{y}}\noutput", x=images, y=np.arange(12) % 4)
    assert planned.facts and planned.facts.shape == (6, 5, 3) and planned.facts.classes == ("0", "1", "2", "3")
    assert planned.output and planned.output.units == 4
