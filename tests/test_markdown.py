"""`FAQ.md` and `FAQ.zh.md` answer for the newest Keras, say in words where others differ, and stay short."""

import html.parser
import re

import pytest
from markdown_it import MarkdownIt

from reports.faq import assemble
from reports.language import Chinese, Language
from reports.markdown import markdown
from reports.results import read
from tests.miniatures import ROOT
from tests.miniatures.results import claim, finished, header, lines, run_of
from tests.test_pages import BROKEN, DRIFTED, HOSTILE, LUCK, REFUTED, UNCHECKED

LANGUAGES = [Language(), Chinese()]
PUBLISHED = sorted((ROOT / "reports" / "published" / "results").glob("*.jsonl"))
SHOWN_WHOLE = 512 * 1024  # bytes: GitHub shows no longer file as a page
NO, LUCKY = "does not hold", "varies"


class Elements(html.parser.HTMLParser):
    """The elements of what a reader of Markdown sees, with their attributes, and its text."""

    def __init__(self, text):
        """Parse what Markdown makes of the text."""
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))

    def handle_starttag(self, tag, attrs):
        """Note an element."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        """Note text."""
        self.text += data


def faq_of(folder, columns, say=LANGUAGES[0]):
    """The page of columns that found these verdicts of one claim; each is a version, or with a backend or a distribution."""
    runs = []
    for name, verdict in columns.items():
        version, _, kind = name.partition(" ")
        is_inside = kind in ("tf.keras", "tf_keras")
        backend = "tensorflow" if is_inside else kind or "tensorflow"
        subject = {
            **header()["subject"],
            "name": f"{kind if is_inside else 'keras'} {version} on {backend} 1, Python 3.12.1",
            "distribution": "tf.keras" if is_inside else "keras",
            "version": version,
            "backend": backend,
        }
        expected = "holds" if verdict == "not checked" else verdict
        found = [claim(verdict=verdict, expected=expected, instead=["example/is-other"]), claim("example/is-other")]
        found = found[verdict == "not run" :]
        runs.append(run_of(folder, finished(*found, subject=subject), f"{name}.jsonl"))
    return markdown(assemble(runs), say)


def said_of(page):
    """The line on the claim."""
    return next(line for line in page.splitlines() if '<a id="example/is-true">' in line).partition("</a>")[2]


BOUNDARIES = {
    "the same everywhere": ({"2.2.4": "holds", "3.9.0": "holds", "3.9.0 jax": "holds"}, ""),
    "since a release": ({"2.2.4": NO, "3.4.1": NO, "3.5.0": "holds", "3.9.0": "holds"}, "since keras 3.5.0"),
    "since a release, on every backend": (
        {"3.4.1": NO, "3.5.0": "holds", "3.9.0": "holds", "3.0.5 jax": NO, "3.9.0 jax": "holds"},
        "since keras 3.5.0",
    ),
    "not on a backend": ({"3.5.0": "holds", "3.9.0": "holds", "3.9.0 jax": NO}, "not on JAX"),
    "since on backends of then": (
        {"3.9.0": "holds", "3.9.0 jax": NO, "2.3.1": NO, "2.2.4 theano": NO},
        "since keras 3.9.0 on TensorFlow; not on JAX",
    ),
    "not on two": ({"3.9.0": "holds", "3.9.0 jax": NO, "3.9.0 torch": NO, "2.2.4 theano": "holds"}, "not on JAX and PyTorch"),
    "not inside TensorFlow": ({"3.9.0": "holds", "2.4.4 tf.keras": NO, "2.15.1 tf.keras": NO}, "not in tf.keras"),
    "inside TensorFlow since a release": (
        {"3.9.0": "holds", "2.4.4 tf.keras": NO, "2.15.1 tf.keras": NO, "2.18.0 tf_keras": "holds"},
        "since tf_keras 2.18.0",
    ),
    "up to a release": ({"3.9.0": "holds", "2.4.4 tf.keras": "holds", "2.5.3 tf.keras": NO}, "not since tf.keras 2.5.3"),
    "not in between": ({"2.2.4": "holds", "3.0.5": NO, "3.5.0": NO, "3.9.0": "holds"}, "not in keras 3.0.5 to 3.5.0"),
    "not in one": ({"2.2.4": "holds", "3.0.5": NO, "3.9.0": "holds"}, "not in keras 3.0.5"),
    "across one that was not run": ({"2.2.4": NO, "3.4.1": "not run", "3.9.0": "holds"}, "not up to keras 2.2.4"),
    "no longer": ({"2.2.4": "holds", "3.0.5": NO, "3.9.0": NO}, "since keras 3.0.5"),
    "elsewhere": ({"3.9.0": NO, "3.9.0 jax": "holds", "2.4.4 tf.keras": "holds"}, "holds on JAX; holds in tf.keras"),
    "by chance before": ({"2.2.4": LUCKY, "3.9.0": "holds"}, "varies up to keras 2.2.4"),
    "by chance now": ({"2.2.4": NO, "3.0.5": "holds", "3.9.0": LUCKY}, "does not hold up to keras 2.2.4; holds in keras 3.0.5"),
    "on one backend later": (
        {"3.5.0": "holds", "3.9.0": "holds", "3.5.0 jax": NO, "3.9.0 jax": "holds"},
        "since keras 3.9.0 on JAX",
    ),
    "elsewhere alone": ({"3.9.0": "not checked", "3.9.0 torch": "holds"}, "holds on PyTorch"),
    "what did not decide is not named": ({"3.5.0": "not checked", "3.9.0": "holds", "3.9.0 openvino": "not checked"}, ""),
}


@pytest.mark.parametrize(("columns", "words"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_says_where_others_differ(tmp_path, columns, words):
    """After the newest column's verdict stands in words where another one was found."""
    assert said_of(faq_of(tmp_path, columns)).partition(" — ")[2].strip("*").replace("\\", "") == words


def test_says_so_in_chinese(tmp_path):
    """The words are Chinese; the names of versions and backends are as they are."""
    columns = {"3.4.1": NO, "3.5.0": "holds", "3.5.0 jax": NO, "2.4.4 tf.keras": NO}
    said = said_of(faq_of(tmp_path, columns, LANGUAGES[1]))
    assert said.endswith(" — *自 keras 3.5.0 起（TensorFlow）；在 JAX 上不成立；在 tf.keras 中不成立*")


def test_answers_for_the_newest_standalone_keras(tmp_path):
    """The sign is the newest column's, not TensorFlow's with its greater number; where it refutes, a word says so, too."""
    page = faq_of(tmp_path, {"2.2.4": "holds", "3.9.0": NO, "9.9.9 tf.keras": "holds"})
    assert said_of(page).startswith("✘ **does not hold**: It is one: example/is-true.")
    assert "\n  - instead: [It is one: example/is-other.](#example/is-other)\n" in page
    assert "newest Keras, **keras 3.9.0 on tensorflow 1, Python 3.12.1**" in page
    assert "\n- keras on TensorFlow: 2.2.4, 3.9.0\n- tf.keras: 9.9.9\n" in page


@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_shows_every_verdict(tmp_path, say):
    """Of a single run there is each claim with its sign and word, the reason where there is no answer, and the public issue."""
    run = run_of(tmp_path, finished(claim(), REFUTED, DRIFTED, BROKEN, UNCHECKED, LUCK))
    page = markdown(assemble([run]), say)
    for sign, verdict in (("✘", "does not hold"), ("≈", "varies"), ("○", "not checked"), ("!", "error")):
        assert f"{sign} **{say(verdict)}**" in page
    assert "  - `no GPU is visible`" in page
    assert "[keras#22787](https://github.com/keras-team/keras/issues/22787)" in page
    assert "AssertionError: moved" in page.partition("## ")[0]


@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_is_pleasant_on_a_code_host(say):
    """Of what is published: short enough to be shown, every link leads somewhere, and no line is a wall of text."""
    page = markdown(assemble([read(path) for path in PUBLISHED]), say)
    elements = Elements(page)
    anchors = {value for name, value in elements.attributes if name == "id"}
    links = {value for name, value in elements.attributes if name == "href"}
    assert len(page.encode("utf-8")) < SHOWN_WHOLE
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    assert not [link for link in links if not link.startswith(("#", "https://github.com/")) and "/" in link]
    assert max(len(re.sub("<.*?>|\\(#.*?\\)", "", line)) for line in page.splitlines()) < 400


def test_the_languages_link_to_each_other(tmp_path):
    """Each page has a link to the other one, and says nothing of its own in the other's words."""
    english, chinese = (faq_of(tmp_path, {"3.9.0": "holds"}, say) for say in LANGUAGES)
    assert "[FAQ.zh.md](FAQ.zh.md)" in english
    assert "[FAQ.md](FAQ.md)" in chinese
    assert english.isascii() or not re.search("[\u4e00-\u9fff]", english)
    assert chinese.startswith("# 经过验证的 Keras 常见问题解答")


@pytest.mark.parametrize("field", ["sentence", "question", "reason", "bug", "group"])
@pytest.mark.parametrize("text", [HOSTILE, "http://evil.example www.evil.example <!-- ![x](y)", "a\n\n# b\n<script>", "|`|\\`"])
def test_shows_hostile_text_as_text(tmp_path, field, text):
    """Whatever a results file says makes no element, no link, no comment and no heading."""
    told = claim(**{"verdict": "error", "reason": "because", "answers": [text], field: text})
    other = claim("example/is-calm", **{"group": told["group"], "question": told["question"]})
    calm = claim(verdict="error", reason="because")
    pages = [
        markdown(assemble([run_of(tmp_path, finished(*claims, platform=text), f"{n}.jsonl")]), LANGUAGES[0])
        for n, claims in enumerate([(told, other), (calm, claim("example/is-calm"))])
    ]
    hostile, plain = map(Elements, pages)
    assert set(hostile.tags) <= set(plain.tags) | {"code"}
    assert [pair for pair in hostile.attributes if pair[0] != "style"] == [p for p in plain.attributes if p[0] != "style"]
    assert "://evil" not in re.sub("`.*?`", "", pages[0])


@pytest.mark.parametrize("done", [0, 1])
def test_marks_what_is_incomplete(tmp_path, done):
    """A run that was cut short, in its first claim too, says how far it came."""
    run = run_of(tmp_path, lines(header(claims=9), *[claim()][:done]))
    assert f"{done} of 9 claims were checked" in markdown(assemble([run]), LANGUAGES[0]).partition("## ")[0]
