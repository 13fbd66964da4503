"""Exported scripts that read folders: the same images as a training has, without cnnmagic; the rest is refused."""

import subprocess
import sys
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

NET = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3"
TRAIN = f"{NET}\ntrain epochs=2 batch=8 checkpoint=no tune=no"


def run_script(text: str, path: Path, ending: str = "") -> str:
    path.write_text(text + ending, encoding="utf-8")
    result = subprocess.run([sys.executable, path.name], cwd=path.parent, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


@pytest.mark.parametrize(
    ("splits", "more"), [(False, ""), (True, "resize 8x8 pad"), (False, "resize 10x8 crop"), (True, "resize 8x8")]
)
def test_a_script_reads_the_same_images_and_trains_to_the_same_numbers(splits, more, tmp_path):
    path = folder(tmp_path / "photos", splits=splits)
    text = f"data images:{path} balance=weights\n{more}\n{TRAIN}"
    script = cnnmagic.to_python(text)
    assert "cnnmagic" not in script.replace(str(tmp_path), "")
    saved = "\nnp.savez('out.npz', x=x_train, y=y_train, v=x_validation, t=x_test, loss=history.history['loss'])"
    run_script(script, tmp_path / "net.py", saved)
    run, found = cnnmagic.train(text), np.load(tmp_path / "out.npz")
    data: Any = run.dataset
    for name, images in (("x", data.train.images), ("v", data.validation.images), ("t", data.test.images)):
        assert (found[name] == images).all(), name
    assert (found["y"] == data.train.labels).all()
    assert found["loss"] == pytest.approx(run.history["loss"], rel=1e-4)


@pytest.mark.parametrize("splits", [False, True])
def test_a_script_leaves_out_what_a_training_leaves_out(splits, tmp_path):
    path = folder(tmp_path / "photos", splits=splits)
    spoilt = sorted(path.rglob("*.png"))[3::7]
    for file in spoilt:
        file.write_bytes(file.read_bytes()[:40])
    text = f"data images:{path} bad=skip balance=weights\n{TRAIN}"
    saved = "\nnp.savez('out.npz', x=x_train, v=x_validation, t=x_test, loss=history.history['loss'])"
    told = run_script(cnnmagic.to_python(text), tmp_path / "net.py", saved)
    run, found = cnnmagic.train(text), np.load(tmp_path / "out.npz")
    data: Any = run.dataset
    for name, images in (("x", data.train.images), ("v", data.validation.images), ("t", data.test.images)):
        assert np.array_equal(found[name], images), name
    assert found["loss"] == pytest.approx(run.history["loss"], rel=1e-4)
    assert sorted(line[10:] for line in told.splitlines() if line.startswith("left out: ")) == list(map(str, spoilt))


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


@pytest.mark.parametrize("more", ["", "input 12x12x1", "resize 9x7 pad"])
def test_a_script_reads_odd_images_as_a_training_does(more, tmp_path):
    path = folder(tmp_path / "photos")
    odd(path / "dark")
    text = f"data images:{path} bad=skip\n{more}\n{TRAIN}"
    script = cnnmagic.to_python(text).partition("keras.utils.set_random_seed")[0]
    saved = "\nnp.savez('out.npz', x=x_train, v=x_validation, t=x_test)"
    told = run_script(script, tmp_path / "net.py", saved)
    assert sorted(line.rpartition("/")[2] for line in told.splitlines()) == ["float.tif", "int32.tif"]
    data, found = read_all(load(make_plan(text, {}))), np.load(tmp_path / "out.npz")
    assert data is not None
    for name, split in (("x", data.train), ("v", data.validation), ("t", data.test)):
        assert np.array_equal(found[name], split.images[:]), name


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
