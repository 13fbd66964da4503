"""Parquet files read by groups of rows: every image as it was written, in any order, by several threads at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnmagic.engine import cache
from cnnmagic.engine.data import describe, load
from cnnmagic.engine.decode import Unreadable
from cnnmagic.engine.parquet import Contents, Shelf
from cnnmagic.engine.splits import fingerprint
from cnnmagic.errors import DataError
from cnnmagic.pipeline import make_plan, source_of
from tests.engine.photos import encoded

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
COUNT = 50


def contents() -> list[bytes]:
    rng = np.random.default_rng(0)
    return [rng.bytes(int(size)) for size in rng.integers(1, 90, COUNT)]


def write(path: Path, rows: int = 7, **columns: Any) -> Path:
    import pyarrow.parquet

    path.parent.mkdir(exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=rows)
    return path


@pytest.mark.parametrize("room", ["memory", "disk", "none"])
def test_contents_in_any_order_by_several_threads(room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if room != "memory":
        monkeypatch.setattr(cache, "HELD_BYTES", 0)
    if room == "none":
        monkeypatch.setattr(cache, "SHARE_OF_DISK", 0)
    found = Shelf(write(tmp_path / "a.parquet", content=contents()))["content"]
    assert isinstance(found, Contents) and type(found.cache).__name__ == {"none": "NoneType"}.get(room, room.title())
    order = np.random.default_rng(1).permutation(3 * COUNT) % COUNT
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(found.__getitem__, order.tolist())) == [contents()[number] for number in order]
    assert found[3:9:2] == contents()[3:9:2] and len(found) == COUNT


def test_a_group_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Shelf(write(tmp_path / "a.parquet", content=contents()))["content"]
    assert isinstance(found, Contents)
    read, by_group = [], Contents._contents

    def counted(self: Contents, part: Any) -> Any:
        read.append(part)
        return by_group(self, part)

    monkeypatch.setattr(Contents, "_contents", counted)
    assert [found[number] for number in reversed(range(COUNT))] == contents()[::-1]
    assert len(read) == -(-COUNT // 7)


def test_a_folder_is_one_table_in_the_order_of_its_names(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        part = contents()[number * 20 : number * 20 + 20]
        write(tmp_path / "all.parquet" / f"part-{number}.parquet", content=part, kind=[number] * len(part))
    (tmp_path / "all.parquet" / "_SUCCESS").write_text("")
    shelf = Shelf(tmp_path / "all.parquet")
    assert list(shelf["content"]) == contents() and shelf["kind"] == [0] * 20 + [1] * 20 + [2] * 10
    assert shelf.columns == ["content", "kind"] and len(shelf) == COUNT


def test_a_folder_is_data_as_a_file_is(tmp_path: Path) -> None:
    files = [encoded(6, 6) for _ in range(8)]
    for part in (0, 1):
        path = tmp_path / "all.parquet" / f"part-{part}.parquet"
        write(path, image=files[4 * part : 4 * part + 4], label=["a", "b"] * 2)
    found = describe(source_of(str(tmp_path / "all.parquet")))
    assert (found.examples, found.shape, found.classes) == (8, (6, 6, 3), ("a", "b"))
    (tmp_path / "none.parquet").mkdir()
    with pytest.raises(DataError, match=r"`.*none\.parquet` has no column of images"):
        describe(source_of(str(tmp_path / "none.parquet")))


def test_images_with_paths(tmp_path: Path) -> None:
    cells = [{"bytes": b"one", "path": "1.png"}, {"bytes": None, "path": "2.png"}, {"bytes": b"three", "path": None}]
    found = Shelf(write(tmp_path / "a.parquet", image=cells))["image"]
    assert isinstance(found, Contents) and found.names == ["1.png", "2.png", None]
    assert [cell["bytes"] or cell["path"] for cell in found] == [b"one", "2.png", b"three"]
    bare = Shelf(write(tmp_path / "b.parquet", image=[{"bytes": b"one"}]))["image"]
    assert bare[0] == {"bytes": b"one", "path": None}


def test_a_spoilt_group_is_told_of_its_images_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", rows=10, content=contents())
    found = Shelf(path)["content"]
    start = pyarrow.parquet.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    spoilt = bytearray(path.read_bytes())
    spoilt[start : start + 40] = bytes(40)
    path.write_bytes(spoilt)
    with pytest.raises(Unreadable, match="lies in a part of the file that can't be read"):
        found[12]
    assert found[2] == contents()[2] and found[33] == contents()[33]
    path.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"`a\.parquet` can't be read as Parquet"):
        Shelf(path)


def test_a_table_gives_the_data_of_a_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a frame of pandas, which is held as a whole: facts, fingerprint, images, labels, and with a test set."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    files = [encoded(6, 6) for _ in range(COUNT)]
    kinds = [("a", "b")[number % 2] for number in range(COUNT)]
    path = write(tmp_path / "a.parquet", content=files, label=kinds)
    rest = "globalavgpool\noutput\nseed 1\ntrain epochs=1"
    monkeypatch.setattr(cache, "HELD_BYTES", 0)
    frame = pandas.DataFrame({"content": files, "label": kinds})
    assert describe(source_of(str(path))) == describe(source_of(frame))
    one = load(make_plan(f"data {{{{frame}}}}\n{rest}", {"frame": frame}))
    two = load(make_plan(f'data "{path}"\n{rest}', {}))
    assert fingerprint(one) == fingerprint(two)
    for name in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(one, name).images[:], getattr(two, name).images[:])
        np.testing.assert_array_equal(getattr(one, name).labels, getattr(two, name).labels)


def test_a_shelf_with_a_test_set(tmp_path: Path) -> None:
    from cnnmagic.datasets import Held
    from cnnmagic.engine.tables import list_frame

    one = Shelf(write(tmp_path / "a.parquet", content=contents(), label=[0, 1] * 25))
    two = Shelf(write(tmp_path / "b.parquet", content=contents()[:5], label=[1] * 5))
    listing = list_frame(Held(("a", "b"), (one, two)))
    assert [listing.read(number) for number in range(len(listing))] == contents() + contents()[:5]
    assert listing.names[0] == "content[0]" and listing.names[-1] == "content[54]"
    assert listing.rows["test"].tolist() == [50, 51, 52, 53, 54] and listing.labels[-5:].tolist() == [1] * 5
