"""Small JPEG and PNG files decoded together: the pixels are Pillow's own, and what is not plain is left to it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnmagic.engine import together
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.decode import Form, decode
from cnnmagic.engine.reading import read_all
from cnnmagic.engine.together import AT_ONCE, decode_together, plain_size, serves
from cnnmagic.pipeline import load_data, make_plan
from cnnmagic.plans import Resize

FORM = Form(24, 32, 3, Resize(24, 32))
PLAIN: list[dict[str, Any]] = [
    {"quality": 90},
    {"quality": 40},
    {"quality": 100, "subsampling": 0},
    {"quality": 75, "subsampling": 1},
    {"quality": 75, "subsampling": 2},
    {"quality": 85, "progressive": True},
    {"quality": 85, "optimize": True},
]

pytestmark = pytest.mark.skipif(load_keras().backend.backend() != "tensorflow", reason="TensorFlow decodes")


def encoded(mode: str = "RGB", height: int = 24, width: int = 32, kind: str = "JPEG", **options: Any) -> bytes:
    random = np.random.default_rng(len(options) + height)
    coarse = random.integers(0, 256, (6, 8, 4 if mode == "CMYK" else 3), dtype=np.uint8)
    image = Image.fromarray(coarse, "CMYK" if mode == "CMYK" else "RGB").resize((width, height)).convert(mode)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("options", PLAIN)
def test_pixels_are_those_of_pillow(options: dict[str, Any]) -> None:
    contents = [encoded(**options)] * (AT_ONCE - 1) + [encoded(quality=61)]
    found = decode_together(contents, FORM)
    assert found is not None
    for pixels, content in zip(found, contents, strict=True):
        expected, header = decode(content, FORM)
        assert np.array_equal(pixels, expected)
        assert plain_size(content) == (header.height, header.width)


@pytest.mark.parametrize("channels, mode, size", [(1, "L", 1), (3, "L", 1), (3, "RGB", 2)])
def test_pixels_of_plain_png_are_those_of_pillow(channels: int, mode: str, size: int) -> None:
    form = Form(None, None, channels)
    contents = [encoded(mode, 24 + number % size, kind="PNG") for number in range(AT_ONCE)]
    found = decode_together(contents, form)
    assert found is not None
    for pixels, content in zip(found, contents, strict=True):
        assert np.array_equal(pixels, decode(content, form)[0])


OTHER_PNG = {
    "transparent": encoded("RGBA", kind="PNG"),
    "with a palette": encoded("P", kind="PNG"),
    "of 16 bits": encoded("I;16", kind="PNG"),
    "of 1 bit": encoded("1", kind="PNG"),
    "with a colour that is transparent": encoded(kind="PNG", transparency=(1, 2, 3)),
    "cut short": encoded(kind="PNG")[:-200],
    "interlaced": encoded(kind="PNG")[:28] + b"\x01" + encoded(kind="PNG")[29:],
    "cut in its head": encoded(kind="PNG")[:20],
    "spoilt": encoded(kind="PNG")[:100] + b"0000" + encoded(kind="PNG")[104:],
    "JPEG": encoded(),
}


@pytest.mark.parametrize("name", OTHER_PNG)
def test_a_png_that_is_not_plain_is_left(name: str) -> None:
    assert decode_together([encoded(kind="PNG")] * (AT_ONCE - 1) + [OTHER_PNG[name]], FORM) is None
    assert decode_together([encoded("RGB", kind="PNG")] * AT_ONCE, Form(None, None, 1)) is None  # Pillow weighs colours


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(exif=exif.tobytes())


def test_images_of_any_size_keep_theirs() -> None:
    contents = [encoded()] * (AT_ONCE - 2) + [encoded(height=25), encoded(width=7)]
    found = decode_together(contents, Form(None, None, 3))
    assert found is not None
    for pixels, content in zip(found, contents, strict=True):
        assert np.array_equal(pixels, decode(content, Form(None, None, 3))[0])


LEFT = {
    "grey": encoded("L"),
    "CMYK": encoded("CMYK"),
    "another size": encoded(height=25),
    "of another kind": encoded(kind="PNG"),
    "turned": turned(),
    "cut short": encoded()[:-200],
    "empty": b"",
    "text": b"hello",
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_not_plain_is_left(name: str) -> None:
    assert decode_together([encoded()] * (AT_ONCE - 1) + [LEFT[name]], FORM) is None


def test_fewer_are_left() -> None:
    assert decode_together([encoded()] * (AT_ONCE - 1), FORM) is None


def test_it_serves_many_images_without_transparency() -> None:
    assert serves(FORM, 1_000) and serves(Form(8, 8, 1), 5_000)
    assert not serves(FORM, 999) and not serves(Form(8, 8, 4), 5_000)


@pytest.mark.parametrize("usual, rare", [("JPEG", "PNG"), ("PNG", "JPEG")])
def test_a_folder_is_the_same_either_way(
    usual: str, rare: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5 * AT_ONCE):
        path = tmp_path / "ab"[number % 2]
        path.mkdir(exist_ok=True)
        content = turned() if number == 11 else encoded(quality=50 + number % 40, kind=rare if number == 30 else usual)
        (path / f"{number}.jpg").write_bytes(content[:-150] if number in (7, 21) else content)

    def read() -> Any:
        text = f"data images:{tmp_path} bad=skip\nresize 24x32\ngap\noutput\nseed 1\ntrain"
        return read_all(load_data(make_plan(text, {})))

    apart = read()
    assert sum("can't be read" in note for note in apart.notes) == 1
    monkeypatch.setattr(together, "FEWEST", 1)
    quick = read()
    for split in ("train", "validation", "test"):
        one, other = getattr(apart, split), getattr(quick, split)
        assert np.array_equal(one.images[:], other.images[:]) and np.array_equal(one.labels, other.labels)
    assert quick.notes == apart.notes
    assert np.array_equal(apart.album.sizes, quick.album.sizes)
