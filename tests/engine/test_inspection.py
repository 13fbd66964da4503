"""What a look through data finds: spoilt and misnamed files, duplicates, leaks, few and missing classes, means."""

import numpy as np
import pytest

from cnnmagic.engine.inspection import survey
from cnnmagic.pipeline import make_plan
from tests.engine.photos import BAD, encoded, folder, mischief

NET = "conv 4 3x3 relu\nglobalavgpool\noutput"


def found(data: str, more: str = "", **variables: object) -> dict[str, tuple[str, ...]]:
    return {one.title: one.lines for one in survey(make_plan(f"data {data}\n{more}\n{NET}", variables)).findings}


def test_clean_data_have_nothing_that_stands_out(tmp_path):
    told = survey(make_plan(f"data images:{folder(tmp_path / 'a', 20)}\n{NET}", {}))
    assert told.findings == () and "nothing stands out" in str(told) and told.images == 40
    assert told.sizes == ((12, 12, 40),) and len(told.means) == 3
    assert {name: sum(counts) for name, counts in told.counts.items()} == {"dark": 20, "light": 20}


def test_means_are_those_of_numpy():
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3)).astype("uint8")
    told = survey(make_plan(f"data {{{{x}}}} {{{{y}}}}\n{NET}", {"x": images, "y": np.arange(40) % 2}))
    assert told.means == pytest.approx(images.mean(axis=(0, 1, 2)).tolist())
    assert told.deviations == pytest.approx(images.std(axis=(0, 1, 2)).tolist())


def test_files_that_go_wrong_are_listed_by_name(tmp_path):
    told = found(f"images:{mischief(tmp_path / 'a')}")
    assert len(told["images that can't be read"]) == len(BAD)
    assert told["names that tell another kind than the content"] == ("dark/PNG by content.jpg is PNG",)
    assert any("nowhere.png" in line for line in told["told while listing"])


def test_duplicates_within_and_across_splits(tmp_path):
    path = folder(tmp_path / "a", 12, splits=True)
    image = (path / "train" / "dark" / "0.png").read_bytes()
    (path / "test" / "dark" / "leak.png").write_bytes(image)
    other = (path / "test" / "light" / "1.png").read_bytes()
    (path / "test" / "light" / "again.png").write_bytes(other)
    told = found(f"images:{path}")
    leak = told["the same image in two splits (a leak: what is judged was trained on)"]
    assert len(leak) == 1 and "train/dark/0.png" in leak[0] and "test/dark/leak.png" in leak[0]
    assert "again.png" in told["the same image more than once"][0]


def test_a_split_that_lacks_a_class_and_an_empty_folder(tmp_path):
    path = folder(tmp_path / "a", 12, splits=True)
    for image in (path / "test" / "light").iterdir():
        image.unlink()
    (path / "train" / "forgotten").mkdir()
    told = found(f"images:{path}")
    assert told["classes that the test images lack"] == ("light",)
    assert told["folders with nothing in them"] == ("test/light", "train/forgotten")


def test_few_missing_and_strange_classes(tmp_path):
    path = folder(tmp_path / "a", 30, splits=True)
    for split, label, count in (("train", "rare", 2), ("test", "strange", 3)):
        (path / split / label).mkdir()
        for number in range(count):
            (path / split / label / f"{number}.png").write_bytes(encoded())
    told = found(f"images:{path}")
    assert [line.split(":")[0] for line in told["classes with few training images"]] == ["rare"]
    assert told["classes that the training images lack"] == ("strange: 0 in validation, 3 in test",)
    labels = np.array([0, 1, 3] * 20)
    told = found("{{x}} {{y}}", x=np.random.default_rng(0).random((60, 6, 6, 1)), y=labels)
    assert told["classes without images"] == ("2",)


def test_constant_images(tmp_path):
    images = np.random.default_rng(0).random((40, 6, 6, 1))
    images[7] = 0.5
    assert len(found("{{x}} {{y}}", x=images, y=np.arange(40) % 2)["images of one single colour"]) == 1


def test_samples_are_the_networks_own_and_augmented(tmp_path):
    plan = make_plan(f"data images:{folder(tmp_path / 'a', 12)}\nresize 8x8\naugment rotate 90, brightness\n{NET}", {})
    samples = survey(plan).samples
    assert [sample.label for sample in samples] == ["dark"] * 4 + ["light"] * 4
    assert all(sample.pixels.shape == (8, 8, 3) for sample in samples)
    assert [len(sample.augmented) for sample in samples] == [3, 0, 0, 0] * 2
    assert samples[0].augmented[0].dtype == np.uint8 and (samples[0].augmented[0] != samples[0].pixels).any()


SPOILT = "RandomBrightness 0.2 value_range=0x1"  # makes white of nearly all


@pytest.mark.parametrize(
    "first, spoilt", [("augment brightness\nrescale 1/127.5 -1", False), (f"rescale 1\n{SPOILT}", True)]
)
def test_augmented_samples_are_what_the_network_s_first_layers_make(first, spoilt):
    images = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 1)).astype("uint8")
    found = survey(make_plan(f"data {{{{x}}}} {{{{y}}}}\n{first}\n{NET}", {"x": images, "y": np.arange(40) % 2}))
    seen = np.stack([one for sample in found.samples for one in sample.augmented])
    assert (seen.max() <= 1) == spoilt and seen.dtype == np.uint8


def test_mixed_sizes_are_counted(tmp_path):
    path = folder(tmp_path / "a", 12, sizes=((12, 12), (16, 20)))
    assert set(survey(make_plan(f"data images:{path}\ninput ?x?x3\n{NET}", {})).sizes) == {(12, 12, 12), (16, 20, 12)}


def test_a_name_without_an_ending_tells_no_other_kind(tmp_path):
    path = folder(tmp_path / "a", 12)
    (path / "dark" / "0.png").rename(path / "dark" / "9")
    (path / "dark" / "1.png").rename(path / "dark" / "1.jpg")
    assert found(f"images:{path}")["names that tell another kind than the content"] == ("dark/1.jpg is PNG",)
