"""Arrays of users: what is read of good ones, and what is said of bad ones."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cnnmagic.engine import arrays
from cnnmagic.errors import DataError


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10, 28, 28), (28, 28, 1)),
        ((10, 28, 20, 1), (28, 20, 1)),
        ((10, 32, 32, 3), (32, 32, 3)),
        ((10, 3, 3, 3), (3, 3, 3)),
        ((10, 224, 224, 12), (224, 224, 12)),
    ],
)
def test_image_shape(shape: tuple[int, ...], expected: tuple[int, int, int]) -> None:
    assert arrays.image_shape(shape, "x") == expected


@pytest.mark.parametrize(
    ("labels", "indices", "classes"),
    [
        ([0, 1, 2, 1], [0, 1, 2, 1], ("0", "1", "2")),
        ([0, 3, 3, 0], [0, 3, 3, 0], ("0", "1", "2", "3")),
        ([1, 10, 2, 10], [0, 2, 1, 2], ("1", "2", "10")),
        ([0, 500, 500, 0], [0, 1, 1, 0], ("0", "500")),
        ([[0], [1], [1], [0]], [0, 1, 1, 0], ("0", "1")),
        ([0.0, 1.0, 2.0, 1.0], [0, 1, 2, 1], ("0", "1", "2")),
        ([False, True, True, False], [0, 1, 1, 0], ("0", "1")),
        (np.eye(4)[[0, 3, 2, 1]], [0, 3, 2, 1], ("0", "1", "2", "3")),
        (np.eye(5, dtype=int)[[0, 1, 2, 1]], [0, 1, 2, 1], ("0", "1", "2", "3", "4")),
        (np.eye(3, dtype=bool)[[1, 1, 2, 2]], [1, 1, 2, 2], ("0", "1", "2")),
        (["cat", "dog", "cat", "ant"], [1, 2, 1, 0], ("ant", "cat", "dog")),
        (np.array(["b", "a", "b", "a"], object), [1, 0, 1, 0], ("a", "b")),
        (np.array([10, 9, 2, 2], object), [2, 1, 0, 0], ("2", "9", "10")),
        (np.array([255, 0, 1, 1], np.uint8), [2, 0, 1, 1], ("0", "1", "255")),
    ],
    ids=str,
)
def test_labels(labels: object, indices: list[int], classes: tuple[str, ...]) -> None:
    read = arrays.read_labels(labels, "y", 4)
    assert (read.indices.tolist(), read.classes) == (indices, classes)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (np.array([0, 255], np.uint8), 1 / 255),
        (np.array([-100, 155]), None),
        (np.array([0, 1], np.uint8), 1 / 255),
        (np.array([0, 1]), None),
        (np.array([0, 16]), 1 / 255),
        (np.array([0, 4095]), 1 / 65_535),
        (np.array([0, 100_000]), 1 / 100_000),
        (np.array([0.0, 0.5]), None),
        (np.array([0.0, 255.0]), None),
        (np.array([False, True]), None),
    ],
    ids=str,
)
def test_scale(values: np.ndarray, scale: float | None) -> None:
    assert arrays.scale_of(values) == scale


def nan_in_third() -> np.ndarray:
    images = np.zeros((5, 8, 8, 1))
    images[2, 4, 4, 0] = np.nan
    return images


IMAGES: dict[str, Callable[[], object]] = {
    "one number": lambda: 3.0,
    "rows of 64": lambda: np.zeros((5, 64)),
    "rows of 50": lambda: np.zeros((5, 50)),
    "one image": lambda: np.zeros(8),
    "five dimensions": lambda: np.zeros((2, 3, 8, 8, 1)),
    "channels first": lambda: np.zeros((5, 3, 32, 32)),
    "grey channels first": lambda: np.zeros((5, 1, 28, 28)),
    "no images": lambda: np.zeros((0, 8, 8, 1)),
    "images without height": lambda: np.zeros((5, 0, 8, 1)),
    "words": lambda: ["cat.png", "dog.png"],
    "None": lambda: None,
    "objects": lambda: np.array([np.zeros((8, 8)), np.zeros((9, 9))], object),
    "list of unequal images": lambda: [np.zeros((8, 8)), np.zeros((9, 9))],
    "complex": lambda: np.zeros((5, 8, 8, 1), complex),
    "NaN": nan_in_third,
    "infinite": lambda: np.full((1_200, 2, 2, 1), np.inf),
}
LABELS: dict[str, Callable[[], object]] = {
    "too few": lambda: [0, 1],
    "one number": lambda: 3,
    "none": lambda: [],
    "three dimensions": lambda: np.zeros((4, 2, 2)),
    "unequal rows": lambda: [[0, 1], [1]],
    "soft rows": lambda: np.full((4, 2), 0.5),
    "a row without a 1": lambda: np.array([[1, 0], [0, 1], [0, 0], [1, 0]]),
    "fractions": lambda: [0, 1, 1.5, 2],
    "NaN": lambda: [0, 1, np.nan, 2],
    "infinite": lambda: [0, 1, np.inf, 2],
    "negative": lambda: [0, -1, 2, 1],
    "complex": lambda: np.zeros(4, complex),
    "None among words": lambda: np.array(["cat", "dog", None, "cat"], object),
    "NaN among words": lambda: ["cat", "dog", float("nan"), "cat"],
    "no letter among words": lambda: ["cat", "dog", " ", "cat"],
    "NA among words": lambda: pd.Series(["cat", "dog", None, "cat"], dtype="string").to_list(),
    "dates": lambda: np.zeros(4, "datetime64[s]"),
}


def image_error(value: object) -> str:
    with pytest.raises(DataError) as caught:
        arrays.check_finite(arrays.read_images(value, "x"), "x")
    return str(caught.value)


def label_error(value: object) -> str:
    with pytest.raises(DataError) as caught:
        arrays.read_labels(value, "y", 4)
    return str(caught.value)


@pytest.mark.parametrize("case", IMAGES)
def test_bad_images(case: str, golden: Callable[[str, str], None]) -> None:
    golden(f"errors/data_images_{case.replace(' ', '_')}.txt", image_error(IMAGES[case]()))


@pytest.mark.parametrize("case", LABELS)
def test_bad_labels(case: str, golden: Callable[[str, str], None]) -> None:
    golden(f"errors/data_labels_{case.replace(' ', '_')}.txt", label_error(LABELS[case]()))


def test_labels_by_the_hundred_thousand_are_measurements() -> None:
    with pytest.raises(DataError, match="100,001 different labels"):
        arrays.read_labels(np.arange(100_001), "y", 100_001)


@pytest.mark.parametrize(
    ("labels", "expected"), [(["dog", "cat"], [1, 0]), ([["1"], ["2"]], None), (["eel", "cat"], None)], ids=str
)
def test_labels_of_a_further_split(labels: list[str], expected: list[int] | None) -> None:
    if expected is None:
        with pytest.raises(DataError, match="is outside the 2 classes cat … dog"):
            arrays.encode_labels(labels, "y", 2, ("cat", "dog"))
    else:
        assert arrays.encode_labels(labels, "y", 2, ("cat", "dog")).tolist() == expected


def test_a_further_split_may_lack_classes() -> None:
    classes = tuple(map(str, range(10)))
    assert arrays.encode_labels([7, 3, 7], "y", 3, classes).tolist() == [7, 3, 7]
    assert arrays.encode_labels(np.eye(10)[[7, 3]], "y", 2, classes).tolist() == [7, 3]


def test_a_label_outside_the_classes_names_its_place(golden: Callable[[str, str], None]) -> None:
    with pytest.raises(DataError) as caught:
        arrays.encode_labels([0, 9, 10], "y_test", 3, tuple(map(str, range(10))))
    golden("errors/data_labels_outside_the_classes.txt", str(caught.value))
