"""Paths over images of any size: refused where no image would come through, as Keras shows on images of known size."""

import numpy as np
import pytest

from cnnmagic import CnnError, build, plan

HEAD = "globalavgpool\noutput 3"
# Lines after `input ?x?x8`, and a size of image that comes through; None where there is none.
PATHS = {
    "residual:\n    conv 8 3x3 same": (33, 20),
    "residual:\n    conv 8 3x3 /2 same": (33, 20),
    "residual:\n    conv 16 3x3 /2 same\n    se 4": (33, 20),
    "residual:\n    conv 16 3x3 /2x1 same\n    se 4\n    conv 4 1x1": (33, 20),
    "residual:\n    conv 16 3x3 /2": None,
    "a <- conv 4 3x3 same\nmaxpool 2\nupsample 2\nconcat a": (32, 20),
    "a <- conv 4 3x3 same\nmaxpool 2\nmaxpool 2\nupsample 4\nconcat a": (32, 20),
    "a <- conv 4 3x3\nmaxpool 2\nupsample 2\nconcat a": (34, 22),
    "a <- conv 4 3x3\nmaxpool 3x2\nupsample 3x2\nadd a": (35, 22),
    "pad 0x1x0x0\na <- conv 4 1x1\nmaxpool 2\nupsample 2\nadd a": (33, 20),
    "a <- conv 4 3x3 same\nconv 4 3x3\nadd a": None,
    "a <- maxpool 2\nconv 8 3x3 /2 same\nadd a": None,
    "branches -> concat:\n    branch:\n        conv 4 3x3 /2 same\n    branch:\n        conv 4 3x3 same": None,
    "branches -> concat:\n    branch:\n        conv 4 3x3 /2\n    branch:\n        conv 4 2x2 /2": (33, 21),
}


@pytest.mark.parametrize("lines", [lines for lines, size in PATHS.items() if size is not None])
def test_an_image_comes_through(lines: str) -> None:
    model = build(plan(f"input ?x?x8\n{lines}\n{HEAD}"))
    assert model.predict(np.zeros((1, *(PATHS[lines] or ()), 8)), verbose=0).shape == (1, 3)


@pytest.mark.parametrize("lines", [lines for lines, size in PATHS.items() if size is None])
def test_none_would(lines: str) -> None:
    with pytest.raises(CnnError, match="differ in size, whatever the size of the images"):
        plan(f"input ?x?x8\n{lines}\n{HEAD}")
    for size in (32, 33, 34, 35, 36, 37, 38, 39):
        with pytest.raises(CnnError):
            plan(f"input {size}x{size}x8\n{lines.replace('residual:', 'residual project=no:')}\n{HEAD}")


def test_a_further_layer_of_keras_is_followed() -> None:
    plan(f"input ?x?x8\na <- Normalization\nconv 8 3x3 same\nadd a\n{HEAD}")
    with pytest.raises(CnnError, match="1024x1024x8 gives 1022x1022x8 and 1024x1024x8"):
        plan(f"input ?x?x8\na <- Normalization\nconv 8 3x3\nadd a\n{HEAD}")
