"""A user's file of another size is brought to the one size that the training images had."""

from pathlib import Path

import numpy as np
from PIL import Image

import cnnmagic
from tests.engine.photos import folder

TEXT = "data images:{}\nconv 4 3x3 relu\nglobalavgpool\noutput\nseed 3\ntrain epochs=1 batch=8 tune=no checkpoint=no"


def test_a_photo_of_another_size_is_brought_to_that_of_the_data(tmp_path: Path) -> None:
    photos = folder(tmp_path / "photos")
    run = cnnmagic.train(TEXT.format(photos))
    there = sorted(photos.rglob("*.png"))[0]
    with Image.open(there) as image:
        image.resize((30, 20)).save(tmp_path / "other.png")
        image.resize((30, 20)).resize((12, 12), Image.Resampling.BILINEAR).save(tmp_path / "brought.png")
    np.testing.assert_array_equal(run.predict(tmp_path / "other.png"), run.predict(tmp_path / "brought.png"))
    pixels = np.asarray(Image.open(there).convert("RGB" if run.plan.input_shape[-1] == 3 else "L"))
    np.testing.assert_array_equal(run.predict(there), run.predict(pixels.reshape(12, 12, -1)))
