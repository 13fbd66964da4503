"""The picture that stays: a whole SVG inside an image, and the same in words."""

import base64
import re
from collections.abc import Callable
from html import unescape
from xml.etree import ElementTree

import pytest

from cnnmagic.events import Failed
from cnnmagic.state import advance
from cnnmagic.ui.glance import glance
from cnnmagic.ui.picture import HEIGHT, WIDTH, alternative, picture, picture_html
from tests.ui.states import BIG, HOSTILE, SCRIPT, STARTED, STATES, batch, fold, whole

SVG = "{http://www.w3.org/2000/svg}"


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("name", STATES)
def test_words(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"ui/picture_{name}.txt", alternative(STATES[name]))


@pytest.mark.parametrize("name", STATES)
def test_the_picture_says_what_a_glance_says(name: str) -> None:
    root, words = ElementTree.fromstring(picture(STATES[name])), glance(STATES[name])
    told = texts(root)
    assert (root.get("width"), root.get("viewBox")) == (str(WIDTH), f"0 0 {WIDTH} {HEIGHT}")
    assert told[0].startswith(words.name + words.phase)
    assert {words.clock, words.pace} <= set(told)
    assert words.cause or words.scores in told
    _, _, bar = root.iter(f"{SVG}rect")
    assert float(bar.get("width", "")) == pytest.approx((WIDTH - 32) * words.progress, abs=0.5)


@pytest.mark.parametrize("state", [*STATES.values(), HOSTILE, BIG], ids=[*STATES, "hostile", "big"])
def test_it_is_one_image_with_its_words(state) -> None:
    html = picture_html(state)
    ((alt, data),) = re.findall(r'<img alt="([^"<>]*)" [^<>]*src="data:image/svg\+xml;base64,([^"]+)"/>', html)
    assert html.count("<") == 1
    assert unescape(alt) == alternative(state)
    assert base64.b64decode(data).decode() == picture(state)
    assert len(html) < 20_000


def test_text_of_users_is_escaped() -> None:
    root = ElementTree.fromstring(picture(HOSTILE))
    assert not list(root.iter(f"{SVG}script"))
    assert any(SCRIPT in text for text in texts(root))


@pytest.mark.parametrize("name", ["training", "long_name", "long_cause"])
def test_words_stay_in_the_picture(name: str) -> None:
    """At 13 pixels a letter takes about 7 of the width."""
    cause = Failed(ValueError("Received a label value of 99 which is outside the valid range. " * 9), 1_050.0)
    states = {
        "training": STATES["training"],
        "long_name": fold(STARTED, *whole(2), batch(3, 210), name="my_" * 50),
        "long_cause": advance(STATES["training"], cause),
    }
    for element in ElementTree.fromstring(picture(states[name])):
        if element.tag == f"{SVG}text":
            assert 7 * len("".join(element.itertext())) < WIDTH
