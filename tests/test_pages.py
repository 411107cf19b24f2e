"""The pages say of each claim: sentence, verdict, evidence, and what is true instead; nothing is fetched, no input runs."""

import base64
import hashlib
import html.parser
import json
import re
import sys

import pytest

from reports import pages
from reports.__main__ import main
from reports.catalogue import load
from tests.miniatures.results import claim, finished, header, lines, run_of

HOSTILE = "</code><script>alert(1)</script><img src=x onerror=alert(1)>`\"'](javascript:alert(1))"
REFUTED = claim(
    "example/is-false",
    sentence="The flag `shuffle` is obeyed.",
    expected="does not hold",
    verdict="does not hold",
    instead=["example/is-true"],
    reason="AssertionError: assert 1 == 2",
    evidence={"share": 0.25},
    bug="keras#22787",
    answers=["99.R2"],
    details="More about it: keras#10571.\n\n    model.fit(x, y)",
)
DRIFTED = claim("example/has-moved", verdict="does not hold", reason="AssertionError: moved")
BROKEN = claim("example/is-broken", verdict="error", reason="KeyError: 'nothing'")
UNCHECKED = claim("example/is-far", verdict="not checked", reason="no GPU is visible", seconds=None)
LUCK = claim("example/is-luck", expected="varies", verdict="varies")


class Page(html.parser.HTMLParser):
    """The elements of a page, its anchors and its text."""

    def __init__(self, text):
        """Parse the text."""
        super().__init__()
        self.elements, self.attributes, self.text, self.code = [], [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        """Note text, apart from it that of scripts and styles."""
        if self.cdata_elem:
            self.code.append(data)
        else:
            self.text += data

    def values(self, name):
        """What the attributes of that name hold."""
        return [value for attribute, value in self.attributes if attribute == name]

    @property
    def runs_only_its_own(self):
        """Whether its scripts are the one that the template has and the data for it."""
        return self.elements.count("script") == 2 and "img" not in self.elements


def markup_in(text):
    """What a reader of Markdown would take for markup, other than anchors; None if there is none."""
    outside_code = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", re.sub(r"\\.", "", text))
    return re.search(r"<(?!a id=|/a>)|\]\(javascript", outside_code)


@pytest.fixture
def one(tmp_path):
    """A run in which every verdict occurs."""
    return [run_of(tmp_path, finished(claim("example/is-true"), REFUTED, DRIFTED, BROKEN, UNCHECKED, LUCK))]


@pytest.fixture
def two(tmp_path):
    """Two columns: what holds in the newer one does not in the older one, which has a claim of its own."""
    newer = run_of(tmp_path, finished(claim("example/is-new")), "newer.jsonl")
    old = claim(
        "example/is-new", expected="does not hold", verdict="does not hold", instead=["example/is-younger", "example/is-old"]
    )
    return [newer, run_of(tmp_path, finished(old, claim("example/is-old"), version="2.2.4"), "older.jsonl")]


def test_says_all_of_a_claim(one):
    """Sentence, details, verdict, reason, evidence, thread and rows of the catalogue are on the page."""
    text = pages.html(one)
    for part in ("shuffle", "More about it", "does not hold", "assert 1 == 2", "0.25", "issues/22787", "issues/10571", "99.R2"):
        assert part in text


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_links_to_what_is_true_instead(one, render):
    """Where a claim does not hold, the sentence that does is told beside it and linked."""
    lines = render(one).splitlines()
    told = next(n for n, line in enumerate(lines) if re.search("instead:", line, re.IGNORECASE))
    assert "It is one: example/is-true." in lines[told]
    assert "#example/is-true" in "".join(lines[told : told + 3])


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_puts_first_what_is_wrong(one, render):
    """Drift and errors stand above everything else, and the others do not stand there."""
    above = render(one).partition("Is this an example?")[0]
    assert "It is one: example/has-moved." in above
    assert "It is one: example/is-broken." in above
    assert "KeyError" in above
    assert "example/is-luck" not in above


def test_gives_every_verdict_a_word_and_a_sign(one):
    """A verdict is told by word and sign; colour only repeats it."""
    text = Page(pages.html(one)).text
    for verdict in ("✔ holds", "✘ does not hold", "≈ varies", "○ not checked", "! error"):
        assert verdict in text


def test_gives_every_claim_a_permanent_anchor(one):
    """A claim's id is its anchor, and a question's is its own; none occurs twice."""
    anchors = Page(pages.html(one)).values("id")
    assert {outcome.id for outcome in one[0].outcomes} | {"example"} <= set(anchors)
    assert len(anchors) == len(set(anchors))
    assert all(f'<a id="{outcome.id}"></a>' in pages.markdown(one) for outcome in one[0].outcomes)


def test_every_link_leads_somewhere(one, two):
    """A link within the page has its anchor there; the others lead to public issues."""
    for runs in (one, two):
        page = Page(pages.html(runs))
        inside = {link[1:] for link in page.values("href") if link.startswith("#")}
        assert inside <= set(page.values("id"))
        assert all(link.startswith(("#", "https://github.com/keras-team/")) for link in page.values("href"))


def test_fetches_nothing_and_runs_its_own_script(one):
    """The page fetches nothing, and its policy forbids all but its one style and its one script, named by their hashes."""
    page = Page(pages.html(one))
    style, data, script = page.code
    digests = [base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in (script, style)]
    assert page.runs_only_its_own
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.elements)
    assert not page.values("style") + page.values("src") + [name for name, _ in page.attributes if name.startswith("on")]
    assert "url(" not in style
    assert "found" in json.loads(data)
    policy = "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"
    assert policy.format(*digests) in page.values("content")


@pytest.mark.parametrize("field", ["sentence", "question", "details", "reason", "bug", "group"])
def test_escapes_what_it_shows(tmp_path, field):
    """Whatever a results file says is shown as text."""
    changes = {"verdict": "error", "evidence": {HOSTILE: HOSTILE}, "answers": [HOSTILE], field: HOSTILE}
    run = run_of(tmp_path, finished(claim(**changes), platform=HOSTILE, packages={HOSTILE: HOSTILE}))
    page = Page(pages.html([run]))
    assert page.runs_only_its_own
    assert "alert(1)" in page.text
    assert not markup_in(pages.markdown([run]))


def test_shows_a_verdict_for_each_column(two):
    """With several results each claim has each column's verdict, and the replacement is linked."""
    shown = Page(pages.html(two)).text.partition("It is one: example/is-new.")[2]
    assert "✔ holds keras 3.9.0 · jax" in " ".join(shown.split())
    assert "✘ does not hold keras 2.2.4 · jax" in " ".join(shown.split())


def test_tells_two_runs_of_one_subject_apart(tmp_path):
    """Two columns of the same subject are named by the time of their run."""
    runs = [run_of(tmp_path, finished(claim(), started=f"2026-01-0{day}T00:00:00Z"), f"{day}.jsonl") for day in (1, 2)]
    text = pages.html(runs)
    assert "Python 3.12.1, 2026-01-01T00:00:00Z" in text
    assert "Python 3.12.1, 2026-01-02T00:00:00Z" in text


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_marks_what_is_incomplete(tmp_path, render):
    """A run that was cut short is marked at the top, with how far it came."""
    text = render([run_of(tmp_path, lines(header(claims=9), claim()))])
    above = text.partition("Is this an example?")[0]
    assert "Incomplete" in above
    assert re.search("1 (of|/) 9.*claims were checked", above)


@pytest.mark.parametrize("render", [pages.html, pages.markdown])
def test_shows_a_run_that_measured_nothing(tmp_path, render):
    """A run that was killed in its first claim makes a page, too."""
    assert re.search("0 (of|/) 9.*claims were checked", render([run_of(tmp_path, lines(header(claims=9)))]))


TOPICS = [
    claim("saving-b/is-first", group="saving", answers=["5.9"], question="Loading?", seconds=3.0),
    claim("saving-a/is-second", group="saving", answers=["5.10", "5.R3"], question="Not fitting?", seconds=1.25),
    claim(
        "files/is-third", group="saving", answers=["17.1"], question="Files?", seconds=None, verdict="not checked", reason="far"
    ),
    claim("gpu/is-before", group="general", answers=["2.1"], question="GPU?", seconds=2.0),
]


@pytest.mark.parametrize(
    ("render", "begin", "end"),
    [(pages.html, '<section class="group">', 'id="columns"'), (pages.markdown, "## ", "nothing")],
)
def test_puts_questions_of_a_topic_together(tmp_path, render, begin, end):
    """Questions stand by group, by topic and by the rows of its topic, whatever their names; a topic's title stands once."""
    body = render([run_of(tmp_path, finished(*TOPICS))]).partition(begin)[2].partition(end)[0]
    order = ["Running on a GPU", "GPU?", "Saving models", "Loading?", "Not fitting?", "HDF5 inputs", "Files?"]
    places = [body.rindex(text) for text in order]
    assert places == sorted(places)
    assert body.count("Saving models") == 1


def test_links_claims_with_the_catalogue(tmp_path):
    """A claim links to its row, which links back to its claims, and says where there are none."""
    text = pages.html([run_of(tmp_path, finished(*TOPICS))])
    rows = load().rows

    def row(number, following):
        return text.partition(f'id="row-{number}"')[2].partition(f'id="row-{following}"')[0]

    for number in ("5.9", "17.1"):
        assert text.count(f'href="#row-{number}"') == 1
        assert rows[number].statement.partition("`")[2].partition("`")[0] in text.partition(f'id="row-{number}"')[2]
    assert "#saving-b/is-first" in row("5.9", "5.10")
    assert "#saving-a/is-second" not in row("5.9", "5.10")
    assert "#saving-a/is-second" in row("5.R3", "5.R4")
    assert "no claim in these results" in row("5.R1", "5.R2").lower()


def test_tells_why_a_row_is_no_behaviour(tmp_path):
    """A row that no test can check stands with the reason."""
    text = pages.html([run_of(tmp_path, finished(claim(answers=["1.1"])))])
    assert load().rows["1.R1"].waived in text.partition('id="row-1.R1"')[2].partition("</li>")[0]


def test_keeps_a_row_that_the_catalogue_does_not_have(tmp_path):
    """A claim of another suite, whose rows are not in this catalogue, shows their numbers, which link nowhere."""
    page = Page(pages.html([run_of(tmp_path, finished(claim(answers=["99.1", HOSTILE])))]))
    assert "FAQ 99.1" in page.text
    assert not [link for link in page.values("href") if "99" in link]


def test_tells_the_script_every_verdict(tmp_path):
    """The script gets a letter for each claim in each column: a capital for drift, a dash where there is no such claim."""
    newer = run_of(tmp_path, finished(claim(), claim("example/is-new"), version="3.9.0"), "newer.jsonl")
    older = run_of(tmp_path, finished(claim(verdict="does not hold"), version="3.2.0"), "older.jsonl")
    data = json.loads(Page(pages.html([newer, older])).code[1])
    assert [column[2] for column in data["columns"]] == ["3.2.0", "3.9.0"]
    assert data["found"] == ["Nh", "-h"]


def test_lists_the_slowest_claims(tmp_path):
    """The ten claims that took longest are listed with their seconds and the column where that was, the slowest first."""
    timed = [claim(f"example/takes-{n}", seconds=n / 8) for n in range(12)]
    faster = finished(*timed[:11], claim("example/takes-11", seconds=0.5), version="2.2.4")
    runs = [run_of(tmp_path, finished(*timed), "slow.jsonl"), run_of(tmp_path, faster, "fast.jsonl")]
    listed = pages.html(runs).partition('<ol class="slowest">')[2]
    found = re.findall(r'<li>([0-9.]*) s <span class="quiet">keras ([0-9.]*) .*?href="#example/takes-([0-9]+)"', listed)
    found = [(name, seconds, version) for seconds, version, name in found]
    assert found[0] == ("11", "1.38", "3.9.0")
    assert [(n, seconds) for n, seconds, _ in found[1:]] == [(str(n), f"{n / 8:.2f}") for n in range(10, 1, -1)]


def test_builds_beside_the_results(tmp_path, capsys):
    """`build` writes the page and its other faces beside the first results file, says where, and exits 0."""
    path = tmp_path / "results.jsonl"
    path.write_bytes(finished(claim()))
    assert main(["build", str(path)]) == 0
    names = ["index.html", "FAQ.md", "FAQ.zh.md", "faq.json", "badge.svg"]
    assert capsys.readouterr().out.split() == [str(tmp_path / name) for name in names]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*names, "results.jsonl"])


def test_builds_what_is_incomplete_and_says_so(tmp_path, capsys):
    """`build` makes the pages of an incomplete file, and exits 1 with a line on what to do."""
    path = tmp_path / "results.jsonl"
    path.write_bytes(finished(claim())[:-9])
    assert main(["build", str(path), "--to", str(tmp_path / "new" / "folder")]) == 1
    assert (
        capsys.readouterr().err == f"{path} is incomplete, its run was cut short after 1 of 1 claims: run pytest specs again\n"
    )
    assert (tmp_path / "new" / "folder" / "index.html").exists()


def test_refuses_before_it_writes(tmp_path, capsys):
    """`build` with a bad file among good ones names each bad one in a line, exits 2 and leaves the pages alone."""
    good, bad, missing = (tmp_path / name for name in ("good.jsonl", "bad.jsonl", "missing.jsonl"))
    good.write_bytes(finished(claim()))
    bad.write_bytes(b"\x00\xff\x1f\n")
    (tmp_path / "index.html").write_text("kept", encoding="utf-8")
    assert main(["build", str(good), str(bad), str(missing)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(" ")[0] for line in said] == [str(bad), str(missing)]
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == "kept"


def test_refuses_a_folder_that_cannot_be_written(tmp_path, capsys):
    """`build` into what is no folder says so in a line and exits 2."""
    path = tmp_path / "results.jsonl"
    path.write_bytes(finished(claim()))
    assert main(["build", str(path), "--to", str(path)]) == 2
    assert "name another folder with --to" in capsys.readouterr().err


@pytest.mark.parametrize("package", ["fastjsonschema", "jinja2", "jsonschema", "pygments"])
def test_says_what_to_install(monkeypatch, capsys, package):
    """Without the packages of the report, one line says how to get them."""
    monkeypatch.setitem(sys.modules, package, None)
    assert main(["build"]) == 2
    assert capsys.readouterr().err == f'{package} cannot be imported: pip install -e ".[report]"\n'
