"""Every text of the page is a claim's, a results file's, or one of the fixed ones, which stand in both languages."""

import html
import json
import re

import pytest

from reports import faults, pages, proofs, stories, web
from reports.catalogue import FILE as CATALOGUE
from reports.catalogue import GROUPS, load
from reports.faq import assemble
from reports.results import Outcome
from reports.verdicts import MEASURED, VERDICTS
from reports.wording import INTERFACE, Wording
from tests.miniatures.results import claim, finished, run_of
from tests.test_pages import HOSTILE, Page

KNOWN = json.loads(INTERFACE.read_text(encoding="utf-8"))


def used():
    """The fixed texts that templates and scripts name."""
    templates = "".join((web.TEMPLATES / name).read_text(encoding="utf-8") for name in ("index.html", "claim.html"))
    scripts = "".join((web.TEMPLATES / name).read_text(encoding="utf-8") for name in web.SCRIPTS)
    in_templates = re.findall(r'\b[tw]\("([^"]+)"\)', templates) + re.findall(r'\("\w+", (?:".", )?"([^"]+)"\)', templates)
    in_scripts = re.findall(r'(?:both|text)\("([^"]+)"\)|option\("\w*", "([^"]+)"\)', scripts)
    return {*in_templates, *(text for pair in in_scripts for text in pair if text), *VERDICTS, "not run"}


def test_every_fixed_text_has_its_chinese():
    """What templates and scripts name is in `interface.json`, which has nothing besides but groups and topics."""
    titles = {topic.title for topic in load().topics}
    assert used() | titles | set(GROUPS) == set(KNOWN)
    assert all(re.search("[\u4e00-\u9fff]", chinese) for chinese in KNOWN.values())


def test_the_page_says_nothing_else(tmp_path):
    """Whatever English stands on a page beside its Chinese is a claim's, a question's, or a fixed text."""
    name = "validation-split/holds-out-exactly-the-last-tenth"
    text = pages.html([run_of(tmp_path, finished(claim(name, answers=["10.1"])))])
    pairs = re.findall(r"<span>([^<]*)</span><span lang=zh>([^<]*)</span>", text)
    wording = Wording()
    spoken = {"Is this an example?": wording.question("validation-split"), f"It is one: {name}.": wording.claim(name)}
    assert len(pairs) > 25
    assert all(chinese == {**KNOWN, **spoken}[english] for english, chinese in pairs)
    body = text.partition("<body>")[2].partition("<script type")[0]
    bare = {html.unescape(one).strip() for one in re.findall(r">([^<>]*[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}[^<>]*)<", body)}
    statements = CATALOGUE.read_text(encoding="utf-8") + " ".join(faults.faults()[name])
    assert {one for one in bare - set(KNOWN) - set(spoken) if one not in statements} == set()


def test_a_claim_of_another_suite_is_told_in_english(tmp_path):
    """One without a Chinese wording is told as it is, in either language."""
    text = pages.html([run_of(tmp_path, finished(claim()))])
    assert '<span class="sentence"><span>It is one: example/is-true.</span></span>' in text


def outcome(name, source="specs/training/test_validation_split.py:1", sentence=""):
    """What a results file says of a claim."""
    said = claim(name, source=source, sentence=sentence)
    return Outcome(**{field: value for field, value in said.items() if field != "record"})


def test_a_proof_is_the_test_alone():
    """The source of the test, without its docstring and its `@claim`, with its other decorators."""
    source = proofs.proof(outcome("validation-split/rounds-the-training-part-down"))
    assert source.startswith("@given(blocks=")
    assert "def test_rounds_the_training_part_down(keras" in source
    assert '"""' not in source
    assert "@claim" not in source


def test_an_example_has_what_it_needs():
    """The proof of a worked example can be run: nothing that it names is missing."""
    source = proofs.proof(outcome("validation-split/a-shuffled-split-needs-a-permutation", sentence="Example: shuffle."))
    defined = {}
    exec(compile(source, "example", "exec"), defined)
    test = defined["test_a_shuffled_split_needs_a_permutation"]
    assert set(test.__code__.co_names) & set(defined)


@pytest.mark.parametrize(
    "source", ["/etc/passwd:1", "specs/../conftest.py:1", "../secret.py:1", "specs/catalogue.json:1", "specs/none.py:1"]
)
def test_reads_no_other_file(source):
    """A results file cannot have any file shown but the suite's claims."""
    assert proofs.proof(outcome("example/is-true", source)) is None


def test_highlighting_escapes():
    """Code is text, whatever it holds."""
    assert proofs.highlighted('x = "<b>" # &') == 'x = <u>"&lt;b&gt;"</u> <i># &amp;</i>'


def test_tells_the_faults_of_nearly_every_claim():
    """Falsifiers' sentences are found by the ids of their claims."""
    told = faults.faults()
    assert len(told) > 900
    assert "The training part is rounded up." in told["validation-split/rounds-the-training-part-down"]


def faq_of(folder, **verdicts):
    """A FAQ of one claim, on the FAQ's row 10.1, with these verdicts by version."""
    runs = []
    for version, verdict in verdicts.items():
        version = version.strip("v").replace("_", ".")
        expected = verdict if verdict in MEASURED else "holds"
        content = finished(claim(verdict=verdict, expected=expected, answers=["10.1"]), version=version)
        runs.append(run_of(folder, content, version))
    return assemble(runs)


@pytest.mark.parametrize(
    ("old", "new", "repeated", "changed"),
    [
        ("does not hold", "does not hold", True, None),
        ("holds", "does not hold", False, False),
        ("does not hold", "holds", False, True),
        ("holds", "holds", False, None),
        ("does not hold", "not checked", False, None),
    ],
)
def test_finds_what_is_often_repeated_and_what_changed(tmp_path, old, new, repeated, changed):
    """What held nowhere and is refuted today is repeated; what held in 2018 and not today, or the reverse, has changed."""
    faq = faq_of(tmp_path, v2_2_4=old, v3_9_0=new)
    assert len(stories.often_repeated(faq)) == repeated
    found = [(change.holds_now, change.releases) for change in stories.changes(faq)]
    assert found == ([] if changed is None else [(changed, ("keras 3.9.0",))])


@pytest.mark.parametrize("row", ["10.R1", "4.6", "99.1"])
def test_repeats_only_what_was_said(tmp_path, row):
    """A reader's question, and what the FAQ is silent on, was never said."""
    run = run_of(tmp_path, finished(claim(verdict="does not hold", expected="does not hold", answers=[row])))
    assert stories.often_repeated(assemble([run])) == []


def test_hostile_input_is_text_in_a_browser(visit, tmp_path):
    """Whatever a results file says is shown, in every view, and nothing of it runs or is asked for."""
    claims = [claim("example/is-true"), claim("example/is-false", verdict="does not hold", instead=["example/is-true"])]
    hostile = [
        {**one, "sentence": HOSTILE, "question": HOSTILE, "details": HOSTILE, "evidence": {HOSTILE: HOSTILE}} for one in claims
    ]
    paths = []
    for version in ("3.8.0", "3.9.0"):
        hostile[0]["verdict"] = {"3.8.0": "does not hold", "3.9.0": "holds"}[version]
        content = finished(*hostile, version=version, platform=HOSTILE, packages={HOSTILE: HOSTILE})
        paths.append(run_of(tmp_path, content.replace(b"Python 3.12.1", json.dumps(HOSTILE)[1:-1].encode()), version))
    page_file = tmp_path / "index.html"
    page_file.write_text(pages.html(paths), encoding="utf-8")
    for address in ("#example/is-false", "#matrix", "#compare", "?search=alert"):
        page = visit(address, page_file.as_uri())
        assert "alert(1)" in page.inner_text("body")
        assert page.locator("img, script").count() == 2
    assert Page(pages.html(paths)).runs_only_its_own
