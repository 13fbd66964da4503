"""Exported scripts that read folders: the same images as a training has, without cnnmagic; the rest is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnmagic
from cnnmagic.engine.data import load
from cnnmagic.engine.reading import read_all
from cnnmagic.errors import PlanError
from cnnmagic.pipeline import make_plan
from tests.engine.photos import folder
from tests.engine.scripts import run_scripts, same_splits, saving

NET = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3"
TRAIN = f"{NET}\ntrain epochs=2 batch=8 checkpoint=no tune=no"


CASES = {  # whether the folder has splits, what else the text says
    "whole": (False, ""),
    "splits_pad": (True, "resize 8x8 pad"),
    "crop": (False, "resize 10x8 crop"),
    "splits_fill": (True, "resize 8x8"),
    "spoilt": (False, ""),
    "splits_spoilt": (True, ""),
}


def spoilt(path: Path) -> list[Path]:
    """The images of a folder that are spoilt where any are."""
    return sorted(path.rglob("*.png"))[3::7]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scripts")


@pytest.fixture(scope="module")
def texts(place: Path) -> dict[str, str]:
    """The texts of all cases, each with a folder of images of its own."""
    found = {}
    for name, (splits, more) in CASES.items():
        path, words = folder(place / name, splits=splits), "balance=weights"
        if name.endswith("spoilt"):
            words += " bad=skip"
            for file in spoilt(path):
                file.write_bytes(file.read_bytes()[:40])
        found[name] = f"data images:{path} {words}\n{more}\n{TRAIN}"
    return found


@pytest.fixture(scope="module")
def answers(place: Path, texts: dict[str, str]) -> dict[str, Any]:
    """What the scripts of all texts come to, by name; each leaves its splits in NAME.npz."""
    paths = [place / f"{name}.py" for name in texts]
    for path in paths:
        script = cnnmagic.to_python(texts[path.stem])
        assert "cnnmagic" not in script.replace(str(place), "")
        path.write_text(script + saving(path.with_suffix(".npz")), encoding="utf-8")
    return run_scripts(paths, place)


@pytest.mark.parametrize("name", CASES)
def test_a_script_reads_the_same_images_and_trains_to_the_same_numbers(name, place, texts, answers):
    assert not isinstance(answers[name], str), answers[name]
    run = cnnmagic.train(texts[name])
    same_splits(place / f"{name}.npz", run.dataset)
    assert answers[name]["history"]["loss"] == pytest.approx(run.history["loss"], rel=1e-4)
    told = [line[10:] for line in answers[name]["told"].splitlines() if line.startswith("left out: ")]
    assert sorted(told) == [str(path) for path in spoilt(place / name) if name.endswith("spoilt")]


def odd(path: Path) -> None:
    """Images that lie on their side, say so where nothing heeds it, have 16 bits, transparency, or 32 bits."""
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = np.random.default_rng(2).integers(0, 256, (12, 12, 3)).astype("uint8")
    for kind in ("TIFF", "PNG", "WEBP", "JPEG"):
        Image.fromarray(pixels).save(path / f"turned.{kind.lower()}", exif=exif)
    deep = pixels[..., 0].astype("uint16") * 200
    Image.fromarray(deep).save(path / "deep.png")
    Image.fromarray(deep).save(path / "deep.tif", exif=exif)
    palette = Image.fromarray(pixels).quantize(7)
    palette.save(path / "palette.png", transparency=3)
    Image.fromarray(pixels[..., 0].astype("int32") * 16).save(path / "int32.tif")
    Image.fromarray(pixels[..., 0] / np.float32(255)).save(path / "float.tif")


def test_a_script_reads_odd_images_as_a_training_does(tmp_path):
    path = folder(tmp_path / "photos")
    odd(path / "dark")
    ways = {"plain": "", "grey": "input 12x12x1", "pad": "resize 9x7 pad"}
    texts = {name: f"data images:{path} bad=skip\n{more}\n{TRAIN}" for name, more in ways.items()}
    for name, text in texts.items():
        script = cnnmagic.to_python(text).partition("keras.utils.set_random_seed")[0]
        (tmp_path / f"{name}.py").write_text(script + saving(tmp_path / f"{name}.npz"), encoding="utf-8")
    answers = run_scripts([tmp_path / f"{name}.py" for name in texts], tmp_path)
    for name, text in texts.items():
        told = [Path(line).name for line in answers[name]["told"].splitlines()]
        assert sorted(told) == ["float.tif", "int32.tif"]
        same_splits(tmp_path / f"{name}.npz", read_all(load(make_plan(text, {}))))


@pytest.mark.parametrize(
    ("data", "more"),
    [("images:{0}", "input ?x?x3"), ("images:{0}", "augment mixup"), ("{{{{paths}}}} {{{{labels}}}}", "")],
)
def test_what_a_script_can_not_do_is_refused(data, more, tmp_path):
    path = folder(tmp_path / "photos")
    files = sorted(map(str, path.glob("*/*.png")))
    variables: dict[str, Any] = {"paths": files, "labels": [Path(file).parent.name for file in files]}
    with pytest.raises(PlanError, match="can't be written as code") as caught:
        cnnmagic.to_python(f"data {data.format(path)}\n{more}\n{TRAIN}", **variables)
    assert "%cnn export NAME --keras" in str(caught.value)
