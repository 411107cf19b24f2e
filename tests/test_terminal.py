"""What the terminal says besides counts, in English and in Chinese, in whatever width."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports import language, terminal
from reports.text import width
from reports.verdicts import LETTERS, SIGNS
from tests.miniatures import EVERY_VERDICT, Project
from tests.miniatures.results import claim, finished, header

LANGUAGES = [language.Language(), language.Chinese()]
REFUTED = {"expected": "does not hold", "verdict": "does not hold"}
CLAIMS = [
    claim("validation-split/is-one", question="How is the validation split computed?", answers=["10.1"]),
    claim("validation-split/is-none", question="How is the validation split computed?", answers=["10.2"], **REFUTED),
    claim("example/has-moved", verdict="does not hold", reason="AssertionError: moved"),
    claim("example/is-broken", verdict="error", reason="KeyError: 'nothing'"),
]
TOPICS = [
    claim("saving-b/is-first", group="saving", answers=["5.9"], question="Loading?"),
    claim("saving-a/is-second", group="saving", answers=["5.10", "5.R3"], question="Not fitting?"),
    claim("files/is-third", group="saving", answers=["17.1"], question="Files?", verdict="not checked", reason="far"),
    claim("gpu/is-before", group="general", answers=["2.1"], question="GPU?"),
]
SPECS = '''"""How is the validation split computed?"""
from fixtures.claims import claim
@claim()
def test_is_false():
    """It is false."""
    assert 1 == 2
'''


def recorder(*claims, **changes):
    """A recorder at the end of a run that checked these claims."""
    told = {
        "header": header(claims=len(claims)),
        "claims": list(claims),
        "trouble": None,
        "path": Path("reports/latest/results.jsonl"),
        "pages": [Path("reports/latest") / name for name in ("index.html", "FAQ.md", "FAQ.zh.md", "faq.json")],
        "no_pages": None,
    }
    return SimpleNamespace(**{**told, **changes})


def shown(found, say=LANGUAGES[0], cells=80, signs=SIGNS):
    """The lines of its summary as they are read."""
    return written(terminal.summary(found, say, cells, signs))


def written(lines):
    """Lines without their colours."""
    return ["".join(text for text, _ in line).rstrip() for line in lines]


@pytest.mark.parametrize(
    ("version", "said"),
    [("3.10.0", "newer than 3.9.0"), ("3.9.1.dev1", "newer than 3.9.0"), ("3.9.0", None), ("3.9.0rc1", None), ("2.2.4", None)],
)
def test_says_what_lies_beyond_the_matrix(tmp_path, version, said):
    """A Keras newer than every published one of its distribution is said to be so, and no other."""
    for published in ("3.9.0", "3.2.0"):
        (tmp_path / f"{published}.jsonl").write_bytes(finished(version=published))
    lines = terminal.beyond(header(version)["subject"], tmp_path)
    assert [line[: len(said or "")] for line in lines] == ([said] if said else [])


def test_knows_no_matrix(tmp_path):
    """Where nothing is published nothing lies beyond it."""
    assert terminal.beyond(header()["subject"], tmp_path / "none") == []


def test_puts_questions_of_a_topic_together():
    """The table has a topic's number before the first of its questions, which stand in the order of the pages."""
    rows = written(terminal.table(list(reversed(TOPICS))))
    assert [row.split() for row in rows] == [
        ["✔", "○"],
        ["2", "GPU?", "1"],
        ["5", "Loading?", "1"],
        ["Not", "fitting?", "1"],
        ["17", "Files?", "1"],
        ["all", "questions", "3", "1"],
        [],
        ["✔", "holds", "○", "not", "checked"],
    ]


@pytest.mark.parametrize("cells", [48, 60, 80, 120])
@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_fits_the_terminal(say, cells):
    """No line of the table, of a sentence or of advice is wider than the terminal; ids and paths may be, and stay whole."""
    lines = shown(recorder(*CLAIMS, *TOPICS), say, cells)
    assert [line for line in lines[2:] if width(line) > cells and "example/" not in line] == []


@pytest.mark.parametrize("say", LANGUAGES, ids=lambda say: say.code)
def test_aligns_its_columns(say):
    """Every count ends where the sign of its verdict does, whatever characters stand before it."""
    lines = written(terminal.table([*CLAIMS, *TOPICS], say, 60))
    ends = [{width(line[: found.end()]) for found in re.finditer(r"(?<= )(\d|[✔✘○!])(?= |$)", line)} for line in lines[:8]]
    assert ends[0]
    assert {end for row in ends[1:] for end in row if end > terminal.INDENT} <= ends[0] | {width(lines[0])}


def test_speaks_chinese():
    """Interface, questions, verdicts and advice are in Chinese; ids, paths and what Python raised are as they are."""
    text = "\n".join(shown(recorder(*CLAIMS), LANGUAGES[1]))
    for part in ("验证集是如何划分出来的？", "✘ 不成立", "漂移：example/has-moved：记录为“成立”，实测：不成立"):
        assert part in text
    assert "出错：example/is-broken：KeyError: 'nothing'" in text
    assert "FAQ.zh.md" in text
    assert "FAQ.md" not in text
    assert not re.search("holds(?!_on)|drift|checked|page", text)


def test_no_chinese_is_left_over():
    """Every Chinese text is used, and has the places for values that its English has."""
    files = [path for path in language.FACES.parents[1].rglob("*") if path.suffix in (".py", ".md")]
    sources = "".join(path.read_text(encoding="utf-8") for path in files)
    for english, chinese in json.loads(language.FACES.read_text(encoding="utf-8")).items():
        assert f'"{english}"' in sources
        assert set(re.findall("{.*?}", english)) == set(re.findall("{.*?}", chinese))


def test_says_which_question_drifted_and_what_to_do():
    """The table counts drifts, and each is told with its sentence, then what to do about them."""
    lines = shown(recorder(*CLAIMS))
    assert next(line for line in lines if "Is this an example?" in line).split()[-3:] == ["1", "1", "1"]
    place = lines.index("drift: example/has-moved: recorded as 'holds', measured: does not hold")
    assert lines[place + 1] == "    It is one: example/has-moved."
    assert lines[place + 2].startswith("-> if this Keras changed, record it")


def test_colours_what_needs_an_eye():
    """Drift and errors are red; what holds is not."""
    looks = {
        text.strip(): style for line in terminal.summary(recorder(*CLAIMS), LANGUAGES[0], 80, SIGNS) for text, style in line
    }
    assert "red" in looks["error: example/is-broken: KeyError: 'nothing'"]
    assert "red" in looks["drift"]
    assert looks["✔"] == ("green", "bold")


def test_lists_what_is_not_true_if_it_is_short():
    """A few claims that do not hold are listed; of many there is the number alone."""
    few, many = ([claim(f"example/no-{n}", **REFUTED) for n in range(number)] for number in (12, 13))
    assert "  - It is one: example/no-11." in shown(recorder(*few))
    assert not [line for line in shown(recorder(*many)) if "example/no" in line]
    assert "13 claims are not true on this Keras" in " ".join(shown(recorder(*many)))


def test_says_why_claims_were_not_checked():
    """Each reason stands once, with the number of claims that it kept from being checked, the most frequent first."""
    reasons = ["no GPU is visible", "not Windows", "no GPU is visible"]
    lines = shown(recorder(*(claim(f"example/{n}", verdict="not checked", reason=why) for n, why in enumerate(reasons))))
    place = lines.index("not checked, and why:")
    assert lines[place + 1 : place + 3] == ["      2  no GPU is visible", "      1  not Windows"]
    assert "not checked, and why:" not in shown(recorder(claim("example/checked")))


def test_shows_hostile_text_in_one_line():
    """A question that would move the cursor or end the line does neither."""
    lines = shown(recorder(claim(question="a\x1b[2J\nb\x07", verdict="error", reason="\x1b]0;title\x07\nmore")))
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("variables", "encoding", "code"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "utf-8", "zh"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, "utf-8", "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "utf-8", "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "", "LC_ALL": ""}, "gb2312", "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "ascii", "en"),
        ({}, "utf-8", "en"),
    ],
)
def test_speaks_the_language_of_the_locale(variables, encoding, code):
    """The locale's variables decide in POSIX's order, where the terminal has the characters."""
    assert language.spoken(encoding, variables).code == code


def test_speaks_it_in_a_run(tmp_path):
    """`LANG` decides what a run says, and its colours are pytest's."""
    project = Project(tmp_path, test_validation_split=SPECS)
    (tmp_path / "specs" / "zh.toml").write_bytes(language.SPECS.read_bytes())
    said = project.run("--color=yes", LANG="zh_CN.UTF-8").stdout
    assert "\x1b[31m漂移：validation-split/is-false：记录为“成立”，实测：不成立" in said
    assert "验证集是如何划分出来的？" in said


def test_falls_back_to_letters(tmp_path):
    """A terminal without the signs shows letters, and aligned."""
    project = Project(tmp_path, test_verdicts=EVERY_VERDICT.read_text(encoding="utf-8"))
    lines = project.run(PYTHONUTF8="0", PYTHONIOENCODING="ascii").stdout.splitlines()
    legend = next(line for line in lines if "h holds" in line)
    assert legend.strip().split("  ") == ["h holds", "n does not hold", "v varies", "o not checked", "e error"]
    assert set(LETTERS.values()) <= set(next(line for line in lines if line.split()[:2] == ["h", "n"]).split())
