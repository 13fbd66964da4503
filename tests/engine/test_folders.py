"""Folders and archives of images: classes, splits, order, what is left out, and what training makes of them."""

import io
import os
import tarfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cnnmagic
from cnnmagic.engine.data import load
from cnnmagic.engine.folders import list_folder, local
from cnnmagic.engine.photos import facts_of, listing_of
from cnnmagic.engine.reading import read_all
from cnnmagic.engine.splits import fingerprint
from cnnmagic.errors import CnnError, DataError, MissingData, PlanError
from cnnmagic.network_probe import NetworkProbe
from cnnmagic.pipeline import make_plan, source_of
from tests.engine.photos import BAD, GOOD, encoded, folder, mischief

NET = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3"
TRAIN = f"{NET}\ntrain epochs=2 batch=8 checkpoint=no tune=no"


def read(data: Any) -> Any:
    return read_all(dataset(data))


def dataset(data: Any, more: str = "", **variables: Any) -> Any:
    return load(make_plan(f"data {data}\n{more}\n{TRAIN}", variables))


def packed(path: Path, target: Path) -> Path:
    """The folder as an archive of the kind that the target's name tells, its files in any order."""
    files = sorted((file for file in path.rglob("*") if file.is_file()), key=lambda file: file.name)
    if target.suffix == ".zip":
        with zipfile.ZipFile(target, "w") as archive:
            for file in files:
                archive.write(file, file.relative_to(path.parent))
    else:
        with tarfile.open(target, "w:gz" if target.suffix == ".tgz" else "w") as archive:
            for file in files:
                archive.add(file, file.relative_to(path.parent))
    return target


def test_classes_are_folders(tmp_path):
    found = list_folder(str(folder(tmp_path / "a")))
    assert found.classes == ("dark", "light") and list(found.rows) == ["train"] and len(found) == 24
    assert found.names[:2] == ["dark/0.png", "dark/1.png"] and found.labels.tolist() == [0] * 12 + [1] * 12
    assert facts_of(found).shape == (12, 12, 3)


@pytest.mark.parametrize("names", [("train", "validation", "test"), ("Training", "val", "testing"), ("train", "valid")])
def test_splits_are_folders(names, tmp_path):
    for number, name in enumerate(names):
        folder(tmp_path / name, 4 + number)
    data = dataset(f"images:{tmp_path}")
    assert [len(data.train), len(data.validation), len(data.test)] == [8, 10, 12 * (len(names) == 3)]


def test_a_test_set_of_its_own_stays_apart(tmp_path):
    data = dataset(f"images:{folder(tmp_path / 'a', splits=True)}")
    assert (len(data.train), len(data.validation), len(data.test)) == (22, 2, 24)
    names = data.album.listing.names
    assert {names[n].split("/")[0] for n in data.test.images.numbers} == {"test"}
    assert {names[n].split("/")[0] for n in data.validation.images.numbers} == {"train"}


def test_the_split_hangs_on_names_and_seed_alone(tmp_path):
    """Files written in another order, and listed in another, are split the same."""
    content = {f"{label}/{n}.png": encoded() for label in ("a", "b") for n in range(20)}
    told = []
    for place, names in (("one", sorted(content)), ("two", sorted(content, reverse=True))):
        for name in names:
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content[name])
        data = dataset(f"images:{tmp_path / place}")
        parts = (data.train, data.validation, data.test)
        told.append([[data.album.listing.names[n] for n in part.images.numbers] for part in parts])
        counts = [np.bincount(part.labels).tolist() for part in parts]
        assert counts == [[14, 15], [2, 1], [4, 4]] or counts == [[15, 14], [1, 2], [4, 4]]
    assert told[0] == told[1]
    other = load(make_plan(f"data images:{tmp_path / 'one'}\n{TRAIN.replace('seed 3', 'seed 4')}", {}))
    assert [other.album.listing.names[n] for n in other.test.images.numbers] != told[0][2]


def test_everything_that_goes_wrong_is_told_by_name_in_one_pass(tmp_path):
    text = f"data images:{mischief(tmp_path / 'a')}\n{TRAIN}"
    before = time.monotonic()
    with pytest.raises(DataError) as caught:
        cnnmagic.train(text)
    assert time.monotonic() - before < 60
    told = str(caught.value)
    assert f"{len(BAD)} images can't be read" in told and all(f"dark/{name} " in told for name in BAD)
    assert not any(name in told for name in GOOD) and "bad=skip" in told


def test_bad_ones_are_skipped_and_listed(tmp_path):
    run = cnnmagic.train(f"data images:{mischief(tmp_path / 'a')} bad=skip\n{TRAIN}")
    kept = sum(len(part) for part in (run.dataset.train, run.dataset.validation, run.dataset.test))
    assert kept == 24 + len(GOOD) and len(run.history["loss"]) == 2
    told = "\n".join(run.state.notes)
    assert all(f"dark/{name} " in told for name in BAD)
    assert "notes.txt" in told and "a link back" in told and "leads nowhere" in told


def test_a_pipe_hangs_nothing(tmp_path):
    os.mkfifo(folder(tmp_path / "a") / "dark" / "pipe.png")
    assert any("no plain file" in line for line in list_folder(str(tmp_path / "a")).aside)


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
def test_an_archive_is_read_in_place_with_identical_results(kind, tmp_path):
    path = folder(tmp_path / "photos", splits=True)
    there = cnnmagic.train(f"data images:{path}\n{TRAIN}")
    packed_run = cnnmagic.train(f"data {packed(path, tmp_path / f'photos.{kind}')}\n{TRAIN}")
    assert packed_run.history["loss"] == there.history["loss"]
    assert packed_run.history["val_loss"] == there.history["val_loss"]
    assert fingerprint(packed_run.dataset) == fingerprint(there.dataset)
    assert packed_run.evaluate() == there.evaluate()


def test_the_sample_of_cifar_from_the_folder_and_from_the_zip(data_folder, tmp_path):
    zipfile.ZipFile(data_folder / "cifar10-small.zip").extractall(tmp_path)
    both = f"images:{tmp_path / 'cifar10-small'}", data_folder / "cifar10-small.zip"
    found = [read(path) for path in both]
    for data in found:
        assert (len(data.train), len(data.validation), len(data.test)) == (1_800, 200, 500)
        assert np.bincount(data.test.labels).tolist() == [50] * 10 and data.classes[0] == "airplane"
    for name in ("train", "validation", "test"):
        assert (getattr(found[0], name).images == getattr(found[1], name).images).all()


def test_korean_names_of_a_zip_that_windows_wrote(tmp_path):
    class Written(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):
            return self.filename.encode("cp949"), self.flag_bits

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for label in ("고양이", "강아지"):
            for number in range(3):
                archive.writestr(Written(f"{label}/{number}.png"), encoded())
    found: Any = listing_of(source_of(str(tmp_path / "a.zip")))
    assert found.classes == ("강아지", "고양이")


def test_names_are_the_same_on_macos(tmp_path):
    """There a syllable may be written in its parts."""
    import unicodedata

    for place in ("one", "two"):
        for label in ("고양이", "새"):
            path = tmp_path / place / (label if place == "one" else unicodedata.normalize("NFD", label))
            path.mkdir(parents=True)
            (path / "1.png").write_bytes(encoded())
    assert list_folder(str(tmp_path / "one")).classes == list_folder(str(tmp_path / "two")).classes


def test_blanks_and_variables_in_paths(tmp_path):
    path = folder(tmp_path / "my photos")
    for data in (f'images:"{path}"', f'"images:{path}"', "images:{{path}}", "{{text}}"):
        plan = make_plan(f"data {data}\n{NET}", {"path": path, "text": f"images:{path}"})
        assert plan.facts and plan.facts.examples == 24


def test_paths_of_databricks():
    assert local("dbfs:/data/photos") == Path("/dbfs/data/photos")
    with pytest.raises(MissingData, match="/Volumes/main/a/photos"):
        list_folder("/Volumes/main/a/photos")


@pytest.mark.skipif(Path("/dbfs").exists(), reason="this machine has a /dbfs")
@pytest.mark.parametrize("data", ["images:dbfs:/photos", "dbfs:/photos.npz", "dbfs:/photos.zip", "dbfs:/photos.csv"])
def test_dbfs_that_is_not_mounted_is_told(data):
    with pytest.raises(CnnError, match=r"`/dbfs` is not mounted here: put the data on a volume"):
        make_plan(f"data {data}\n{TRAIN}", {})


def test_a_plan_needs_no_folder_where_the_text_says_enough(tmp_path):
    plan = make_plan(f"data images:{tmp_path / 'none'}\ninput 32x32x3\nflatten\noutput 5", {})
    assert plan.output is not None and plan.output.units == 5 and any("not there yet" in note for note in plan.notes)
    with pytest.raises(DataError, match="there is no folder"):
        make_plan(f"data images:{tmp_path / 'none'}\n{TRAIN}", {})


@pytest.mark.parametrize("channels", [1, 3])
def test_channels_follow_the_input_line(channels, tmp_path):
    data = dataset(f"images:{folder(tmp_path / 'a')}", f"input 12x12x{channels}")
    assert data.train.images[:2].shape == (2, 12, 12, channels)


def test_a_folder_without_classes(tmp_path):
    (tmp_path / "1.png").write_bytes(encoded())
    with pytest.raises(DataError, match="no folder for each class") as caught:
        list_folder(str(tmp_path))
    assert "photos/cat/1.jpg" in str(caught.value)


def test_balance_weighs_the_classes(tmp_path):
    path = folder(tmp_path / "a")
    for number in range(100, 124):
        (path / "dark" / f"{number}.png").write_bytes(encoded(shade=40))
    weights = dataset(f"images:{path} balance=weights").weights
    counts = np.bincount(dataset(f"images:{path}").train.labels)
    assert weights[1] / weights[0] == pytest.approx(counts[0] / counts[1])
    assert sum(weights[n] * counts[n] for n in (0, 1)) == pytest.approx(counts.sum())
    run = cnnmagic.train(f"data images:{path} balance=weights\n{TRAIN}")
    assert run.history["loss"] != cnnmagic.train(f"data images:{path}\n{TRAIN}").history["loss"]


def test_mixed_sizes_tell_the_three_ways(tmp_path):
    path = folder(tmp_path / "a", sizes=((12, 12), (16, 20), (24, 24)))
    with pytest.raises(PlanError) as caught:
        make_plan(f"data images:{path}\ninput 16x16x3\n{TRAIN}", {})
    told = str(caught.value)
    assert all(word in told for word in ("12x12 (8)", "16x20 (8)", "24x24 (8)"))
    assert all(word in told for word in ("`resize 16x16`", "`resize 16x16 pad`", "`input ?x?x3`"))


@pytest.mark.parametrize("more", ["resize 16x16", "resize 16x16 crop", "resize 16x16 pad", "input ?x?x3"])
def test_mixed_sizes_train_in_all_ways(more, tmp_path):
    path = folder(tmp_path / "a", sizes=((12, 12), (16, 20), (24, 24)))
    run = cnnmagic.train(f"data images:{path}\n{more}\n{TRAIN}")
    assert len(run.history["val_loss"]) == 2
    again = cnnmagic.train(f"data images:{path}\n{more}\n{TRAIN}")
    assert again.history["loss"] == run.history["loss"]
    photo = path / "dark" / "1.png"
    assert run.predict(photo).shape == (1, 2) and run.predict([photo, path / "dark" / "2.png"]).shape == (2, 2)
    assert set(run.evaluate()) == {"loss", "accuracy"}
    assert NetworkProbe("net", run.plan, run).sizes() == {(12, 12): 8, (16, 20): 8, (24, 24): 8}


def test_a_photo_of_another_size_is_told_in_the_pass(tmp_path, monkeypatch):
    monkeypatch.setattr("cnnmagic.engine.listing.SAMPLE", 3)
    path = folder(tmp_path / "a")
    (path / "dark" / "5.png").write_bytes(encoded(9, 9))
    with pytest.raises(DataError, match="1 image has another size than 12x12: 9x9") as caught:
        cnnmagic.train(f"data images:{path}\n{TRAIN}")
    assert "dark/5.png" in str(caught.value) and "`resize 12x12`" in str(caught.value)


def test_a_photo_is_predicted_as_it_was_trained(tmp_path):
    run = cnnmagic.train(f"data images:{folder(tmp_path / 'a')}\nresize 8x8\n{TRAIN}")
    number = int(run.dataset.album.listing.names.index("dark/3.png"))
    pixels = run.dataset.album.read(number)
    by_path = run.predict(tmp_path / "a" / "dark" / "3.png")
    assert (by_path == run.model.predict(pixels[None], verbose=0)).all()
    raw = np.asarray(Image.open(tmp_path / "a" / "dark" / "3.png"))
    assert (run.predict(raw) == by_path).all()
    with pytest.raises(DataError, match="is not there"):
        run.predict("nowhere.png")


def test_a_stop_ends_the_first_pass(tmp_path):
    data = dataset(f"images:{folder(tmp_path / 'a', 40)}")
    told: list[tuple[int, int]] = []
    assert read_all(data, lambda *done: told.append(done), lambda: True) is None
    assert not told
    whole = read_all(data, lambda *done: told.append(done))
    assert whole is not None and told[-1] == (80, 80)


@pytest.mark.parametrize("more", ["", "input ?x?x3"])
def test_a_stopped_training_goes_on_to_the_same_numbers(more, tmp_path, monkeypatch):
    monkeypatch.setattr("cnnmagic.engine.cache.HELD_BYTES", 0)
    path = folder(tmp_path / "a", 40, sizes=((12, 12), (20, 16)) if more else ((12, 12),))
    text = f"data images:{path}\n{more}\n{NET}\ntrain epochs=3 batch=8 tune=no"
    whole = cnnmagic.train(text, name="whole")
    broken = cnnmagic.train(text, wait=False, name="broken")
    while not broken.state.points and not broken.is_done:
        broken.wait(0.01)
    broken.stop()
    broken.wait()
    again = cnnmagic.resume("broken") if broken.state.phase == "stopped" else broken
    assert again.history["loss"] == pytest.approx(whole.history["loss"], abs=1e-6)


def test_bytes_of_a_zip_with_a_password_or_spoilt(tmp_path):
    path = packed(folder(tmp_path / "photos"), tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    start = content.index(b"photos/dark/3.png") + 40
    content[start : start + 60] = bytes(60)
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"dark/3.png"):
        read(path)
    (tmp_path / "b.zip").write_bytes(io.BytesIO(b"PK nothing").getvalue())
    with pytest.raises(DataError, match="can't be read as an archive"):
        dataset(tmp_path / "b.zip")


def moved(path: Path, names: dict[str, str]) -> Path:
    for old, new in names.items():
        (path / new).parent.mkdir(parents=True, exist_ok=True)
        (path / old).rename(path / new)
    return path


def test_a_class_may_be_called_train(tmp_path):
    path = moved(folder(tmp_path / "a"), {"dark": "train", "light": "bus"})
    found = list_folder(str(path))
    assert found.classes == ("bus", "train") and list(found.rows) == ["train"] and len(found) == 24


def test_train_beside_a_folder_of_something_else_is_a_split(tmp_path):
    path = moved(folder(tmp_path / "a"), {"dark": "train/dark", "light": "train/light"})
    (path / "raw").mkdir()
    (path / "raw" / "1.png").write_bytes((path / "train" / "dark" / "1.png").read_bytes())
    found = list_folder(str(path))
    assert found.classes == ("dark", "light") and len(found) == 24
