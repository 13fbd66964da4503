"""`%cnn data` and `%cnn predict`, in a terminal and in a notebook, on a small folder of images."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cnnmagic.errors import DataError, RunError
from cnnmagic.pipeline import make_plan
from cnnmagic.session import Session
from cnnmagic.verbs import act
from tests.engine.photos import BAD, encoded, folder

NET = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("verbs") / "photos", 12)


@pytest.fixture(scope="module")
def session(photos: Path) -> Session:
    made = Session()
    made.run_cell("net", f"data images:{photos}\n{NET}\ntrain epochs=1 checkpoint=no tune=no", wait=True)
    return made


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """What a notebook would show."""
    told: list[dict[str, str]] = []
    monkeypatch.setattr(Session, "is_notebook", property(lambda session: True))
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: told.append(bundle))
    return told


def test_data_is_looked_through_before_a_training(photos, capsys):
    session = Session()
    session.run_cell("planned", f"data images:{photos}\n{NET}")
    capsys.readouterr()
    act(session, "data planned")
    told = capsys.readouterr().out
    assert "24 images in 2 classes" in told and "sizes: 12x12 (24)" in told and "dark" in told


def test_spoilt_files_are_told_and_stop_nothing(tmp_path, capsys):
    path = folder(tmp_path / "a", 12)
    for name, content in BAD.items():
        (path / "dark" / name).write_bytes(content)
    session = Session()
    session.run_cell("net", f"data images:{path}\n{NET}")
    act(session, "data net")
    told = capsys.readouterr().out
    assert all(f"dark/{name} " in told for name in BAD)


def test_the_page_of_a_notebook_holds_pictures_and_escapes_names(tmp_path, shown):
    path = folder(tmp_path / "a", 12)
    (path / "dark").rename(path / "<b>dark")
    session = Session()
    session.run_cell("net", f"data images:{path}\naugment rotate 45\n{NET}")
    act(session, "data net")
    html = shown[-1]["text/html"]
    assert "<b>" not in html and "&lt;b&gt;dark" in html and html.count("data:image/png") == 8 + 2 * 3
    assert "24 images" in shown[-1]["text/plain"]


def test_a_network_without_data():
    session = Session()
    session.run_cell("net", "input 8x8x1\nflatten\noutput 2")
    with pytest.raises(RunError, match="no data"):
        act(session, "data net")


def test_a_photo_is_predicted_by_its_path(session, photos, capsys):
    act(session, f"predict net {photos / 'dark' / '1.png'}")
    told = capsys.readouterr().out
    assert told.startswith("1.png  ") and "dark" in told and "light" in told and told.count("%") == 2
    act(session, f"predict {photos / 'dark' / '1.png'} {photos / 'light' / '2.png'}")
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["1.png", "2.png"]


def test_a_notebook_shows_the_photo(session, photos, shown):
    act(session, f"predict net {photos / 'light' / '3.png'}")
    assert shown[-1]["text/html"].count("data:image/png") == 1 and "3.png: " in shown[-1]["text/html"]


def test_a_photo_that_is_not_there(session, tmp_path):
    (tmp_path / "words.png").write_text("no image")
    for name, told in (("nowhere.png", "is not there"), (tmp_path / "words.png", "is text and no image")):
        with pytest.raises(Exception, match=told):
            act(session, f"predict net {name}")
    with pytest.raises(RunError, match="neither a file nor a variable"):
        act(session, "predict net nothing")


@pytest.mark.parametrize("files", [({"content": encoded()},), {"a.png": {"content": encoded()}}])
def test_the_files_of_an_upload_widget(files: Any, session, capsys):
    session.shell = SimpleNamespace(user_ns={"upload": SimpleNamespace(accept="image/*", value=files)})
    try:
        act(session, "predict net upload")
    finally:
        session.shell = None
    assert "%" in capsys.readouterr().out


def test_what_is_no_image_is_told(session, photos):
    with pytest.raises(RunError, match="`predict` needs images"):
        act(session, "predict net")
    with pytest.raises(RunError) as error:
        act(session, f"predict net {photos}")
    assert (
        str(error.value) == f"`{photos}` is a folder.\nGive the path of an image in it: `{photos / 'dark' / '0.png'}`."
    )


def test_a_variable_comes_before_a_folder_of_its_name_and_is_named_in_errors(session, photos, monkeypatch, capsys):
    monkeypatch.chdir(photos.parent)
    variables = {
        "photos": np.full((3, 12, 12, 3), 200, np.uint8),
        "labels": np.arange(90),
        "half": np.full((12, 12, 3), 0.5),
    }
    session.shell = SimpleNamespace(user_ns=variables)
    try:
        act(session, "predict net photos")
        assert len(capsys.readouterr().out.splitlines()) == 3
        for name, told in (
            ("labels", "`labels` has 1 dimensions (90)"),
            ("{{half}}", "`half` holds fractions up to 0.5"),
        ):
            with pytest.raises(DataError) as error:
                act(session, f"predict net {name}")
            assert str(error.value).startswith(told)
        del variables["photos"]
        with pytest.raises(RunError, match="`photos` is a folder"):
            act(session, "predict net photos")
    finally:
        session.shell = None


def test_images_of_five_channels_are_shown(shown):
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 5)).astype("uint8")
    session = Session(SimpleNamespace(user_ns={"x": images, "y": np.arange(20) % 2}, push=lambda *_, **__: None))
    session.start(
        "net", make_plan("data {{x}} {{y}}\nflatten\noutput\ntrain epochs=1 tune=no checkpoint=no", session.variables)
    )
    for words in ("data net", "predict net x"):
        act(session, words)
        assert shown[-1]["text/html"].count("data:image/png") == (8 if words == "data net" else 20)
