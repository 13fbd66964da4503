"""The page of a look through the data: what it shows, and names that try to be more than text."""

import numpy as np

from cnnmagic.survey import Finding, Sample, Survey
from cnnmagic.ui.data_page import data_html

EVIL = "<img src=x onerror=alert(1)>"
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def page(name: str) -> str:
    finding = Finding("images that can't be read", tuple(f"{name}/{n}.png is empty" for n in range(30)))
    sample = Sample(f"{name}/1.png", name, PIXELS, (PIXELS[::-1],))
    return data_html(Survey("photos", {name: (5, 1, 2)}, ((4, 4, 8),), (1.0,), (0.5,), (finding,), (sample,)))


def test_the_page_shows_what_was_found():
    html = page("cat")
    assert "cat/0.png is empty" in html and "… and 10 more" in html and "(30)" in html
    assert html.count("data:image/png;base64,") == 2 and "augmented" in html and "4x4 (8)" in html


def test_names_are_text():
    assert "<img src=x" not in page(EVIL) and "&lt;img" in page(EVIL)
