"""What several answers read of a plan, against the data themselves."""

from pathlib import Path

import pytest
from PIL import Image

from cnnmagic.explain.network import training_images
from cnnmagic.pipeline import load_data, make_plan


@pytest.mark.parametrize("splits", [("",), ("train", "test"), ("train", "validation"), ("train", "validation", "test")])
@pytest.mark.parametrize("train", ["train epochs=1", "train epochs=1 validation=0.3"])
def test_images_to_train_on_are_those_that_the_data_give(tmp_path: Path, splits: tuple[str, ...], train: str) -> None:
    for split in splits:
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(20 if split in ("", "train") else 4):
                Image.new("L", (8, 8), number * 9 + len(split)).save(tmp_path / split / name / f"{number}.png")
    plan = make_plan(f"data images:{tmp_path}\nconv 4 3x3\nglobalavgpool\noutput\n{train}", {})
    assert training_images(plan, None) == len(load_data(plan).train)
