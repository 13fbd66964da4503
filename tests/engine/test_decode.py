"""Encoded images to pixels: formats and modes held against Pillow, and what spoilt files say."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnmagic.engine.decode import Form, Unreadable, decode, read_header
from cnnmagic.errors import DataError
from cnnmagic.pipeline import make_plan
from cnnmagic.plans import Resize
from tests.engine.photos import BAD, GOOD, animated, deep, encoded

ANY = Form(None, None, 3)


@pytest.mark.parametrize("name", GOOD)
def test_what_only_looks_odd_is_read_as_pillow_reads_it(name):
    pixels, header = decode(GOOD[name], ANY)
    expected = np.asarray(Image.open(io.BytesIO(GOOD[name])).convert("RGB"))
    assert pixels.shape == (12, 12, 3) and pixels.dtype == np.uint8 and (header.height, header.width) == (12, 12)
    if name != "deep.png":  # Pillow cuts 16 bits off at 255
        assert (pixels == expected).all()


def test_sixteen_bits_become_eight():
    assert set(np.unique(decode(deep(), Form(12, 12, 1))[0]).tolist()) == {128}


def test_a_gif_is_its_first_frame():
    assert decode(animated(), ANY)[0][0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("truncated.jpg", "cut short"),
        ("text.png", "is text and no image: it begins with `not an image"),
        ("empty.jpg", "is empty"),
        ("nothing.png", "0x0|no image|spoilt"),
        ("bomb.png", "decompression bomb"),
    ],
)
def test_what_is_spoilt_says_why(name, told):
    with pytest.raises(Unreadable, match=told):
        decode(BAD[name], ANY)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_are_those_of_the_network(channels):
    assert decode(encoded(mode="RGBA"), Form(None, None, channels))[0].shape == (12, 12, channels)


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
def test_resize(how):
    pixels, header = decode(encoded(20, 40, shade=200), Form(10, 10, 3, Resize(10, 10, how)))
    assert pixels.shape == (10, 10, 3) and (header.height, header.width) == (20, 40)
    assert (pixels[0] == 0).all() == (how == "pad")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_stand_upright(orientation):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:4, :4] = 255  # a white corner tells where the top left has gone
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(buffer, "JPEG", exif=exif, quality=95)
    found, header = decode(buffer.getvalue(), ANY)
    assert found.shape[:2] == (header.height, header.width) == ((16, 8) if orientation > 4 else (8, 16))
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert found[corner[orientation]].mean() > 200


def test_a_header_is_read_without_its_pixels():
    header = read_header(encoded(30, 20, mode="L"))
    assert (header.height, header.width, header.channels, header.kind) == (30, 20, 1, "PNG")


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "TIFF", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("top", [60, 4_000, 65_535])
def test_sixteen_bits_are_read_by_one_rule_whatever_the_image_holds(top):
    pixels = np.linspace(0, top, 144).reshape(12, 12).astype("uint16")
    assert (decode(tiff(pixels), Form(None, None, 1))[0][..., 0] == np.rint(pixels / 257)).all()


@pytest.mark.parametrize(
    ("kind", "top", "told"),
    [("int32", 60, "numbers of 32 bits"), ("int32", 70_000, "numbers"), ("float32", 4_000, "fractions of 32 bits")],
)
def test_pixels_of_32_bits_are_refused(kind, top, told):
    content = tiff(np.linspace(0, top, 144).reshape(12, 12).astype(kind))
    for read in (read_header, lambda given: decode(given, ANY)):
        with pytest.raises(Unreadable, match=rf"{told}.*convert it to 8 or 16 bits.*`np.stack`"):
            read(content)


def test_a_folder_of_32_bits_tells_why_before_a_training(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.tif").write_bytes(tiff(np.ones((12, 12), np.float32)))
    with pytest.raises(DataError, match=r"the first, `a/1.tif`, holds fractions of 32 bits"):
        make_plan(f'data "images:{tmp_path}"\nflatten\noutput', {})


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_once(orientation, kind):
    pixels = np.arange(32).reshape(4, 8).astype(kind) * (8 if kind == "uint8" else 2_056)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found, header = decode(tiff(pixels, exif=exif), Form(None, None, 1))
    ways = {1: 0, 3: 2, 6: 3, 8: 1}
    plain = pixels if kind == "uint8" else np.rint(pixels / 257)
    flipped = {2: plain[:, ::-1], 4: plain[::-1], 5: plain.T, 7: plain[::-1, ::-1].T}
    expected = np.rot90(plain, ways[orientation]) if orientation in ways else flipped[orientation]
    assert (found[..., 0] == expected).all() and found.shape[:2] == (header.height, header.width)
