"""Phrases put right after numbers and words have come into them."""

import pytest

from cnnmagic.wording import well_formed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 rows of zeros, used 1 times, and 1 more kinds", "1 row of zeros, used 1 time, and 1 more kind"),
        ("after 1 epochs, 1 classes, 1 images of 11 images", "after 1 epoch, 1 class, 1 image of 11 images"),
        ("0.1 epochs, 1,001 images, -1 points, 21 classes", "0.1 epochs, 1,001 images, -1 points, 21 classes"),
        ("1(으)로 3(으)로 0.5(으)로 7(으)로 10(으)로", "1로 3으로 0.5로 7로 10으로"),
        ("8(이)라고 9(이)라고 0(이)라고 2(이)라고", "8이라고 9라고 0이라고 2라고"),
        ("꽃(이)라고 강아지(이)라고 물(으)로 `망`(이)라는", "꽃이라고 강아지라고 물로 `망`이라는"),
        ("cat(이)라고 `net`(이)라는", "cat(이)라고 `net`(이)라는"),
    ],
)
def test_well_formed(text: str, told: str) -> None:
    assert well_formed(text) == told
