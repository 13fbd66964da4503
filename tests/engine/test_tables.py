"""Tables, frames, lists of paths and data sets of others: the same images and labels from each of them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.engine.data import describe, load
from cnnmagic.engine.reading import read_all
from cnnmagic.errors import CnnError, DataError
from cnnmagic.pipeline import make_plan, source_of
from tests.engine.photos import SHADES, folder

TRAIN = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3\ntrain epochs=2 batch=8 checkpoint=no tune=no"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder(tmp_path_factory.mktemp("tables") / "photos")


def rows(photos: Path) -> tuple[list[str], list[str]]:
    paths = [f"{label}/{number}.png" for label in SHADES for number in range(12)]
    return paths, [path.split("/")[0] for path in paths]


def images(data: str, **variables: Any) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """All images in the order of their labels and pixels, so that any order is the same."""
    found: Any = read_all(load(make_plan(f"data {data}\n{TRAIN}", variables)))
    parts = (found.train, found.validation, found.test)
    pixels = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    order = np.lexsort([*pixels.reshape(len(pixels), -1)[:, :4].T, labels])
    return pixels[order], labels[order], found.classes


def written(photos: Path, kind: str) -> tuple[str, dict[str, Any]]:
    """The `data` line and the variables of one way to give the same images."""
    paths, labels = rows(photos)
    full = [str(photos / path) for path in paths]
    content = [Path(path).read_bytes() for path in full]
    if kind == "lists":
        return "{{paths}} {{labels}}", {"paths": full, "labels": labels}
    if kind == "path objects":
        return "{{paths}} {{labels}}", {"paths": [Path(path) for path in full], "labels": np.array(labels)}
    if kind == "csv":
        lines = ["file;kind", *(f"{path};{label}" for path, label in zip(paths, labels, strict=True))]
        (photos / "table.csv").write_text("\n".join(lines), encoding="utf-8-sig")
        return f'"{photos / "table.csv"}" image=file label=kind', {}
    if kind.startswith("parquet"):
        pyarrow: Any = pytest.importorskip("pyarrow")
        parquet: Any = pytest.importorskip("pyarrow.parquet")
        column = paths if kind.endswith("paths") else content
        parquet.write_table(pyarrow.table({"image": column, "label": labels}), photos / "table.parquet")
        return f'"{photos / "table.parquet"}"', {}
    if kind.startswith("hugging face"):
        library: Any = pytest.importorskip("datasets")
        features = library.Features({"picture": library.Image(), "label": library.ClassLabel(names=list(SHADES))})
        whole = library.Dataset.from_dict({"picture": full, "label": labels}, features=features)
        return "{{found}}", {"found": whole}
    library = pytest.importorskip(kind.split()[0])
    column = full if kind.endswith("paths") else content
    return "{{frame}} image=photo label=kind", {"frame": library.DataFrame({"photo": column, "kind": labels})}


WAYS = (
    *("lists", "path objects", "csv", "parquet paths", "parquet bytes", "hugging face"),
    *("pandas paths", "pandas bytes", "polars paths", "polars bytes"),
)


@pytest.mark.parametrize("kind", WAYS)
def test_all_ways_give_the_same_images(kind, photos):
    data, variables = written(photos, kind)
    pixels, labels, classes = images(data, **variables)
    expected = images(f"images:{photos}")
    assert (pixels == expected[0]).all() and (labels == expected[1]).all() and classes == expected[2]


@pytest.mark.parametrize("kind", ["pandas bytes", "hugging face"])
def test_what_the_notebook_holds_trains(kind, photos):
    data, variables = written(photos, kind)
    assert len(cnnmagic.train(f"data {data}\n{TRAIN}", **variables).history["val_loss"]) == 2


def test_splits_of_hugging_face_are_respected(photos):
    _, variables = written(photos, "hugging face")
    whole = variables["found"]
    library: Any = sys.modules["datasets"]
    both = library.DatasetDict({"train": whole, "test": whole.select(range(6))})
    data = load(make_plan(f"data {{{{both}}}}\n{TRAIN}", {"both": both}))
    assert (len(data.train), len(data.validation), len(data.test)) == (22, 2, 6)


def test_a_test_set_of_paths(photos):
    paths, labels = rows(photos)
    full = [str(photos / path) for path in paths]
    variables = {"p": full[1:], "l": labels[1:], "t": full[:1], "u": labels[:1]}
    data = load(make_plan(f"data {{{{p}}}} {{{{l}}}} {{{{t}}}} {{{{u}}}}\n{TRAIN}", variables))
    assert len(data.test) == 1 and len(data.train) + len(data.validation) == 23


@pytest.mark.parametrize("batched", [False, True])
def test_tensorflow_data_sets(batched):
    tensorflow: Any = pytest.importorskip("tensorflow")
    pixels, labels = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 1)).astype("uint8"), np.arange(20) % 2
    value = tensorflow.data.Dataset.from_tensor_slices((pixels, labels))
    value = value.batch(8) if batched else value
    data = load(make_plan(f"data {{{{value}}}}\n{TRAIN}", {"value": value}))
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    with pytest.raises(DataError, match="has no end"):
        load(make_plan(f"data {{{{value}}}}\ninput 6x6x1\n{TRAIN}", {"value": value.repeat()}))


def test_numpy_files(tmp_path):
    pixels, labels = np.zeros((20, 6, 6, 1), np.uint8), np.arange(20) % 2
    np.save(tmp_path / "x.npy", pixels)
    np.save(tmp_path / "y.npy", labels)
    data = load(make_plan(f'data "{tmp_path / "x.npy"}" "{tmp_path / "y.npy"}"\n{TRAIN}', {}))
    assert len(data.train) + len(data.validation) + len(data.test) == 20
    with pytest.raises(DataError, match="holds one array"):
        describe(source_of(str(tmp_path / "x.npy")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("path,label\n", "holds no images"),
        ("a,b\n1,2\n", "no column of images by a usual name"),
        ("path,label\n1.png,a,b\n", "line 2 of `a.csv` has 3 values"),
        ("path,kind\n1.png,a\n", "no column of labels"),
    ],
)
def test_tables_that_are_none(text, told, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=told):
        describe(source_of(str(tmp_path / "a.csv")))


def test_a_column_that_is_not_there(photos):
    _, variables = written(photos, "pandas paths")
    with pytest.raises(CnnError, match="did you mean `photo`"):
        make_plan(f"data {{{{frame}}}} image=foto label=kind\n{TRAIN}", variables)


def test_files_that_are_not_there_are_named(photos):
    paths, labels = rows(photos)
    full = [str(photos / path) for path in paths]
    full[5] = str(photos / "gone.png")
    with pytest.raises(DataError, match=r"gone.png is not there"):
        cnnmagic.train(f"data {{{{p}}}} {{{{l}}}}\n{TRAIN}", p=full, l=labels)


def test_parquet_without_pyarrow_is_told(photos, monkeypatch):
    written(photos, "parquet paths")
    monkeypatch.setitem(sys.modules, "pyarrow.dataset", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="pyarrow, which reads it, is missing"):
        describe(source_of(str(photos / "table.parquet")))


@pytest.mark.parametrize(("form", "classes"), [("{}", ("0", "1", "2", "10")), ("{}.0", ("0", "1", "2", "10"))])
def test_whole_numbers_of_a_csv_are_classes_in_their_order(form, classes, photos):
    pandas: Any = pytest.importorskip("pandas")
    paths, _ = rows(photos)
    labels = [(0, 1, 2, 10)[number % 4] for number in range(len(paths))]
    lines = [f"{path},{form.format(label)}" for path, label in zip(paths, labels, strict=True)]
    text = "\n".join(["path,label", *lines])
    (photos / "numbers.csv").write_text(text)
    frame = pandas.DataFrame({"path": [str(photos / path) for path in paths], "label": labels})
    pixels, numbers, found = images(f'"{photos / "numbers.csv"}"')
    assert (found[:2], found[-1]) == (classes[:2], classes[-1]) == (("0", "1"), "10")
    expected = images("{{frame}}", frame=frame)
    assert found == expected[2] and (numbers == expected[1]).all() and (pixels == expected[0]).all()


def test_numbers_among_words_stay_words(photos):
    paths, _ = rows(photos)
    text = "\n".join(["path,label", *(f"{path},{('10', '9', 'x')[n % 3]}" for n, path in enumerate(paths))])
    (photos / "words.csv").write_text(text)
    assert images(f'"{photos / "words.csv"}"')[2] == ("10", "9", "x")


@pytest.mark.parametrize("made", [np.array, np.ndarray.tolist])
def test_a_frame_of_arrays_tells_how_to_stack_them(made):
    pandas: Any = pytest.importorskip("pandas")
    arrays = list(np.random.default_rng(0).integers(0, 256, (20, 6, 6)).astype("uint8"))
    df = pandas.DataFrame({"image": [made(array) for array in arrays], "label": np.arange(20) % 2})
    with pytest.raises(DataError, match="`image` of `df` holds arrays") as told:
        make_plan(f"data {{{{df}}}}\n{TRAIN}", {"df": df})
    code = str(told.value).split("`")[5]
    found: dict[str, Any] = {"np": np, "df": df}
    exec(code, found)  # what it tells to type works
    assert len(load(make_plan(f"data {{{{x}}}} {{{{y}}}}\n{TRAIN}", found)).classes) == 2
