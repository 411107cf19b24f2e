"""A real browser for the tests of the page: Debian's Chromium, driven by Playwright, started once, with one page for all."""

import dataclasses
import shutil
from pathlib import Path

import pytest

# Chromium does not run as root, as in a container, but without its sandbox. The pages under test are the suite's own.
# Without a GPU, and in containers, whose shared memory is small, it takes time to find out what it cannot use.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
MISSING = "these tests drive a real Chromium, which is not here: apt-get install chromium"
PUBLISHED = Path(__file__).parent.parent / "reports" / "published" / "results"
FEW = ("citation/", "history/", "validation-split/")  # the questions of a page that is quick to look through


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert path, MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def published_runs():
    """All published columns."""
    from reports.results import read

    return [read(file) for file in sorted(PUBLISHED.glob("*.jsonl"))]


@pytest.fixture(scope="session")
def published_page(published_runs, tmp_path_factory):
    """The address of their page."""
    return written(published_runs, tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="session")
def small_page(published_runs, tmp_path_factory):
    """The address of the page of a few of their questions."""
    runs = [
        dataclasses.replace(run, outcomes=tuple(outcome for outcome in run.outcomes if outcome.id.startswith(FEW)))
        for run in published_runs
    ]
    return written([dataclasses.replace(run, planned=len(run.outcomes)) for run in runs], tmp_path_factory.mktemp("small-page"))


def written(runs, folder):
    """The address of the page of these runs, written into this folder."""
    from reports import pages

    path = folder / "index.html"
    path.write_text(pages.html(runs), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="session")
def context(chromium):
    """A profile of the browser's that speaks English and may use the clipboard."""
    made = chromium.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    yield made
    made.close()


@pytest.fixture
def visit(context, request):
    """Open a page at an address, `?language=zh#matrix`. At the end there was no error, and no request but for the page."""
    opened, wrong = [], []

    def visit(address="", url=None):
        url = url or request.getfixturevalue("published_page")
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: None if request.url.startswith(url) else wrong.append(request.url))
        page.goto(url + address)
        opened.append(page)
        return page

    yield visit
    for page in opened:
        page.close()
    assert wrong == []
