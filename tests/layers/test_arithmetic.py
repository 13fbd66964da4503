"""The formulas of shapes and fields, held against counting one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnmagic.layers import Field, Window, widest
from cnnmagic.layers.arithmetic import elements, reach, slide, spread, window_weights

small = st.integers(1, 6)


def positions(size: int, kernel: int, stride: int, dilation: int) -> int:
    """Places where a dilated window fits into `size` pixels, tried one by one."""
    return sum(all(start + tap * dilation < size for tap in range(kernel)) for start in range(0, size, stride))


@given(size=st.integers(1, 40), kernel=small, stride=small, dilation=small)
def test_slide_counts_the_places_where_the_window_fits(size, kernel, stride, dilation):
    assert max(0, slide(size, kernel, stride, "valid", dilation) or 0) == positions(size, kernel, stride, dilation)


@given(size=st.integers(1, 40), kernel=small, stride=small)
def test_slide_same_covers_every_stride(size, kernel, stride):
    assert slide(size, kernel, stride, "same") == len(range(0, size, stride))


@given(size=st.integers(1, 20), kernel=small, stride=small)
def test_spread_is_as_wide_as_what_it_paints(size, kernel, stride):
    painted = {pixel * stride + tap for pixel in range(size) for tap in range(max(kernel, stride))}
    assert spread(size, kernel, stride, "valid") == len(painted)
    assert spread(size, kernel, stride, "same") == size * stride


@pytest.mark.parametrize("function", [slide, spread])
def test_a_free_size_stays_free(function):
    assert function(None, 3, 2, "valid") is None


@pytest.mark.parametrize("kernel, dilation, span", [(1, 1, 1), (3, 1, 3), (3, 2, 5), (1, 9, 1), (2, 3, 4)])
def test_reach(kernel, dilation, span):
    assert reach(kernel, dilation) == span


@pytest.mark.parametrize(
    "arguments, weights", [(((3, 3), 16, 8), 1152), (((1, 5), 4, 2), 40), (((3, 3), 8, 8, 4), 144)]
)
def test_window_weights(arguments, weights):
    assert window_weights(*arguments) == weights


@pytest.mark.parametrize("shape, count", [((2, 3, 4), 24), ((5,), 5), ((), 1), ((None, 3), None)])
def test_elements(shape, count):
    assert elements(shape) == count


def test_a_field_grows_by_the_jump():
    pool = Window((2, 2), (2, 2))
    field = Field().through(Window((3, 5))).through(pool).through(Window((3, 3)))
    assert field == Field((8, 10), (2, 2))


def test_fields_that_meet_see_as_far_as_the_widest():
    assert widest((Field((3, 9)), Field((5, 5), (2, 2)))) == Field((5, 9), (2, 2))
    assert widest((Field((3, 9)), Field(None))).size is None
    assert Field(None).through(Window((3, 3))) == Field(None)
