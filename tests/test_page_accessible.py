"""axe-core finds nothing to complain of in the page, in either language and either theme."""

import pytest

CLAIM = "history/shows-a-whole-training"  # one with a figure


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_axe_finds_nothing(visit, small_page, language, theme):
    """Not in the answers with a claim open, nor in matrix, comparison, or what a search found."""
    from axe_playwright_python.sync_playwright import Axe

    found = []
    for address in (f"#{CLAIM}", "#matrix", "#compare", "&search=keras"):
        page = visit(f"?language={language}&theme={theme}{address}", small_page)
        told = Axe().run(page).response["violations"]
        found += [(address, one["id"], node["html"][:100], node["failureSummary"]) for one in told for node in one["nodes"]]
    assert found == []
