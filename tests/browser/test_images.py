"""The pages of images as their user meets them: a look through the data, and a photo of one's own predicted."""

import pytest

from tests.browser.access import violations
from tests.engine.photos import encoded, folder

CELL = """%%cnn net --wait
data images:{path}
conv 4 3x3 relu
globalavgpool
output
train epochs=1 batch=8 checkpoint=no tune=no
seed 1"""


@pytest.fixture
def looked(lab, tmp_path):
    """A notebook that has trained on a folder of images, looked through it, and predicted one more image."""
    path, photo = folder(tmp_path / "photos", 24), tmp_path / "own.png"
    photo.write_bytes(encoded(12, 12, 200))
    cells = ["%load_ext cnnmagic", CELL.format(path=path), "%cnn data net", f"%cnn predict net {photo}"]
    notebook = lab.open(cells)
    for number in range(len(cells)):
        notebook.run_and_wait(number)
    return notebook


def test_data_and_predictions_are_seen(looked, axe):
    data, predicted = looked.output(2), looked.output(3)
    data.locator("img").first.wait_for()
    assert "48 images in 2 classes" in data.inner_text()
    predicted.locator("img").first.wait_for()
    assert "%" in predicted.inner_text()
    for output in (data, predicted):
        for image in output.locator("img").all():
            assert image.get_attribute("alt")
            assert image.evaluate("image => image.complete && image.naturalWidth > 0")
    assert violations(looked, 2, axe) == violations(looked, 3, axe) == []
