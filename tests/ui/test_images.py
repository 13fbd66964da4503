"""Pictures of arrays: every pixel leads back to its number, and words stay words."""

import base64
import io
import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from cnnmagic.errors import DataError
from cnnmagic.ui import images
from cnnmagic.ui.image_grid import MOST_CELLS, Cell, grid
from cnnmagic.ui.images import data_uri, enlarged, heat_on, photo
from cnnmagic.ui.pictures import pictures_html

HOSTILE = "<script>alert(\"1\")</script> & 'x' \u202e مرحبا 👀 \x00"


def decoded(uri: str) -> Any:
    head, data = uri.split(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1)])
def test_a_png_holds_the_pixels(shape: Any) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    assert (decoded(data_uri(pixels)) == pixels).all()


def test_a_photo_of_bytes_is_as_it_is() -> None:
    image = np.random.default_rng(0).integers(50, 90, (4, 6, 3)).astype("uint8")
    assert (photo(image) == image).all()
    assert (photo(image[..., :1]) == image[..., 0]).all()
    assert (photo(np.concatenate([image, image[..., :1]], axis=-1)) == image).all()
    assert photo(image[..., :2]).shape == (4, 6)
    digit = np.array([[0, 8, 16]], "uint8")
    assert photo(digit).tolist() == [[0, 128, 255]]
    assert photo(digit, 0, 255).tolist() == [[0, 8, 16]]


def test_a_photo_of_fractions_goes_from_black_to_white() -> None:
    image = np.array([[[-1.0], [0.0]], [[0.5], [1.0]]])
    assert photo(image).tolist() == [[0, 128], [191, 255]]
    assert photo(image, 0, 2).tolist() == [[0, 0], [64, 128]]
    assert (photo(np.zeros((2, 2, 1))) == 128).all()
    assert photo(np.array([[np.nan, 0.0, 1.0, np.inf]])).tolist() == [[0, 0, 255, 255]]


def test_enlarged_is_bilinear_by_loops() -> None:
    small = np.random.default_rng(0).normal(size=(2, 3))
    large = enlarged(small, (6, 12))
    for row, column in np.ndindex(6, 12):
        y, x = np.clip((row + 0.5) / 3 - 0.5, 0, 1), np.clip((column + 0.5) / 4 - 0.5, 0, 2)
        i, j = min(int(y), 0), min(int(x), 1)
        upper = small[i, j] * (1 - (x - j)) + small[i, j + 1] * (x - j)
        lower = small[i + 1, j] * (1 - (x - j)) + small[i + 1, j + 1] * (x - j)
        assert large[row, column] == pytest.approx(upper * (1 - (y - i)) + lower * (y - i), abs=1e-5)


def test_heat_is_where_it_belongs() -> None:
    image = np.full((8, 8, 3), 120, "uint8")
    pixels = heat_on(image, np.array([[0.0, 0.0], [0.0, 5.0]])).astype(int)
    assert pixels.shape == (8, 8, 3)
    assert pixels[7, 7].sum() > pixels[0, 0].sum() + 100
    assert (heat_on(image, np.zeros((2, 2))) == heat_on(image, -np.ones((2, 2)))).all()
    assert heat_on(image[..., :1], np.ones((8, 8))).shape == (8, 8, 3)
    share, hottest = images.HEAT_OPACITY, np.array(colormaps["viridis"](255, bytes=True)[:3])
    assert np.abs(heat_on(image, np.ones((2, 2))) - ((1 - share) * 120 + share * hottest)).max() <= 0.5


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 0)), np.zeros(3), np.zeros((0, 2)), 3])
def test_what_is_no_image(wrong: Any) -> None:
    with pytest.raises(DataError, match="is no image"):
        photo(wrong)


@pytest.mark.parametrize("channels", [4, 5, 12])
def test_of_many_channels_the_first_three_are_shown(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, channels)).astype("uint8")
    image[0, 0, 0] = 255
    assert (photo(image) == image[..., :3]).all()


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 2)), np.zeros(3), np.zeros((0, 2))])
def test_what_is_no_plane(wrong: Any) -> None:
    with pytest.raises(DataError, match="can't be shown"):
        heat_on(np.zeros((4, 4)), wrong)


def test_a_grid_is_sound_markup_whose_words_are_text() -> None:
    pixels = np.zeros((4, 2), "uint8")
    root = ElementTree.fromstring(grid([Cell(pixels, HOSTILE), Cell(pixels, "1", "one")], HOSTILE))
    first, second = root.iter("img")
    clean = HOSTILE.replace("\x00", "")
    assert (first.get("alt"), second.get("alt")) == (clean, "one")
    assert [caption.text for caption in root.iter("figcaption")] == [clean, clean, "1"]
    assert {caption.get("dir") for caption in root.iter("figcaption")} == {"auto"}
    assert (root.get("role"), root.get("aria-label")) == ("group", clean)
    assert not list(root.iter("script"))
    style = first.get("style") or ""
    assert "image-rendering:pixelated" in style
    assert "width:36px;height:72px" in style


def test_a_grid_of_too_many_says_so() -> None:
    text = grid([Cell(np.zeros((1, 1), "uint8"))] * (MOST_CELLS + 3))
    assert text.count("<img") == MOST_CELLS
    assert "… + 3" in text
    assert "<figcaption" not in text


def test_a_page_of_maps_is_small() -> None:
    maps = np.random.default_rng(0).normal(size=(64, 14, 14))
    text = pictures_html(list(maps), [f"channel {number}" for number in range(64)])
    assert len(text) < 150_000
    assert len(re.findall(r'alt="([^"]+)"', text)) == 64


def test_the_pictures_of_an_answer_are_the_arrays_with_heat_where_there_is_some() -> None:
    image, heat = np.arange(12).reshape(3, 4), np.eye(2)
    plain, warm = (decoded(uri) for uri in re.findall(r'src="([^"]+)"', pictures_html([image] * 2, "ab", [None, heat])))
    assert (plain == photo(image)).all() and (warm == heat_on(image, heat)).all()
