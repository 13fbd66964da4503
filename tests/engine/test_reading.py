"""The first pass in a run: its progress, a Stop in it, where images are kept, and how much memory that takes."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnmagic
from cnnmagic.engine.cache import Cache, Disk, Memory
from cnnmagic.engine.pictures import Album
from cnnmagic.engine.reading import read_all
from cnnmagic.errors import DataError
from cnnmagic.events import Reading
from cnnmagic.pipeline import load_data, make_plan
from tests.engine.photos import count_reads, folder

TRAIN = "conv 4 3x3 relu\nglobalavgpool\noutput\nseed 3\ntrain epochs=2 batch=8 checkpoint=no tune=no"


def test_a_stop_works_before_the_first_batch(tmp_path, monkeypatch):
    read = Album.read

    def slowly(album: Album, number: int) -> Any:
        time.sleep(0.02)
        return read(album, number)

    monkeypatch.setattr(Album, "read", slowly)
    run = cnnmagic.train(f"data images:{folder(tmp_path / 'a', 200)}\n{TRAIN}", wait=False)
    seen: list[Any] = []
    run.listen(lambda state, event: seen.append((state, event)))
    while not any(isinstance(event, Reading) for _, event in seen) and not run.is_done:
        run.wait_quietly(0.01)
    run.stop()
    run.wait()
    state = next(state for state, event in seen if isinstance(event, Reading))
    assert state.phase == "reading" and 0 < state.progress < 1 and "reading images" in state.sentence()
    assert run.state.phase == "stopped" and not run.history["loss"]


@pytest.mark.parametrize("held, kind", [(10**9, Memory), (0, Disk)])
def test_images_are_kept_in_memory_or_on_disk_with_the_same_numbers(held, kind, tmp_path, monkeypatch):
    path = folder(tmp_path / "a", 20)
    expected = cnnmagic.train(f"data images:{path}\n{TRAIN}").history["loss"]
    monkeypatch.setattr("cnnmagic.engine.cache.HELD_BYTES", held)
    run = cnnmagic.train(f"data images:{path}\n{TRAIN}")
    assert isinstance(run.dataset.album.cache, kind) and run.history["loss"] == expected
    monkeypatch.setattr("cnnmagic.engine.photos.cache_for", lambda count, size: None)
    assert cnnmagic.train(f"data images:{path}\n{TRAIN}").history["loss"] == expected


CACHES: dict[str, Any] = {"memory": lambda count, size: Memory(), "nothing": lambda count, size: None}


@pytest.mark.parametrize("kind", ["memory", "disk", "nothing"])
def test_what_a_pass_found_good_no_later_one_reads_again(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder(tmp_path / "a", 20)
    spoilt = [path / "dark" / "3.png", path / "light" / "11.png"]
    for file in spoilt:
        file.write_bytes(b"spoilt")
    made: list[Cache | None] = []

    def cache_for(count: int, size: int) -> Cache | None:
        made.append(CACHES.get(kind, lambda count, size: Disk(tmp_path, count))(count, size))
        return made[-1]

    monkeypatch.setattr("cnnmagic.engine.photos.cache_for", cache_for)
    dataset = load_data(make_plan(f"data images:{path} bad=skip\n{TRAIN}", {}))
    numbers = count_reads(monkeypatch)
    first = read_all(dataset)
    assert sorted(numbers) == list(range(40))
    told: list[tuple[int, int]] = []
    second = read_all(dataset, lambda *done: told.append(done))
    assert first is not None and second is not None
    bad = set(first.left_out)
    assert len(bad) == 2 and set(numbers[40:]) == bad and told == [(40, 40)]
    assert (second.notes, second.left_out) == (first.notes, first.left_out) and "2 images can't be read" in first.notes[
        -1
    ]
    assert isinstance(made[0], Memory | None) or made[0].end == 38 * 12 * 12 * 3
    for split in ("train", "validation", "test"):
        assert np.array_equal(getattr(first, split).images[:], getattr(second, split).images[:])


def test_a_pass_after_a_stop_reads_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = load_data(make_plan(f"data images:{folder(tmp_path / 'a', 100)}\n{TRAIN}", {}))
    numbers = count_reads(monkeypatch)
    assert read_all(dataset, stopped=lambda: True) is None
    dataset.album.pool.shutdown()
    del dataset.album.pool
    assert read_all(dataset) is not None
    assert sorted(numbers) == list(range(200))


def test_a_bad_image_that_is_mended_is_looked_at_again(tmp_path: Path) -> None:
    path = folder(tmp_path / "a")
    good = (path / "dark" / "3.png").read_bytes()
    (path / "dark" / "3.png").write_bytes(b"spoilt")
    dataset = load_data(make_plan(f"data images:{path}\n{TRAIN}", {}))
    with pytest.raises(DataError, match=r"dark/3\.png"):
        read_all(dataset)
    (path / "dark" / "3.png").write_bytes(good)
    whole = read_all(dataset)
    assert whole is not None and not whole.left_out


MANY = """\
import sys
from pathlib import Path
import cnnmagic
from cnnmagic.engine.backend import load_keras
from tests.engine.photos import encoded

folder, count = Path(sys.argv[1]), int(sys.argv[2])
images = [encoded(32, 32, kind="JPEG") for _ in range(200)]
for label in range(10):
    (folder / f"class{label}").mkdir()
    for number in range(count // 10):
        (folder / f"class{label}" / f"{number}.jpg").write_bytes(images[(number + label) % 200])

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

text = "conv 4 3x3 /4 relu\\nglobalavgpool\\noutput\\ntrain batch=256 checkpoint=no tune=no epochs="
cnnmagic.train(f"data digits\\n{text}1")  # what Keras takes by itself is taken now
before, told = megabytes(), {}
run = cnnmagic.train(f"data images:{folder}\\n{text}2", wait=False)
run.listen(lambda state, event: told.setdefault((state.phase, state.epoch), megabytes()))
run.wait()
print(before, told["training", 1], told["training", 2], megabytes())
"""


@pytest.mark.long
def test_a_hundred_thousand_images_are_not_held_in_memory(tmp_path):
    """Decoded they would take 307 MB."""
    result = subprocess.run(
        [sys.executable, "-c", MANY, str(tmp_path), "100000"], capture_output=True, text=True, cwd=sys.path[0]
    )
    assert result.returncode == 0, result.stderr[-2000:]
    before, first, second, last = map(float, result.stdout.split()[-4:])
    assert first - before < 150 and last - first < 80 and abs(last - second) < 40
