"""Figures are drawn where their numbers are, and what cannot be drawn is shown as the value that it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import figures as recorded
from fixtures.claims import Evidence
from reports import figures, pages
from tests.miniatures.results import claim, finished, run_of
from tests.test_pages import HOSTILE, Page

LOSSES = recorded.lines("epoch", "loss (bits)", training=[4, 2, 0], validation=[4, None, 1])
PICTURE = recorded.grid("column", "row", [[-2, 0, 1], [0, 1, 2]])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
NUMBERS = st.integers() | st.floats()
VALUES = st.lists(st.none() | NUMBERS, max_size=4)
# What is nearly a figure, each part of it possibly damaged.
LINES = {"at": st.lists(NUMBERS, max_size=4) | JSON, "series": st.dictionaries(st.text(), VALUES) | JSON}
NEARLY = st.fixed_dictionaries({"figure": st.just("lines"), "x": st.text(), "y": st.text(), **LINES}) | st.builds(
    recorded.grid, st.text(), st.text(), st.lists(VALUES, max_size=4)
)


def changed(original, **changes):
    """The figure with something else in it."""
    return {**original, **changes}


def page_of(tmp_path, figure, **changes):
    """The HTML page of a run whose one claim measured the figure."""
    return pages.html([run_of(tmp_path, finished(claim(evidence={"how it went": figure}, **changes)))])


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 12, [0, 2, 4, 6, 8, 10, 12]),
        (205, 270, [200, 220, 240, 260, 280]),
        (-3, 4, [-4, -2, 0, 2, 4]),
        (0.001, 0.0025, [0.001, 0.0015, 0.002, 0.0025]),
        (0, 3e80, [0, 5e79, 1e80, 1.5e80, 2e80, 2.5e80, 3e80]),
    ],
)
def test_marks_an_axis_at_round_numbers(low, high, marks):
    """The marks are round, few, and reach from the lowest value to the highest."""
    assert figures.ticks(low, high) == pytest.approx(marks)


def test_marks_whole_numbers_at_whole_numbers():
    """Between two epochs, or two counts, there is none."""
    assert figures.ticks(1, 3, whole=True) == [1, 2, 3]
    picture = figures.drawing(recorded.lines("epoch", "samples", seen=[1, 2]))
    assert [tick.label for tick in picture.x_ticks] == ["1", "2"]
    assert [tick.label for tick in picture.y_ticks] == ["0", "1", "2"]


def test_draws_points_where_their_numbers_are():
    """Of 4, 2, 0 over three places the points stand at top, middle and bottom, and left, middle and right."""
    picture = figures.drawing(LOSSES)
    (left, top, first), (middle, half, _), (right, bottom, last) = picture.curves[0].dots
    assert (top, bottom, half) == (picture.top, picture.bottom, (picture.top + picture.bottom) / 2)
    assert middle == pytest.approx((left + right) / 2, abs=0.1)
    assert picture.left < left < right < picture.right
    assert (first, last) == ("1: 4", "3: 0")
    assert picture.curves[0].lines == (f"{left},{top} {middle},{half} {right},{bottom}",)


def test_leaves_a_gap():
    """Over a missing value no line is drawn; the values beside it are marked."""
    curve = figures.drawing(LOSSES).curves[1]
    assert curve.lines == ()
    assert [words for _, _, words in curve.dots] == ["1: 4", "3: 1"]


def test_names_its_axes_and_marks():
    """An axis says what it shows. Zero is on it where that costs less than half of it. Marks have the digits they need."""
    picture = figures.drawing(LOSSES)
    assert (picture.x, picture.y) == ("epoch", "loss (bits)")
    assert [tick.label for tick in picture.y_ticks] == ["0", "1", "2", "3", "4"]
    assert [tick.label for tick in picture.x_ticks] == ["1", "2", "3"]
    near = figures.drawing(recorded.lines("epoch", "loss", a=[0.9, 0.96]))
    assert [tick.label for tick in near.y_ticks] == ["0.90", "0.91", "0.92", "0.93", "0.94", "0.95", "0.96"]
    tiny = figures.drawing(recorded.lines("epoch", "loss", a=[1e-7, 3e-7]))
    assert [tick.label for tick in tiny.y_ticks] == ["0", "5e-08", "1e-07", "1.5e-07", "2e-07", "2.5e-07", "3e-07"]


@pytest.mark.parametrize("values", [[0], [7], [-7, -7], [1e-99], [3, None]])
def test_draws_what_does_not_change(values):
    """A single value, or one that stays, has an axis too."""
    picture = figures.drawing(recorded.lines("epoch", "loss", a=values))
    assert all(picture.top <= y <= picture.bottom and picture.left < x < picture.right for x, y, _ in picture.curves[0].dots)


def test_sets_names_side_by_side():
    """Places that are names stand at equal distances, each with its name."""
    picture = figures.drawing(recorded.lines("optimizer", "bytes", at=["SGD", "Adam"], file=[4, 12]))
    assert [tick.label for tick in picture.x_ticks] == ["SGD", "Adam"]
    assert [tick.at for tick in picture.x_ticks] == [x for x, _, _ in picture.curves[0].dots]


def test_inks_a_grid_by_its_numbers():
    """A cell is inked as its number's share of the largest magnitude, in one colour above zero and in another below."""
    picture = figures.drawing(PICTURE)
    assert [(cell.ink, cell.negative) for cell in picture.cells] == [
        (1, True), (0, False), (0.5, False), (0, False), (0.5, False), (1, False),
    ]  # fmt: skip
    assert [(cell.x - picture.left, cell.y - picture.top) for cell in picture.cells[:4]] == [
        (0, 0), (picture.side, 0), (2 * picture.side, 0), (0, picture.side),
    ]  # fmt: skip
    assert [value for value, _, _ in picture.scale] == ["-2", "0", "2"]


def test_inks_numbers_of_one_sign_from_the_least_to_the_most():
    """Without a change of sign the least number is nearly blank and the largest full."""
    picture = figures.drawing(recorded.grid("column", "row", [[3, 4, 5]]))
    assert [cell.ink for cell in picture.cells] == pytest.approx([0.06, 0.53, 1])


UNDRAWABLE = {
    "NaN as text": changed(LOSSES, series={"training": ["nan", 1, 2]}),
    "an infinite number": changed(LOSSES, series={"training": [1, float("inf"), 2]}),
    "a huge number": changed(LOSSES, series={"training": [1, 10**400, 2]}),
    "numbers that floats cannot tell apart": changed(LOSSES, series={"training": [1e16, 1e16 + 2]}),
    "more values than places": changed(LOSSES, at=[1, 2]),
    "places that are no list": changed(LOSSES, at=3),
    "places of two kinds": changed(LOSSES, at=[1, "two", 3]),
    "no places": changed(LOSSES, at=[], series={"training": []}),
    "truth values": changed(LOSSES, series={"training": [True, False]}),
    "series that are a list": changed(LOSSES, series=[[1, 2, 3]]),
    "no series": changed(LOSSES, series={}),
    "nothing but gaps": changed(LOSSES, series={"training": [None, None]}),
    "more series than colours": changed(LOSSES, series={str(n): [1, 2] for n in range(7)}),
    "more points than one can see": recorded.lines("step", "loss", a=list(range(1001))),
    "no name of an axis": changed(LOSSES, x=""),
    "something besides": changed(LOSSES, style="red"),
    "rows of unequal length": changed(PICTURE, values=[[1, 2], [3]]),
    "no rows": changed(PICTURE, values=[]),
    "a row that is a number": changed(PICTURE, values=[1, 2]),
    "NaN in a grid": changed(PICTURE, values=[["nan", 1]]),
    "more rows than one can see": changed(PICTURE, values=[[1]] * 33),
    "a figure of another kind": changed(LOSSES, figure="pie"),
    "no figure at all": [1, 2, 3],
}


@pytest.mark.parametrize("figure", UNDRAWABLE.values(), ids=UNDRAWABLE)
def test_shows_what_cannot_be_drawn_as_a_value(figure):
    """Damaged data is no drawing, and no error; the pages show it as they show other evidence."""
    assert figures.drawing(figure) is None


@given(measured=JSON | NEARLY)
def test_never_raises(measured):
    """Whatever a results file holds is a drawing inside its frame, or none."""
    picture = figures.drawing(measured)
    for curve in getattr(picture, "curves", ()):
        assert all(0 <= x <= picture.width and picture.top <= y <= picture.bottom for x, y, _ in curve.dots)
    assert all(0 <= cell.ink <= 1 for cell in getattr(picture, "cells", ()))


def test_draws_what_was_recorded(tmp_path):
    """A figure goes through evidence and its results file into the page, with title, axes, legend, and all its values."""
    evidence = Evidence()
    evidence("how it went", LOSSES)
    text = page_of(tmp_path, evidence.take()["how it went"])
    page = Page(text)
    assert {"svg", "figure", "polyline", "circle"} <= set(page.elements)
    for part in ("how it went", "epoch", "loss (bits)", "training", "validation"):
        assert part in page.text
    assert "loss (bits) by epoch (1, 2, 3). training: 4, 2, 0; validation: 4, none, 1." in page.values("aria-label")
    assert re.search(r"<th scope=\"row\">validation</th><td>4</td><td>none</td><td>1</td>", text)
    assert '{"figure"' not in page.text


def test_draws_a_grid(tmp_path):
    """A grid has its cells, their scale, and all its values."""
    text = page_of(tmp_path, PICTURE)
    assert "A grid of 2 rows (row) and 3 columns (column), from -2 to 2." in Page(text).values("aria-label")
    assert text.count('class="below"') == 1 + 1  # and in the legend
    assert '<th scope="row">row 2</th><td>0</td><td>1</td><td>2</td>' in text


def test_needs_no_style_of_its_own(tmp_path):
    """A drawing has classes and attributes only: the page's policy allows no other style."""
    for figure in (LOSSES, PICTURE):
        assert not Page(page_of(tmp_path, figure)).values("style")


def test_draws_the_newest_column(tmp_path):
    """Of two columns of a family the newer one's figure is shown, with the column's name."""
    runs = [
        run_of(tmp_path, finished(claim(evidence={"how it went": LOSSES}), version=version), version)
        for version in ("3.9.0", "2.2.4")
    ]
    text = pages.html(runs)
    assert text.count("<figure>") == 1
    assert "keras 3.9.0 · jax" in text.partition("<figcaption>")[2].partition("</figcaption>")[0]


NAMED_WITH_MARKUP = [
    changed(LOSSES, x=HOSTILE, y=HOSTILE, at=[HOSTILE, "b"], series={HOSTILE: [1, 2]}),
    changed(LOSSES, series={HOSTILE: HOSTILE}),
    changed(PICTURE, x=HOSTILE, y=HOSTILE),
]


@pytest.mark.parametrize("figure", NAMED_WITH_MARKUP)
def test_escapes_what_it_draws(tmp_path, figure):
    """Whatever a figure's names hold is shown as text."""
    run = run_of(tmp_path, finished(claim(evidence={HOSTILE: figure})))
    page = Page(pages.html([run]))
    assert page.runs_only_its_own
    assert "alert(1)" in page.text
