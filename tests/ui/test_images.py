"""Pictures of arrays: every pixel leads back to its number, and words stay words."""

import base64
import io
import re
from html import unescape
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from cnnmagic.errors import DataError
from cnnmagic.ui import images
from cnnmagic.ui.image_grid import MOST_CELLS, Cell, filter_cells, grid, image_cells, map_cells
from cnnmagic.ui.images import coloured, coloured_by_sign, data_uri, enlarged, heat_on, photo

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


def test_colours_are_those_of_the_map() -> None:
    numbers = np.random.default_rng(0).normal(size=(3, 4))
    shares = (numbers - numbers.min()) / np.ptp(numbers)
    expected = colormaps["viridis"](np.rint(shares * 255).astype(int), bytes=True)[..., :3]
    assert np.abs(coloured(numbers).astype(int) - expected).max() <= 1


def test_signs_have_colours_of_their_own() -> None:
    (low, zero, high) = coloured_by_sign(np.array([[-2.0, 0.0, 1.0]]))[0].astype(int)
    assert zero.min() > 240
    assert low[0] > low[2] + 50  # orange
    assert high[2] > high[1] + 20  # violet
    assert (coloured_by_sign(np.zeros((2, 2))) > 240).all()


def test_both_maps_change_in_lightness_alone_enough() -> None:
    """Someone who sees no colours at all still sees which number is the larger."""
    lightness = images._table(images.ONE_SIDED) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -0.5).all()
    assert np.ptp(lightness) > 150
    sides = images._table(images.TWO_SIDED) @ np.array([0.2126, 0.7152, 0.0722])
    assert sides[128] - max(sides[0], sides[-1]) > 120


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
    assert (heat_on(image, np.ones((2, 2)), opacity=0) == 120).all()


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 5)), np.zeros(3), np.zeros((0, 2)), 3])
def test_what_is_no_image(wrong: Any) -> None:
    with pytest.raises(DataError, match="is no image"):
        photo(wrong)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2, 2)), np.zeros(3), np.zeros((0, 2))])
def test_what_is_no_plane(wrong: Any) -> None:
    with pytest.raises(DataError, match="can't be shown"):
        coloured(wrong)


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


def test_cells_of_maps_filters_and_images() -> None:
    chance = np.random.default_rng(0)
    maps, kernels = chance.normal(size=(5, 4, 3)), chance.normal(size=(3, 3, 2, 6))
    apart, together = map_cells(maps), map_cells(maps, together=True, word="채널")
    assert (apart[1].pixels == coloured(maps[..., 1])).all()
    assert (together[1].pixels == coloured(maps[..., 1], maps.min(), maps.max())).all()
    assert (apart[2].caption, together[2].caption) == ("channel 2", "채널 2")
    assert f"{maps[..., 2].min():.3g} … {maps[..., 2].max():.3g}" in apart[2].alternative
    one = filter_cells(kernels, channel=1)
    assert len(one) == len(filter_cells(kernels)) == 6
    assert (one[5].pixels == coloured_by_sign(kernels[:, :, 1, 5], np.abs(kernels[:, :, 1]).max())).all()
    pixels = [cell.pixels for cell in image_cells(np.array([[[[0.0]]], [[[4.0]]], [[[2.0]]]]), ["a", "b", "c"])]
    assert [int(each[0, 0]) for each in pixels] == [0, 255, 128]


def test_a_page_of_maps_is_small() -> None:
    maps = np.random.default_rng(0).normal(size=(14, 14, 64))
    text = grid(map_cells(maps), "conv")
    assert len(text) < 150_000
    assert len(re.findall(r'alt="([^"]+)"', unescape(text))) == 64
