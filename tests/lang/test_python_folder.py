"""Exported scripts that read folders: the same images as a training has, without cnnmagic; the rest is refused."""

from pathlib import Path
from typing import Any

import pytest

import cnnmagic
from cnnmagic.errors import PlanError
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
