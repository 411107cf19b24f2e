"""The page in a real Chromium: picker, permanent links, search, copying, languages, themes, keyboard, phone, print."""

import re

import pytest

SPLIT = "validation-split/trains-on-the-first-samples-and-validates-on-the-rest"


def verdict(page, claim):
    """The verdict that a claim shows."""
    return page.locator(f"[id='{claim}'] > summary > .pill").inner_text().strip()


def test_the_picker_turns_every_answer(visit):
    """Another Keras has other verdicts, counts and short answers; it stands in the address, which brings them back."""
    page = visit()
    told = "[...document.querySelectorAll('.claim > summary > .pill')].map(pill => pill.className)"
    newest, counts, short = page.evaluate(told), page.inner_text("#counts"), page.locator(".short").all_inner_texts()
    page.select_option("#version", "2.2.4")
    older = page.evaluate(told)
    assert len(older) == len(newest)
    assert sum(one != other for one, other in zip(older, newest)) > 100
    assert page.inner_text("#counts") != counts
    assert page.locator(".short").all_inner_texts() != short
    assert "?on=keras-2.2.4-tensorflow" in page.url
    assert visit("?on=keras-2.2.4-tensorflow").evaluate(told) == older


def test_the_picker_offers_what_was_measured(visit):
    """A distribution offers its versions, a version its backends; the nearest column takes the place of one that is not."""
    page = visit()
    page.select_option("#backend", "jax")
    assert page.url.endswith("?on=keras-3.15.1-jax")
    page.select_option("#distribution", "tf.keras")
    assert page.input_value("#version") == "2.15.1"
    assert page.locator("#backend option").all_inner_texts() == ["tensorflow"]
    page.select_option("#distribution", "keras")
    assert page.input_value("#version") == "3.15.1"


def test_tells_what_is_true_instead(visit):
    """A claim that does not hold on the picked Keras names the one that does, which holds there."""
    page = visit("?on=keras-3.15.1-torch")
    claim = page.locator("details.claim:has(> summary .instead)").first.get_attribute("id")
    page.evaluate("claim => { location.hash = claim }", claim)
    shown = page.locator(f"[id='{claim}']")
    link = shown.locator(".body a").first
    assert link.inner_text() in shown.locator("> summary .instead").text_content()
    assert verdict(page, claim) == "✘ does not hold"
    assert page.locator(f"[id='{link.get_attribute('href')[1:]}'] > summary > .pill.h").count() == 1


def test_a_permanent_link_opens_its_claim(visit):
    """The address of a claim opens it: with proof, evidence, bar of all columns, faults that it tells, rows."""
    page = visit(f"#{SPLIT}")
    body = page.locator(f"[id='{SPLIT}'] .body")
    body.wait_for()
    assert "int(samples * (1 - fraction))" in body.locator(".proof").inner_text()
    assert body.locator(".proof b").first.is_visible()
    assert body.locator(".bars ol li").count() == page.evaluate("columns.length")
    assert "Faults that it tells" in body.inner_text()
    assert "holds out the last tenth" in body.inner_text()
    assert page.locator(f"[id='{SPLIT}']").bounding_box()["y"] < 300


def test_a_link_within_the_page_opens_its_claim(visit):
    """So does following a link, again too, when it was closed meanwhile."""
    page = visit()
    link = page.locator("#often-repeated a").first
    claim = page.locator(f"[id='{link.get_attribute('href')[1:]}']")
    for _ in range(2):
        page.evaluate("scrollTo(0, 0)")
        link.click()
        claim.locator(".body").wait_for()
        claim.evaluate("claim => claim.open = false")


@pytest.mark.parametrize(("language", "wanted"), [("en", "validation_split samples trains"), ("zh", "验证 最后")])
def test_searches_as_one_types(visit, language, wanted):
    """Claims whose question, sentence or evidence has all words are listed, in either language, whatever is shown."""
    page = visit(f"?language={language}")
    page.type("#search", wanted)
    assert int(page.inner_text("#hits")) > 0
    assert page.locator("#results a").count() > 0
    assert not page.locator("#answers").is_visible()
    page.locator("#results a").first.click()
    page.locator("details.claim[open] .body").wait_for()
    assert page.input_value("#search") == ""


def test_searches_evidence(visit):
    """What was measured is found, too: the BibTeX entry's year stands in evidence alone."""
    page = visit("?search=chollet2015keras")
    assert int(page.inner_text("#hits")) == 1
    page.fill("#search", "no claim says this")
    assert page.inner_text("#hits") == "0"


def test_copies_a_worked_example(visit):
    """One click copies a program: imports, helpers, test, and a call for the picked Keras."""
    page = visit("?on=tf.keras-2.15.1-tensorflow")
    button = page.locator("#topic-10 .example-link:not(.off) .copy").first
    button.click()
    page.wait_for_function("button => button.innerText.includes('Copied')", arg=button.element_handle())
    copied = page.evaluate("navigator.clipboard.readText()")
    compile(copied, "example", "exec")
    assert re.search(r"^def test_\w+\(keras\):$", copied, re.MULTILINE)
    assert re.search(r"from tensorflow import keras\n\ntest_\w+\(keras\)\n$", copied)


@pytest.mark.parametrize(("locale", "language"), [("zh-CN", "zh"), ("de-DE", "en")])
def test_prefers_the_language_of_the_browser(chromium, published_page, locale, language):
    """Whoever's browser speaks Chinese reads Chinese, others English; the address has the last word."""
    context = chromium.new_context(locale=locale)
    page = context.new_page()
    for address, expected in (("", language), ("?language=en", "en"), ("?language=zh", "zh")):
        page.goto(published_page + address)
        assert page.inner_text("h1") == {"en": "The Keras FAQ, verified", "zh": "经过验证的 Keras 常见问题解答"}[expected]
    context.close()


def test_switches_language_and_theme(visit):
    """Both are switched by a click and stand in the address; nothing stays in the other language."""
    page = visit(f"#{SPLIT}")
    page.locator("label:has(#chinese)").click()
    page.locator("label:has(#dark)").click()
    assert "language=zh" in page.url
    assert "theme=dark" in page.url
    assert page.get_attribute("html", "lang") == "zh-Hans"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 21, 25)"
    shown = page.evaluate(
        """[...document.querySelectorAll("body *")].filter(one => one.checkVisibility() && !one.closest("[lang=en], code, pre"))
        .flatMap(one => [...one.childNodes]).filter(node => node.nodeType === 3).map(node => node.data.trim())"""
    )
    english = [text for text in shown if re.search(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}", text)]
    assert english == []


def test_works_by_keyboard(visit):
    """Tab reaches search, languages, themes and the picker; Enter opens a question and a claim."""
    page = visit()
    reached = []
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    assert {"search", "english", "auto", "distribution", "version", "backend"} <= set(reached)
    page.focus("#validation-split > summary")
    page.keyboard.press("Enter")
    page.locator("#validation-split .claim").first.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#validation-split .claim[open] .body").wait_for()


def test_reads_without_javascript(chromium, published_page):
    """Without its script the page has every answer, with its proof, in both languages; what needs the script is not there."""
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{published_page}#{SPLIT}")
    if not page.locator(f"[id='{SPLIT}'] .body").is_visible():  # this browser opens the question alone
        page.locator(f"[id='{SPLIT}'] > summary").click()
    assert "int(samples * (1 - fraction))" in page.inner_text(f"[id='{SPLIT}']")
    assert verdict(page, SPLIT) == "✔ holds"
    assert not page.locator("#search").is_visible()
    assert "needs JavaScript" in page.inner_text("#matrix")
    page.locator("label:has(#chinese)").click()
    assert verdict(page, SPLIT) == "✔ 成立"
    context.close()


@pytest.mark.parametrize("address", ["", f"#{SPLIT}", "#matrix", "#compare", "?search=keras", "?language=zh#columns"])
def test_fits_a_phone(visit, address):
    """At phone width nothing scrolls sideways but wide tables within themselves."""
    page = visit(address)
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_prints(visit):
    """On paper are the answers and what is open, black on white, and no controls."""
    page = visit(f"?theme=dark#{SPLIT}")
    page.emulate_media(media="print")
    assert not page.locator(".bar").is_visible()
    assert page.locator(f"[id='{SPLIT}'] .body").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")
