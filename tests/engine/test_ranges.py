"""Photos and arrays reach a network in the range of numbers that it was trained on, or are refused."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnmagic.engine.data import load
from cnnmagic.engine.ranges import ends_of
from cnnmagic.engine.splits import Dataset
from cnnmagic.errors import DataError
from cnnmagic.pipeline import make_plan
from tests.engine.photos import folder

NET = "conv 4 3x3 relu\nflatten\noutput\ntrain"
BYTES = np.random.default_rng(3).integers(0, 256, (40, 8, 8, 1), np.uint8)
BYTES[0, 0, 0] = (255,)
BYTES[0, 0, 1] = (0,)
LABELS = np.arange(40) % 2
KINDS: dict[str, Any] = {
    "bytes": BYTES,
    "floats to 255": BYTES.astype("float32"),
    "floats to 1": BYTES / 255,
    "whole numbers 0 and 1": (BYTES > 127).astype("int64"),
    "truths": BYTES > 127,
    "-1 to 1": (BYTES / 127.5 - 1).astype("float32"),
    "-0.5 to 0.5": BYTES / 255 - 0.5,
    "16 bits": BYTES.astype("uint16") * 257,
    "12 bits": np.rint(BYTES * (4095 / 255)).astype("uint16"),
    "scikit-learn's": np.rint(BYTES * (16 / 255)).astype("uint8"),
}


def trained_on(images: np.ndarray) -> Dataset:
    return load(make_plan("data {{x}} {{y}}\n" + NET, {"x": images, "y": LABELS}))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0]).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_what_the_array_of_the_same_image_is(kind: str) -> None:
    images = KINDS[kind]
    found = trained_on(images).prepare([png(image) for image in BYTES])
    assert found.dtype == images.dtype
    np.testing.assert_allclose(found.astype("float64"), images.astype("float64"), atol=1e-6)


@pytest.mark.parametrize(
    ("least", "largest", "expected"),
    [
        (0, 0, (0, 1)),
        (0, 0.8, (0, 1)),
        (-0.02, 1.03, (0, 1)),
        (-4, 259, (0, 255)),
        (0, 9.5, (0, 9.5)),
        (0, 100, (0, 255)),
        (0, 4000, (0, 4095)),
        (0, 65_535, (0, 65_535)),
        (-2.1, 2.6, (-2.1, 2.6)),
        (-128, 127, (-128, 127)),
    ],
)
def test_black_and_white_by_the_range(least: float, largest: float, expected: tuple[float, float]) -> None:
    assert ends_of(np.array([least, largest], "float64")) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["bytes", "floats to 255", "16 bits", "scikit-learn's"])
def test_fractions_are_refused_where_training_was_on_larger_numbers(kind: str) -> None:
    data = trained_on(KINDS[kind])
    with pytest.raises(DataError, match="`mine` holds fractions up to 1, and the network was trained on 0 to") as told:
        data.prepare(BYTES / 255, "mine")
    assert f"`mine * {data.white:.0f}`" in str(told.value)
    images = KINDS[kind].astype("float64")
    np.testing.assert_array_equal(data.prepare(BYTES / 255 * data.white).round(), images)
    assert data.prepare(np.minimum(images[:4], 1)).max() == 1  # almost black, and whole numbers


def test_quiet_ones_among_fractions_are_taken_as_they_are() -> None:
    images = np.random.default_rng(0).exponential(40, (40, 8, 8, 1))
    images[3] /= images[3].max() * 2
    np.testing.assert_array_equal(trained_on(images).prepare(images[3]), images[3:4])


def test_fractions_are_refused_by_a_network_of_files(tmp_path: Path) -> None:
    data = load(make_plan(f"data images:{folder(tmp_path / 'a')}\n{NET}", {}))
    dark = np.full((2, 12, 12, 3), 0.5)
    for given in (dark, dark[0], [dark[0], np.full((9, 9, 3), 0.3)]):
        with pytest.raises(DataError, match=r"fractions up to 0\.5, and the network was trained on 0 to 255"):
            data.prepare(given)
    assert (data.prepare(np.rint(dark + 0.1)) == 1).all()


@pytest.mark.parametrize("kind", ["floats to 1", "whole numbers 0 and 1", "truths"])
def test_bytes_are_refused_where_training_was_on_0_to_1(kind: str) -> None:
    with pytest.raises(DataError, match="`images` holds numbers up to 255, and the network was trained on 0 to 1"):
        trained_on(KINDS[kind]).prepare(BYTES)


def test_errors_call_images_by_their_name() -> None:
    with pytest.raises(DataError, match="`y` has 1 dimensions"):
        trained_on(BYTES).prepare(LABELS, "y")
