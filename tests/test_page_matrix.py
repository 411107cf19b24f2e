"""The page's matrix and its comparison of two columns, in a real Chromium."""

import pytest


def shape(page):
    """How many claims and columns the matrix says that it shows."""
    return [int(number) for number in page.inner_text("#shown").split() if number.isdigit()]


def test_shows_every_claim_in_every_column(visit):
    """All claims and columns are there; headings stay in sight wherever one scrolls, and the last claim can be reached."""
    page = visit("#matrix")
    claims, columns = shape(page)
    assert [claims, columns] == page.evaluate("[claims.length, columns.length]")
    assert page.get_attribute("#scroller table", "aria-rowcount") == str(claims + 2)
    page.evaluate("document.querySelector('#scroller').scrollTo(1e6, 1e6)")
    page.wait_for_selector(f"#scroller [data-at='{claims - 1},0']")
    box, head = page.locator("#scroller").bounding_box(), page.locator("#scroller thead").bounding_box()
    assert head["y"] == pytest.approx(box["y"], abs=2)
    assert page.locator("#scroller tbody th").last.bounding_box()["x"] == pytest.approx(box["x"], abs=2)


@pytest.mark.parametrize("height", [360, 720, 1600])
def test_fills_the_window(visit, height):
    """Rows are drawn down to the matrix's lower edge, however high the window is, at once and after it was made higher."""
    page = visit()
    page.set_viewport_size({"width": 1280, "height": height})
    page.evaluate("location.hash = 'matrix'")
    page.wait_for_selector("#scroller td")
    for _ in range(2):
        bottom = page.locator("#scroller").evaluate("one => one.getBoundingClientRect().bottom")
        below = page.locator("#scroller tr.space").last.bounding_box()["y"]
        assert below >= bottom
        page.set_viewport_size({"width": 1280, "height": 2 * height})
        page.wait_for_timeout(100)


def test_filters(visit):
    """Filters by question, verdict, generation and backend leave what they say, and stand in the address."""
    page = visit("#matrix")
    everything = shape(page)
    page.select_option("#only-generation", "Keras 3")
    versions = page.locator("#scroller thead tr").last.locator("th").all_inner_texts()
    assert 0 < len(versions) < everything[1]
    assert all(version.startswith("3.") for version in versions)
    page.select_option("#only-backend", "jax")
    found = page.evaluate(
        "data.found.map(found => columns.flatMap((one, n) => one.backend === 'jax' ? [found[n].toLowerCase()] : []))"
    )
    assert shape(page) == [everything[0], len(found[0])]
    page.select_option("#only-verdict", "n")
    refuted = sum("n" in letters for letters in found)
    assert shape(page)[0] == refuted
    page.select_option("#only-question", "freezing")
    shown = shape(page)
    assert 0 < shown[0] < refuted
    again = visit("?" + page.url.partition("?")[2])
    assert shape(again) == shown
    again.select_option("#only-question", "")
    again.select_option("#only-verdict", "unlike")
    assert shape(again)[0] == sum(len(set(letters) - {"-", "o"}) > 1 for letters in found)


def test_moves_by_keyboard(visit):
    """Arrow keys move from cell to cell, which is described, beyond what is in sight too; Enter opens the claim."""
    page = visit("#matrix")
    page.focus("#scroller [data-at='0,0']")
    for key in ["ArrowDown"] * 2 + ["ArrowRight"] + ["PageDown"] * 4 + ["End"]:
        page.keyboard.press(key)
    columns = page.evaluate("columns.length")
    assert page.evaluate("document.activeElement.dataset.at") == f"62,{columns - 1}"
    assert page.locator("#scroller [tabindex='0']").count() == 1
    assert page.evaluate("columns.at(-1).label") in page.inner_text("#cell")
    cell, head = page.locator(":focus").bounding_box(), page.locator("#scroller thead").bounding_box()
    assert cell["y"] >= head["y"] + head["height"] - 1
    page.keyboard.press("Enter")
    page.locator("details.claim[open] .body").wait_for()
    assert page.evaluate("location.hash.slice(1) === claims[62].id")


def test_describes_what_the_pointer_is_on(visit):
    """The cell under the pointer is told with verdict, column and claim; a click opens the claim."""
    page = visit("#matrix")
    page.hover("#scroller [data-at='3,1']")
    page.locator("#cell .pill").wait_for()
    assert page.evaluate("columns[1].label") in page.inner_text("#cell")
    page.click("#scroller [data-at='3,1']")
    assert page.evaluate("location.hash.slice(1) === claims[3].id")


def test_compares_two_columns(visit):
    """Only what differs is listed, with both verdicts, and the pair stands in the address."""
    page = visit("?from=tf.keras-2.15.1-tensorflow&to=keras-3.15.1-jax#compare")
    unlike = page.evaluate(
        """(() => { const [one, other] = ["from", "to"].map(name => keyed(document.getElementById(name).value));
        return data.found.filter(found => found[one] !== found[other]).length; })()"""
    )
    assert 0 < unlike == page.locator(".pairs li").count()
    assert page.inner_text("#differing").startswith(f"{unlike} / ")
    pairs = [text.split("→") for text in page.locator(".pair").all_inner_texts()]
    assert all(one.strip() != other.strip() for one, other in pairs)
    page.select_option("#to", "tf.keras-2.15.1-tensorflow")
    assert page.locator(".pairs li").count() == 0
    assert "to=tf.keras-2.15.1-tensorflow" in page.url
