"""A chart's picture leads back to its values, its words and its table say the same, and nothing breaks it."""

import math
import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnmagic.ui.chart import Chart, Curve, describe, draw, rows
from cnnmagic.ui.label import fitted, text_width
from cnnmagic.ui.line import PENS, Style, drawable_runs, thinned
from cnnmagic.ui.scale import Scale, linear, logarithmic, number_text, tight, tight_logarithmic

SVG = "{http://www.w3.org/2000/svg}"
NAN = math.nan
FINE = 4

FALLING = tuple((i / 10, 2.3 * math.exp(-i / 60) + 0.05 + 0.02 * math.sin(7 * i)) for i in range(1, 501))
LOWER = tuple((float(i), 1.9 * math.exp(-i / 5) + 0.06 + 0.001 * i) for i in range(1, 51))
LOWEST = min(LOWER, key=lambda point: point[1])
LOSS = Chart(
    "loss",
    "epoch",
    "cross-entropy",
    (Curve("training", FALLING), Curve("validation", LOWER, "validation")),
    x_range=(0, 50),
    best=LOWEST,
)
RISING = tuple((1e-7 * 1.1**i, 2.3 - 1e-4 * i**1.8 + 0.1 * math.sin(i)) for i in range(190))
RATES = Chart("rates", "rate", "loss", (Curve("loss", RISING),), log_x=True, best=(0.012, 0.5), mark="suggested 0.012")
ACCURACY = Chart("accuracy", "epoch", "", (Curve("validation", ((1, 0.951), (2, 0.983), (3, 0.979))),), percent=True)
EMPTY = Chart("loss", "epoch", "", (Curve("training", ()),), x_range=(0, 12))


def parsed(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(draw(chart))


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def lines(root: ElementTree.Element, style: Style = "training") -> list[list[tuple[float, float]]]:
    """The places in pixels of each line drawn in a style's colour, without the legend's sample."""
    path, *_ = (p for p in root.iter(f"{SVG}path") if p.get("stroke") == PENS[style].color)
    found = []
    for start, moves in re.findall(r"M([^l]+)l([^M]+)", path.get("d", "")):
        x, y = map(int, start.split())
        places = [(x, y)]
        for right, down in re.findall(r"(-?\d+)([-+]\d+)", moves):
            x, y = x + int(right), y + int(down)
            places.append((x, y))
        found.append([(x / FINE, y / FINE) for x, y in places])
    return found[1:]


def marks(root: ElementTree.Element, style: Style) -> list[tuple[float, float]]:
    paths = [p for p in root.iter(f"{SVG}path") if p.get("stroke") == PENS[style].color and p.get("stroke-linecap")]
    found = re.findall(r"M(\d+) (\d+)h0", "".join(path.get("d", "") for path in paths))
    return [(int(x) / FINE, int(y) / FINE) for x, y in found]


def labelled(root: ElementTree.Element, axis: str) -> list[tuple[float, float]]:
    """(pixel, value) of each tick label of an axis, as a reader takes them from the picture."""
    anchor = "end" if axis == "y" else "middle"
    (group,) = (g for g in root.iter(f"{SVG}g") if g.get("text-anchor") == anchor)
    ticks = [(tick.get(axis, ""), tick.text or "") for tick in group if len(tick.attrib) == 1]
    unit = 100 if ticks[0][1].endswith("%") else 1
    return [(float(place), float(text.removesuffix(" %")) / unit) for place, text in ticks]


def read_off(pixel: float, ticks: list[tuple[float, float]], log: bool = False) -> float:
    """The value at a pixel, by a ruler laid on the outermost labels."""
    (start, low), *_, (end, high) = ticks
    share = (pixel - start) / (end - start)
    return low * (high / low) ** share if log else low + (high - low) * share


def ends(scale: Scale) -> list[str]:
    return [tick.text for tick in scale.ticks]


@pytest.mark.parametrize("log", [False, True])
def test_vertices_lead_back_to_the_points(log: bool) -> None:
    root = parsed(replace(LOSS, log=log))
    across, up = labelled(root, "x"), labelled(root, "y")
    (drawn,) = lines(root, "validation")
    assert len(drawn) == len(LOWER)
    # A label's own place is rounded to the pixel: half of one at either end.
    for (x, y), (epoch, loss) in zip(drawn, LOWER, strict=True):
        assert read_off(x, across) == pytest.approx(epoch, abs=50 / 376)
        near, far = sorted(read_off(y + off, up, log) for off in (-0.8, 0.8))
        assert near <= loss <= far


def test_a_logarithmic_axis_across_leads_back_to_the_points() -> None:
    root = parsed(replace(RATES, curves=(Curve("loss", RISING[::5]),), log=True))
    across, up = labelled(root, "x"), labelled(root, "y")
    (drawn,) = lines(root)
    for (x, y), (rate, loss) in zip(drawn, RISING[::5], strict=True):
        near, far = (read_off(x + off, across, log=True) for off in (-1, 1))
        assert near <= rate <= far
        near, far = sorted(read_off(y + off, up, log=True) for off in (-1.3, 1.3))
        assert near <= loss <= far
    (ring,) = root.iter(f"{SVG}circle")
    assert read_off(float(ring.get("cx", "")), across, log=True) == pytest.approx(0.012, rel=0.1)


def test_a_long_line_is_thinned_in_equal_parts_of_a_logarithmic_axis() -> None:
    ((first, *_, last),) = found = lines(parsed(RATES))
    assert 50 <= len(found[0]) <= 60
    steps = [after[0] - before[0] for before, after in zip(found[0][1:-1], found[0][2:-1], strict=False)]
    assert max(steps) < 2 * min(steps)
    assert (first[0], last[0]) == (50, 440 - 14)


def test_percent_axis_reads_as_fractions() -> None:
    root = parsed(ACCURACY)
    ((_, second, _),) = lines(root)
    assert read_off(second[1], labelled(root, "y")) == pytest.approx(0.983, abs=3e-4)
    assert all(text.endswith(" %") for text in texts(root) if text.startswith("9"))


def test_a_thinned_line_is_made_of_means_of_its_columns() -> None:
    best = FALLING[321]
    kept = thinned(FALLING, 0, 50, 40, best)
    assert (kept[0], kept[-1]) == (FALLING[0], FALLING[-1])
    assert best in kept
    assert 40 <= len(kept) <= 44
    for column in range(40):
        inside = [p for p in FALLING[1:-1] if column <= p[0] * 40 / 50 < column + 1 and p != best]
        means = [p for p in kept[1:-1] if column <= p[0] * 40 / 50 < column + 1 and p != best]
        if len(means) == 1:
            assert means[0] == pytest.approx([sum(values) / len(inside) for values in zip(*inside, strict=True)])


def test_the_best_of_another_curve_leaves_a_thinned_line_alone() -> None:
    assert thinned(FALLING, 0, 50, 40, (FALLING[321][0], 9.9)) == thinned(FALLING, 0, 50, 40)


def test_a_growing_line_keeps_its_older_vertices() -> None:
    early, late = (thinned(FALLING[:n], 0, 50, 40) for n in (400, 450))
    assert early[:-2] == late[: len(early) - 2]


@pytest.mark.parametrize(
    ("values", "lengths"),
    [
        ([1, 2, 3], [3]),
        ([1, NAN, 3, 4], [1, 2]),
        ([NAN, 2, math.inf], [1]),
        ([1, 2, -math.inf, 1e200, 5], [2, 1]),
        ([NAN, NAN], []),
        ([], []),
    ],
)
def test_a_line_breaks_where_a_value_is_not_finite(values: list[float], lengths: list[int]) -> None:
    points = tuple((float(i), value) for i, value in enumerate(values))
    assert [len(run) for run in drawable_runs(points)] == lengths
    root = parsed(Chart("", "", "", (Curve("", points),)))
    assert [len(line) for line in lines(root)] == [n for n in lengths if n > 1]
    assert len(marks(root, "training")) == lengths.count(1)


@pytest.mark.parametrize(
    ("low", "high", "percent", "labels"),
    [
        (0.06, 2.31, False, "0 0.5 1.0 1.5 2.0 2.5"),
        (0.058, 0.083, False, "0.05 0.06 0.07 0.08 0.09"),
        (0.31, 0.983, True, "20 % 40 % 60 % 80 % 100 %"),
        (0.9921, 0.9926, True, "99.15 % 99.20 % 99.25 % 99.30 %"),
        (-3, 14, False, "-5 0 5 10 15"),
        (1e30, 2.3e30, False, "1e30 1.5e30 2e30 2.5e30"),
        (3e-9, 8e-9, False, "3e-9 4e-9 5e-9 6e-9 7e-9 8e-9"),
        (2, 2, False, "1.0 1.5 2.0 2.5 3.0"),
        (0, 0, False, "0 0.2 0.4 0.6 0.8 1.0"),
        (1, 1, True, "50 % 60 % 70 % 80 % 90 % 100 %"),
        (0.5, 0.5 + 1e-12, False, "0.4996 0.4998 0.5000 0.5002 0.5004"),
    ],
)
def test_linear_ticks(low: float, high: float, percent: bool, labels: str) -> None:
    assert " ".join(ends(linear(low, high, percent))) == labels


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, "0 0.2 0.4 0.6 0.8 1.0"),
        (0, 12, "0 2 4 6 8 10 12"),
        (0, 50, "0 10 20 30 40 50"),
        (0.7, 3.2, "1.0 1.5 2.0 2.5 3.0"),
        (0, 300_000, "0 5e4 1e5 1.5e5 2e5 2.5e5 3e5"),
    ],
)
def test_tight_ticks(low: float, high: float, labels: str) -> None:
    scale = tight(low, high)
    assert " ".join(ends(scale)) == labels
    assert (scale.low, scale.high) == (low, high)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.06, 2.31, "0.05 0.1 0.2 0.5 1 2 5"),
        (0.3, 0.3, "0.2 0.5"),
        (1, 1, "1 2"),
        (0.004, 3, "0.001 0.01 0.1 1 10"),
        (1e-12, 1, "1e-12 1e-9 1e-6 0.001 1"),
        (5e-324, 1e90, "1e-332 1e-249 1e-166 1e-83 1 1e83 1e166"),
    ],
)
def test_logarithmic_ticks(low: float, high: float, labels: str) -> None:
    assert " ".join(ends(logarithmic(low, high))) == labels


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1e-7, 10, "1e-6 0.0001 0.01 1"),
        (3e-7, 0.82, "1e-6 0.0001 0.01"),
        (0.3, 30, "1 10"),
        (0.03, 2.2, "0.05 0.1 0.2 0.5 1 2"),
        (0.3, 0.4, "0.2 0.5"),
        (2, 2, "2 5"),
    ],
)
def test_tight_logarithmic_ticks(low: float, high: float, labels: str) -> None:
    scale = tight_logarithmic(low, high)
    assert " ".join(ends(scale)) == labels
    for tick in scale.ticks:
        assert scale.places([float(tick.text)]) == pytest.approx([tick.place])
    assert all(0 <= place <= 1 for place in scale.places([low, high]))


@pytest.mark.parametrize(
    ("value", "percent", "text"),
    [
        (0.0831, False, "0.0831"),
        (0.06, False, "0.06"),
        (2.3449, False, "2.34"),
        (12, False, "12"),
        (999.7, False, "1000"),
        (54_321, False, "54321"),
        (1e30, False, "1e30"),
        (-2.5e-7, False, "-2.5e-7"),
        (0.983, True, "98.3 %"),
        (0.9926, True, "99.26 %"),
        (1.0, True, "100 %"),
        (0.0, True, "0 %"),
        (1e30, True, "1e32 %"),
    ],
)
def test_numbers_are_short(value: float, percent: bool, text: str) -> None:
    assert number_text(value, percent) == text


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        (LOSS, "loss: training from 2.33 to 0.0558, validation from 1.62 to 0.11; best 0.0947 at epoch 30"),
        (replace(ACCURACY, best=(2, 0.983)), "accuracy: validation from 95.1 % to 97.9 %; best 98.3 % at epoch 2"),
        (RATES, "rates: loss from 2.3 to 1.1; suggested 0.012"),
        (
            replace(EMPTY, log_x=True, curves=(Curve("loss", ((0, 3), (1, 2), (2, 1))),)),
            "loss: loss from 2 to 1; 1 value not above zero, which a logarithmic axis cannot show",
        ),
        (EMPTY, "loss: training no values yet"),
        (replace(EMPTY, curves=()), "loss: no values yet"),
        (replace(EMPTY, curves=(Curve("training", ((1, 2.3),)),)), "loss: training 2.3"),
        (
            replace(EMPTY, curves=(Curve("training", ((1, 2.3), (2, NAN), (3, 0.4))),)),
            "loss: training from 2.3 to 0.4; 1 value not finite",
        ),
        (
            replace(EMPTY, log=True, curves=(Curve("norm", ((1, 2), (2, 0), (3, -1), (4, NAN), (5, 1))),)),
            "loss: norm from 2 to 1; 1 value not finite; 2 values not above zero, which a logarithmic axis cannot show",
        ),
    ],
)
def test_the_chart_in_words(chart: Chart, text: str) -> None:
    assert describe(chart) == text
    assert parsed(chart).get("aria-label") == text


def test_the_chart_as_a_table() -> None:
    table = rows(LOSS)
    assert [row[0] for row in table] == [1, 6, 11, 16, 21, 26, 30, 31, 36, 41, 46, 50]
    training, validation = dict(FALLING), dict(LOWER)
    assert table == tuple((x, training[x], validation[x]) for x, *_ in table if x is not None)


def test_a_table_shows_no_value_twice() -> None:
    chart = Chart("", "", "", (Curve("a", ((1, 0.5), (2, 0.4), (2.5, NAN))), Curve("b", ((1, 0.7), (2, 0.6)))))
    *known, (x, a, b) = rows(chart)
    assert known == [(1, 0.5, 0.7), (2, 0.4, 0.6)]
    assert x == 2.5
    assert a is not None and math.isnan(a)
    assert b is None
    assert rows(EMPTY) == ()


@pytest.mark.parametrize(
    ("chart", "notice"),
    [
        (EMPTY, "no values yet"),
        (replace(EMPTY, log=True), "no values yet"),
        (replace(EMPTY, curves=()), "no values yet"),
        (replace(EMPTY, curves=(Curve("training", ((1, NAN),)),)), "no values to draw"),
        (replace(EMPTY, log=True, curves=(Curve("training", ((1, -1),)),)), "no values to draw"),
    ],
)
def test_an_empty_chart_keeps_its_axes(chart: Chart, notice: str) -> None:
    root = parsed(chart)
    assert notice in texts(root)
    assert [value for _, value in labelled(root, "x")] == [0, 2, 4, 6, 8, 10, 12]


def test_the_best_point_is_ringed_where_its_line_passes() -> None:
    root = parsed(LOSS)
    (ring,) = root.iter(f"{SVG}circle")
    (drawn,) = lines(root, "validation")
    x, y = drawn[LOWER.index(LOWEST)]
    assert (float(ring.get("cx", "")), float(ring.get("cy", ""))) == pytest.approx((x, y), abs=0.7)
    assert "best 0.0947" in texts(root)


def test_marks_stand_on_their_line() -> None:
    root = parsed(LOSS)
    (drawn,) = lines(root, "validation")
    *found, sample = marks(root, "validation")
    assert len(found) >= 10
    assert set(found) <= set(drawn)
    assert sample[1] < 28


def test_points_beyond_the_range_widen_it() -> None:
    root = parsed(replace(EMPTY, curves=(Curve("training", ((1, 1), (15, 0.5))),)))
    ((_, last),) = lines(root)
    assert last[0] == 440 - 14


@pytest.mark.parametrize("text", ["<script>alert('x')</script>", '"a" & b', "훈련 🎯", "\x00\x1b\ud800 odd", "a" * 300])
def test_any_text_is_safe_and_stays_in_its_place(text: str) -> None:
    chart = Chart(text, text, text, (Curve(text, ((1, 1), (2, 2))), Curve(text, ((1, 2),), "validation")), best=(1, 1))
    root = parsed(chart)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {"svg", "g", "text", "tspan", "path", "circle"}
    allowed = re.sub(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]", "", text)
    assert root.get("aria-label", "").startswith(allowed)
    legend = [span for span in root.iter(f"{SVG}tspan") if span.get("x")]
    starts = [2.0, *(float(span.get("x", "")) for span in legend)]
    assert starts == sorted(starts)
    assert starts[-1] + text_width(legend[-1].text or "") <= 440


@pytest.mark.parametrize(
    ("text", "pixels", "kept"),
    [("loss", 40, "loss"), ("validation", 40, "valid…"), ("훈련", 25, "훈…"), ("loss", 3, "")],
)
def test_fitted(text: str, pixels: float, kept: str) -> None:
    assert fitted(text, pixels) == kept


def test_charts_stand_together_in_a_larger_picture() -> None:
    inner = draw(LOSS, color="#333") + draw(ACCURACY, x=450, color="#333")
    root = ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 890 230">{inner}</svg>')
    first, second = root
    assert (first.get("x"), second.get("x"), second.get("color")) == (None, "450", "#333")
    assert not [element for element in root.iter() if element.get("id")]


def test_a_chart_is_small_text_of_a_fixed_size() -> None:
    assert len(draw(LOSS).encode()) < 2250
    sizes = {tuple(parsed(chart).get(name) for name in ("width", "height")) for chart in (LOSS, ACCURACY, EMPTY)}
    assert sizes == {("440", "230")}


def test_too_small_a_chart_is_refused() -> None:
    with pytest.raises(ValueError, match="200 by 120"):
        draw(LOSS, width=100)


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, bright = sorted([luminance(one), luminance(other)])
    return (bright + 0.05) / (dark + 0.05)


def test_lines_are_told_apart_on_light_and_dark_and_without_colour() -> None:
    for pen in PENS.values():
        assert min(contrast(pen.color, "#ffffff"), contrast(pen.color, "#111111")) >= 3
    for one, other in combinations(PENS.values(), 2):
        assert (one.dash, one.mark) != (other.dash, other.mark)


def ascending(point: tuple[float, float]) -> tuple[bool, float]:
    return math.isnan(point[0]), point[0]


numbers = st.floats() | st.floats(0, 10) | st.sampled_from([0.0, 1.0, -1.0, 1e30, 1e-300, 5e-324, 1e308])
points = st.lists(st.tuples(numbers, numbers), max_size=70).map(lambda found: tuple(sorted(found, key=ascending)))
curves = st.builds(Curve, st.text(max_size=9), points, st.sampled_from([*PENS]))
charts = st.builds(
    Chart,
    st.text(),
    st.text(),
    st.text(),
    st.lists(curves, max_size=4).map(tuple),
    x_range=st.none() | st.just((0.0, 12.0)),
    percent=st.booleans(),
    log=st.booleans(),
    best=st.none() | st.tuples(numbers, numbers),
)


@settings(max_examples=60, deadline=None)
@given(charts)
def test_any_chart_is_drawn_within_its_picture(chart: Chart) -> None:
    root = parsed(chart)
    assert root.get("width") == "440"
    for style in {curve.style for curve in chart.curves}:
        places = [place for line in lines(root, style) for place in line] + marks(root, style)
        assert all(0 <= x <= 440 and 0 <= y <= 230 for x, y in places)
    assert all(2 <= len(labelled(root, axis)) <= 8 for axis in "xy")
    assert len(rows(chart)) <= 12 + len(chart.curves) + 1
