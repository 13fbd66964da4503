"""Images kept in a file: they come back as they were put, and what a full disk took a part of is not kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from cnnmagic.engine.cache import Disk

resource = pytest.importorskip("resource", reason="this system has no limit for the size of files")

IMAGE = np.arange(600, dtype=np.uint8).reshape(20, 30, 1)


@contextmanager
def room(size: int) -> Iterator[None]:
    """Files may have so many bytes: a write beyond them is cut short first, and fails next."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=["at its place", "after a seek, as on Windows"])
def disk(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    if request.param != "at its place":
        monkeypatch.delattr(os, "pwrite")
        monkeypatch.delattr(os, "pread")
    return Disk(tmp_path, 6)


def test_images_come_back_as_they_were_put(disk: Disk) -> None:
    for number in (3, 0):
        disk.put(number, IMAGE + np.uint8(number))
    disk.put_encoded(4, [b"one", b""])
    for number in (3, 0):
        np.testing.assert_array_equal(disk.get(number), IMAGE + np.uint8(number))
    assert [disk.get_encoded(number) for number in (4, 5)] == [b"one", b""]
    assert disk.get(1) is None and disk.get_encoded(2) is None


def test_an_image_of_which_the_disk_takes_a_part_is_not_kept(disk: Disk) -> None:
    with room(1_000):
        disk.put(0, IMAGE)
        disk.put(1, IMAGE)
    disk.put(2, IMAGE)
    np.testing.assert_array_equal(disk.get(0), IMAGE)
    assert disk.is_full and disk.get(1) is None and disk.get(2) is None


def test_encoded_images_of_which_the_disk_takes_a_part_are_not_kept(disk: Disk) -> None:
    with room(1_000):
        disk.put_encoded(0, [b"a" * 400])
        disk.put_encoded(1, [b"b" * 400, b"c" * 400])
    assert disk.get_encoded(0) == b"a" * 400
    assert disk.is_full and disk.get_encoded(1) is None and disk.get_encoded(2) is None
