"""Data sources to facts and to splits; files and downloads that are not as they should be."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic.datasets import NAMED, Arrays, Facts, File
from cnnmagic.engine.data import describe, load
from cnnmagic.engine.splits import Dataset
from cnnmagic.errors import DataError, MissingData, PlanError
from cnnmagic.pipeline import make_plan
from cnnmagic.plans import Training

RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.integers(0, 256, (60, 8, 8), np.uint8)
LABELS = np.arange(60) % 3
NET = "conv 2 3x3\nflatten\noutput"


def splits(data: str, train: str = "train", seed: str = "", **variables: Any) -> Dataset:
    return load(make_plan("\n".join([f"data {data}", NET, train, seed]), variables))


def numbered(count: int) -> np.ndarray:
    """Images that each hold their own number, so that any split tells which ones it took."""
    return np.broadcast_to(np.arange(count, dtype=np.float32)[:, None, None, None], (count, 4, 4, 1)).copy()


def taken(*parts: Any) -> list[set[float]]:
    return [set(part.images[:, 0, 0, 0].tolist()) for part in parts]


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ((PIXELS, LABELS), Facts((8, 8, 1), ("0", "1", "2"), 1 / 255, 60)),
        ((PIXELS / 255, LABELS + 1), Facts((8, 8, 1), ("1", "2", "3"), None, 60)),
        ((PIXELS, LABELS, PIXELS[:9], LABELS[:9]), Facts((8, 8, 1), ("0", "1", "2"), 1 / 255, 60, 9)),
        ((np.zeros((60, 6, 5, 3), np.uint16), LABELS), Facts((6, 5, 3), ("0", "1", "2"), None, 60)),
        ((PIXELS.tolist(), LABELS.tolist()), Facts((8, 8, 1), ("0", "1", "2"), 1 / 255, 60)),
    ],
)
def test_facts_of_arrays_and_of_a_file_agree(values: tuple[Any, ...], facts: Facts, tmp_path: Path) -> None:
    names = ("x_train", "y_train", "x_test", "y_test")[: len(values)]
    arrays: dict[str, Any] = dict(zip(names, values, strict=True))
    assert describe(Arrays(names, values)) == facts
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    assert describe(File(str(tmp_path / "a.npz"))) == facts


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("x", "y"),
        ("X", "y"),
        ("images", "labels"),
        ("data", "target"),
    ],
)
def test_names_of_arrays_in_files(names: tuple[str, ...], tmp_path: Path) -> None:
    values = (PIXELS, LABELS, PIXELS[:9], LABELS[:9])
    arrays: dict[str, Any] = dict(zip(names, values, strict=False))
    np.savez(tmp_path / "a.npz", extra=np.ones(1), **arrays)
    assert describe(File(str(tmp_path / "a.npz"))).tests == (9 if len(names) == 4 else 0)


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def text_file(path: Path) -> None:
    path.write_text("not found")


def cut_file(path: Path) -> None:
    np.savez_compressed(path, x=PIXELS, y=LABELS)
    path.write_bytes(path.read_bytes()[:-200])


def spoilt_file(path: Path, member: str) -> None:
    """An archive whose directory is whole, and one array's bytes are not."""
    np.savez_compressed(path, x=PIXELS, y=LABELS)
    content = bytearray(path.read_bytes())
    start = content.index(member.encode() + b".npy") + 40
    content[start : start + 60] = bytes(60)
    path.write_bytes(bytes(content))


def single_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, PIXELS)


def pickled_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.array([{}], object), allow_pickle=True)


FILES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": empty_file,
    "text": text_file,
    "cut": cut_file,
    "spoilt images": lambda path: spoilt_file(path, "x"),
    "spoilt labels": lambda path: spoilt_file(path, "y"),
    "one npy array": single_array,
    "pickled": pickled_array,
    "no arrays": lambda path: np.savez(path),
    "other names": lambda path: np.savez(path, pictures=PIXELS, kinds=LABELS),
    "images alone": lambda path: np.savez(path, x_train=PIXELS, x_test=PIXELS),
    "object images": lambda path: np.savez(path, x=np.array([PIXELS[0], PIXELS[:2]], object), y=LABELS[:2]),
    "object labels": lambda path: np.savez(path, x=PIXELS, y=LABELS.astype(object)),
    "words for images": lambda path: np.savez(path, x=np.full((60, 8, 8, 1), "a"), y=LABELS),
    "rows": lambda path: np.savez(path, x=PIXELS.reshape(60, 64), y=LABELS),
    "fewer labels": lambda path: np.savez(path, x=PIXELS, y=LABELS[:59]),
    "no images": lambda path: np.savez(path, x=PIXELS[:0], y=LABELS[:0]),
    "fewer test labels": lambda path: np.savez(path, x_train=PIXELS, y_train=LABELS, x_test=PIXELS, y_test=LABELS[:9]),
    "test labels outside": lambda path: np.savez(
        path, x_train=PIXELS, y_train=LABELS, x_test=PIXELS, y_test=LABELS + 1
    ),
    "test images of another size": lambda path: np.savez(
        path, x_train=PIXELS, y_train=LABELS, x_test=PIXELS[:, :7], y_test=LABELS
    ),
    "NaN in the test": lambda path: np.savez(
        path, x_train=PIXELS / 255, y_train=LABELS, x_test=np.full((60, 8, 8), np.nan), y_test=LABELS
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_bad_files(
    case: str, golden: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    FILES[case](tmp_path / "a.npz")
    with pytest.raises(DataError) as caught:
        describe(File("a.npz"))
        splits("a.npz")
    golden(f"errors/data_npz_{case.replace(' ', '_')}.txt", str(caught.value).replace(str(tmp_path), "FOLDER"))


def test_a_missing_file_is_missing_data_and_names_its_neighbours(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x=PIXELS, y=LABELS)
    with pytest.raises(MissingData, match="there is no file") as caught:
        describe(File(str(tmp_path / "minst.npz")))
    assert "In that folder there are `mnist.npz`" in str(caught.value)


@pytest.mark.parametrize(
    ("counts", "test", "validation", "sizes"),
    [
        ((50, 50), 0.2, 0.1, (72, 8, 20)),
        ((90, 10), 0.2, 0.5, (40, 40, 20)),
        ((60, 30, 10), 0.1, 0, (90, 0, 10)),
        ((60, 30, 10), 0, 0.1, (90, 10, 0)),
    ],
)
def test_splits_keep_the_shares_and_share_nothing(
    counts: tuple[int, ...], test: float, validation: float, sizes: tuple[int, ...]
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    data = splits(f"{{{{x}}}} {{{{y}}}} test={test}", f"train validation={validation}", x=numbered(100), y=labels)
    parts = data.train, data.validation, data.test
    assert tuple(map(len, parts)) == sizes
    assert set.union(*taken(*parts)) == set(range(100))
    for part in parts:
        assert part.labels.tolist() == labels[part.images[:, 0, 0, 0].astype(int)].tolist()
        found = np.bincount(part.labels, minlength=len(counts))
        assert np.abs(found - np.array(counts) / 100 * len(part)).max() < 1
    assert data.notes == ()


def test_splits_hang_on_the_seed_alone() -> None:
    one, same, other = (splits("digits", seed=f"seed {number}") for number in (1, 1, 2))
    for name in ("train", "validation", "test"):
        images, again, else_ = (getattr(data, name).images for data in (one, same, other))
        assert (images == again).all()
        assert (images != else_).any()


def test_the_test_set_is_the_same_for_any_share_of_validation() -> None:
    one, other = (splits("digits", f"train validation={share}") for share in (0.1, 0.4))
    assert (one.test.images == other.test.images).all()


def test_a_test_set_of_the_data_stays_apart() -> None:
    x, y = numbered(60), LABELS
    data = splits("{{x}} {{y}} {{t}} {{u}}", x=x[:40], y=y[:40], t=x[40:], u=y[40:])
    assert taken(data.test) == [set(range(40, 60))]
    assert (data.test.images == x[40:]).all()
    assert set.union(*taken(data.train, data.validation)) == set(range(40))


def test_rare_classes_are_said() -> None:
    labels = np.array([0] * 20 + [1])
    data = splits("{{x}} {{y}}", x=numbered(21), y=labels)
    assert "too few images in some classes to keep their shares in the test set" in data.notes


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_images(count: int) -> None:
    variables: dict[str, Any] = {"x": numbered(count), "y": np.arange(count)}
    with pytest.raises(PlanError, match="leaves none to train on"):
        splits("{{x}} {{y}}", **variables)
    planned = make_plan("data {{x}} {{y}}\nflatten\ndense 2 softmax", variables)
    with pytest.raises(DataError, match="too few"):
        load(replace(planned, training=Training()))


def test_digits() -> None:
    data = splits("digits")
    assert (len(data.train), len(data.validation), len(data.test)) == (1294, 144, 359)
    assert data.train.images.dtype == np.uint8
    assert data.train.images.max() == 16
    assert data.classes == tuple("0123456789")
    assert NAMED["digits"].examples == 1294 + 144 + 359


def test_mnist_file_is_described_without_its_images(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    original = np.lib.npyio.NpzFile.__getitem__

    def watched(archive: Any, key: str) -> Any:
        read.append(key)
        return original(archive, key)

    monkeypatch.setattr(np.lib.npyio.NpzFile, "__getitem__", watched)
    assert describe(File(str(data_folder / "mnist.npz"))) == NAMED["mnist"]
    assert read == ["y_train"]


def test_mnist_file_is_split(data_folder: Path) -> None:
    data = splits(f'"{data_folder / "mnist.npz"}"')
    assert (len(data.train), len(data.validation), len(data.test)) == (54_000, 6_000, 10_000)
    assert data.train.images.shape[1:] == (28, 28, 1)
    assert data.train.images.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"digits"}))
def test_a_download_that_fails(name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnmagic.engine.backend import load_keras

    def fail() -> None:
        raise Exception(f"URL fetch failure on https://storage.googleapis.com/{name}: None -- [Errno -3] no network")

    monkeypatch.setattr(getattr(load_keras().datasets, name), "load_data", fail)
    with pytest.raises(MissingData) as caught:
        splits(name)
    golden(f"errors/data_download_{name}.txt", str(caught.value))


def test_what_keras_gives_is_split(monkeypatch: pytest.MonkeyPatch) -> None:
    from cnnmagic.engine.backend import load_keras

    images = RANDOM.integers(0, 256, (100, 32, 32, 3), np.uint8)
    labels = (np.arange(100) % 10)[:, None]
    monkeypatch.setattr(
        load_keras().datasets.cifar10, "load_data", lambda: ((images, labels), (images[:20], labels[:20]))
    )
    data = splits("cifar10")
    assert (len(data.train), len(data.validation), len(data.test)) == (90, 10, 20)
    assert data.classes[0] == "airplane"
    assert (data.test.images == images[:20]).all()


PREPARED = {
    "one image": ((8, 8), (1, 8, 8, 1)),
    "one image with its channel": ((8, 8, 1), (1, 8, 8, 1)),
    "many": ((5, 8, 8), (5, 8, 8, 1)),
    "many with their channel": ((5, 8, 8, 1), (5, 8, 8, 1)),
    "as many as rows": ((8, 8, 8), (8, 8, 8, 1)),
}


@pytest.mark.parametrize("case", PREPARED)
def test_images_of_a_user_are_prepared(case: str) -> None:
    given, expected = PREPARED[case]
    assert splits("{{x}} {{y}}", x=PIXELS, y=LABELS).prepare(np.ones(given)).shape == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((6, 6, 3), (1, 8, 8, 3)),
        ((4, 6, 6, 3), (4, 8, 8, 3)),
        ((5, 7, 3), (1, 8, 8, 3)),
        ((8, 8, 3), (1, 8, 8, 3)),
    ],
)
def test_images_of_a_user_are_resized(given: tuple[int, ...], expected: tuple[int, ...]) -> None:
    images = RANDOM.integers(0, 256, (60, 6, 6, 3), np.uint8)
    plan = make_plan(f"data {{{{x}}}} {{{{y}}}}\nresize 8x8\n{NET}\ntrain", {"x": images, "y": LABELS})
    assert load(plan).prepare(np.ones(given, np.uint8)).shape == expected


@pytest.mark.parametrize("shape", [(9, 9), (5, 9, 9), (5, 8, 8, 3), (64,), (5, 64), (8, 8, 3), (0, 8, 8)])
def test_images_that_the_network_cannot_take_are_refused(shape: tuple[int, ...]) -> None:
    data = splits("{{x}} {{y}}", x=PIXELS, y=LABELS)
    with pytest.raises(DataError):
        data.prepare(np.ones(shape))


def test_resize_keeps_values_and_type() -> None:
    images = np.full((60, 6, 6, 1), 200, np.uint8)
    plan = make_plan(f"data {{{{x}}}} {{{{y}}}}\nresize 12x9\n{NET}\ntrain", {"x": images, "y": LABELS})
    train = load(plan).train.images
    assert train.shape[1:] == (12, 9, 1)
    assert train.dtype == np.uint8
    assert set(np.unique(train).tolist()) == {200}
