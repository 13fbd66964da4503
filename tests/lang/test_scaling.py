"""What pixels are where they are augmented and scaled, and what the plan says where they are taken for others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic import plan
from cnnmagic.engine.backend import load_keras
from cnnmagic.pipeline import build_model, make_plan
from cnnmagic.plans import Plan

COLOURS = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3)).astype("uint8")
COLOURS[0, 0, 0], COLOURS[0, 0, 1] = 0, 255
LABELS = np.arange(20) % 2
DATA = "data {{x}} {{y}}\n"


def planned(text: str, images: Any = COLOURS) -> Plan:
    return plan(DATA + text, x=images, y=LABELS)


RANGES = {
    "digits alone": ("data digits\naugment brightness\noutput", None, (0, 1)),
    "ours": ("augment brightness\nflatten\noutput", COLOURS, (0, 1)),
    "the cell's own": ("augment brightness\nrescale 1/127.5 -1\nflatten\noutput", COLOURS, (0, 255)),
    "its own by Keras's name": ("augment contrast\nkeras.layers.Rescaling(1/255)\nflatten\noutput", COLOURS, (0, 255)),
    "fractions": ("augment randaugment\nflatten\noutput", COLOURS / 255, (0, 1)),
    "large fractions": ("augment brightness\nrescale 1/255\nflatten\noutput", COLOURS * 1.0, (0, 255)),
    "centred fractions": ("augment brightness\nflatten\noutput", COLOURS / 127.5 - 1, (-1, 1)),
    "standardised": ("augment contrast\nflatten\noutput", (COLOURS - 33.3) / 78.6, (-1, 3)),
    "whole numbers with negatives": ("augment brightness\nflatten\noutput", COLOURS.astype(int) - 100, (-100, 155)),
    "sixteen bits": ("augment brightness\nrescale 1/65535\nflatten\noutput", COLOURS.astype(int) * 257, (0, 65_535)),
    "pretrained": ("augment brightness\nuse vgg16 imagenet\nglobalavgpool\noutput", COLOURS, (0, 255)),
    "fractions pretrained": ("augment brightness\nuse vgg16 imagenet\nglobalavgpool\noutput", COLOURS / 255, (0, 1)),
    "no data": ("input 8x8x1\naugment brightness\noutput 2", None, (0, 1)),
    "no data, a rescale": ("input 8x8x1\naugment brightness\nrescale 1/255\noutput 2", None, (0, 255)),
}


@pytest.mark.parametrize("case", RANGES)
def test_light_is_changed_in_the_range_that_pixels_have_there(case: str) -> None:
    text, images, wanted = RANGES[case]
    found = plan(text) if images is None else planned(text, images)
    layer: Any = next(step.layer for step in found.steps if step.layer.kind.startswith("Rand"))
    assert layer.value_range == wanted


def first_layers(found: Plan, images: Any, training: bool) -> Any:
    """What goes into the first layer that is neither random nor scales."""
    keras = load_keras()
    model, tensor = build_model(found), keras.ops.convert_to_tensor(images.astype("float32"))
    for step in found.steps:
        if not step.layer.kind.startswith(("Rand", "Rescaling")):
            return keras.ops.convert_to_numpy(tensor)
        tensor = model.get_layer(step.name)(tensor, training=training)
    raise AssertionError


@pytest.mark.parametrize("light", ["brightness", "contrast", "randaugment"])
@pytest.mark.parametrize(
    "text, images",
    [
        ("augment {} 0.1\nflatten\noutput", COLOURS),
        ("augment {} 0.1\nrescale 1/127.5 -1\nflatten\noutput", COLOURS),
        ("augment {} 0.1\nrescale 1/255\nflatten\noutput", COLOURS * 1.0),
        ("augment {} 0.1\nflatten\noutput", COLOURS / 127.5 - 1),
    ],
)
def test_images_in_training_are_much_like_those_in_use(light: str, text: str, images: Any) -> None:
    found = planned(text.format(light), images)
    load_keras().utils.set_random_seed(3)
    used, trained = (first_layers(found, images, training) for training in (False, True))
    spread = used.max() - used.min()
    assert trained.min() >= used.min() - spread / 50 and trained.max() <= used.max() + spread / 50
    assert np.abs(trained.mean() - used.mean()) < spread / 4 and trained.std() > used.std() / 2


@pytest.mark.parametrize("name", ["vgg16", "resnet50", "mobilenet_v2"])
def test_what_pretrained_weights_expect_comes_after_the_augmentation(name: str) -> None:
    steps = planned(f"augment flip, brightness\nuse {name} imagenet\nglobalavgpool\noutput").steps
    assert [step.layer.kind for step in steps[:3]] == ["RandomFlip", "RandomBrightness", "Rescaling"]
    assert steps[2].name == "rescale" and steps[2].inputs == (steps[1].name,)


def test_an_augmentation_taken_over_is_none_of_the_pretrained_layers() -> None:
    earlier = {"own": DATA + "augment flip, brightness\nuse vgg16 imagenet freeze\nglobalavgpool\noutput\n"}
    found = make_plan("use own\ndense 8\noutput", {"x": COLOURS, "y": LABELS}, texts=earlier)
    kinds = [step.layer.kind for step in found.steps[:4]]
    assert kinds == ["RandomFlip", "RandomBrightness", "Rescaling", "Conv2D"]
    assert found.base is not None and found.base.steps[0] == found.steps[3].name


@pytest.mark.parametrize("name", ["vgg16", "mobilenet_v2"])
def test_pretrained_weights_get_the_same_of_fractions_as_of_whole_numbers(name: str) -> None:
    text = f"use {name} imagenet\nglobalavgpool\noutput"
    whole, part = (planned(text, images) for images in (COLOURS, COLOURS / 255))
    results = []
    for found, images in ((whole, COLOURS), (part, COLOURS / 255)):
        layer: Any = found.steps[0].layer
        results.append(images * layer.scale + np.array(layer.offset))
    np.testing.assert_allclose(results[0], results[1], atol=1e-9)
    assert f"pixels 0 … 255 are scaled as the weights of `{name}` expect" in whole.notes
    assert f"pixels 0 … 1 are scaled as the weights of `{name}` expect" in part.notes
    centred = planned(text, COLOURS / 127.5 - 1)
    assert any("the images have numbers from -1 to 1: give them as 0 … 255 or 0 … 1" in note for note in centred.notes)


@pytest.mark.parametrize(
    "line",
    ["rescale 1/255", "Rescaling(1/255)", "keras.layers.Rescaling(1/16)", "layers.Rescaling(1/255)", "scale 0.1"],
)
def test_a_rescale_of_the_cell_s_own_is_known_by_any_name(line: str) -> None:
    kinds = [step.layer.kind for step in planned(f"{line}\nflatten\noutput").steps]
    assert kinds == ["Rescaling", "Flatten", "Dense"]


AGAIN = "scales pixels that are 0 … 1 already, by the network's first layer"
NOTES = {
    "repeat 1:\n    rescale 1/255\nflatten\noutput": f"line 3 {AGAIN}",
    "block own():\n    rescale 1/255\nown\nflatten\noutput": f"line 3 {AGAIN}",
    "flatten\nbranches -> add:\n    branch:\n        rescale 1/255\n    branch\noutput": f"line 5 {AGAIN}",
    "Normalization mean=127.5 variance=4000\nflatten\noutput": "line 2 gets pixels 0 … 1, and its `mean` is for larger",
    "conv 4 3x3\nrescale 0.1\nflatten\noutput": "a line `rescale 1/255` before the layers brings them to 0 … 1",
    "rescale 1/127.5\nrescale 1 -1\nflatten\noutput": "",
    "rescale 1\nNormalization mean=127.5 variance=4000\nflatten\noutput": "",
    "Normalization mean=0.4914 variance=0.06\nflatten\noutput": "",
    "conv 4 3x3 same\nresidual:\n    conv 4 3x3 same\n    rescale 0.2\nflatten\noutput": "",
    "flatten\noutput": "",
}


@pytest.mark.parametrize("text", NOTES)
def test_pixels_scaled_twice_or_never_are_told(text: str) -> None:
    plain = planned("flatten\noutput").notes
    told = [
        note for note in planned(text).notes if note not in plain and "flattens" not in note and "counted" not in note
    ]
    assert [NOTES[text] in note for note in told] == [True] * bool(NOTES[text])


def test_whole_numbers_with_negatives_are_taken_as_they_are() -> None:
    found = planned("flatten\noutput", COLOURS.astype("int16") - 100)
    assert [step.layer.kind for step in found.steps] == ["Flatten", "Dense"]
    told = "the images have numbers from -100 to 155, taken as they are: a line `rescale 1/155` before the layers"
    assert any(note.startswith(told) for note in found.notes)
    assert not any("become 0 … 1" in note for note in found.notes)


@pytest.mark.parametrize(
    "images, wanted", [(COLOURS * 1.0, (0, 255)), (COLOURS / 127.5 - 1, (-1, 1)), (COLOURS, (0, 1))]
)
@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_the_range_of_a_file_is_found(images: Any, wanted: tuple[int, int], kind: str, tmp_path: Path) -> None:
    if kind == "npz":
        np.savez_compressed(tmp_path / "a.npz", x=images, y=LABELS)
        data = f"data '{tmp_path}/a.npz'"
    else:
        np.save(tmp_path / "x.npy", images)
        np.save(tmp_path / "y.npy", LABELS)
        data = f"data '{tmp_path}/x.npy' '{tmp_path}/y.npy'"
    found = plan(f"{data}\naugment brightness\nflatten\noutput")
    layer: Any = next(step.layer for step in found.steps if step.layer.kind == "RandomBrightness")
    assert layer.value_range == wanted
