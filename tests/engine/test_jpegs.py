"""Small JPEG files decoded together: the pixels are Pillow's own, and what is not plain is left to it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnmagic.engine import jpegs
from cnnmagic.engine.backend import load_keras
from cnnmagic.engine.decode import Form, decode
from cnnmagic.engine.jpegs import AT_ONCE, decode_together, plain_size, serves
from cnnmagic.engine.reading import read_all
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
    "PNG": encoded(kind="PNG"),
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


def test_it_serves_many_images_of_three_colours() -> None:
    assert serves(FORM, 1_000)
    assert not serves(FORM, 999)
    assert not serves(Form(8, 8, 1), 5_000)


def test_a_folder_is_the_same_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5 * AT_ONCE):
        path = tmp_path / "ab"[number % 2]
        path.mkdir(exist_ok=True)
        content = (
            turned() if number == 11 else encoded(quality=50 + number % 40, kind="PNG" if number == 30 else "JPEG")
        )
        (path / f"{number}.jpg").write_bytes(content[:-150] if number in (7, 21) else content)

    def read() -> Any:
        text = f"data images:{tmp_path} bad=skip\nresize 24x32\ngap\noutput\nseed 1\ntrain"
        return read_all(load_data(make_plan(text, {})))

    apart = read()
    assert sum("can't be read" in note for note in apart.notes) == 1
    monkeypatch.setattr(jpegs, "FEWEST", 1)
    together = read()
    for split in ("train", "validation", "test"):
        one, other = getattr(apart, split), getattr(together, split)
        assert np.array_equal(one.images[:], other.images[:]) and np.array_equal(one.labels, other.labels)
    assert together.notes == apart.notes
    assert np.array_equal(apart.album.sizes, together.album.sizes)
