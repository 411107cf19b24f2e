"""Damaged and hostile results files: `build` and `diff` say in a line what is wrong, or make what is right."""

import functools
import json
import random
import re

import jsonschema
import pytest

from reports import faces, web
from reports.__main__ import main
from tests.miniatures.results import claim, finished, footer, header
from tests.test_markdown import Elements
from tests.test_pages import HOSTILE, Page

MADE = {name: functools.lru_cache(getattr(web, name)) for name in ("_environment", "Wording", "faults")}
MUTANTS = 500
LARGE = 100 * 1024 * 1024  # bytes
DEEP = 900  # levels that JSON's reader still takes
FIGURE = {"figure": "lines", "x": "epoch", "y": "loss", "at": [1, 2], "series": {"a": [1.5, None]}}
RECORDS = [
    header(claims=3),
    claim("example/first", evidence={"curve": FIGURE, "picture": {"figure": "grid", "x": "x", "y": "y", "values": [[1, 2]]}}),
    claim("example/second", verdict="does not hold", reason="AssertionError", instead=["example/first"], bug="keras#22787"),
    claim("example/third", verdict="not checked", reason="no GPU", seconds=None, details="More.\n\n    code", answers=["1.1"]),
    footer(claims=3),
]


def nested(levels):
    """Lists in lists."""
    value = 1
    for _ in range(levels):
        value = [value]
    return value


VALUES = [
    None,
    True,
    -1,
    1.0,
    0.5,
    10**400,
    1e308,
    "",
    "0",
    "9" * 5000,
    f"a:{'9' * 5000}",
    "x" * 100_000,
    HOSTILE,
    "\x1b[2J\x00\u202e\u2028\n",
    "\ud800",
    "`" * 50,
    [],
    {},
    [HOSTILE],
    {HOSTILE: HOSTILE, "\ud800\x1b": 10**400},
    nested(60),
    nested(DEEP),
    FIGURE,
    {**FIGURE, "at": [10**400, -(10**400)], "series": {HOSTILE: [1e308, -1e308]}},
    {**FIGURE, "at": [0], "series": {"a": [10**400]}},
]
KEYS = [HOSTILE, "\ud800", "", "texts", "times", "x" * 1000, "\x1b[2J"]
BYTES = [
    b"NaN",
    b"-Infinity",
    b"\x00",
    b"\xff",
    b"[" * 100_000,
    b"9" * 5000,
    b"\n",
    b"}\n{",
    b'"',
    b"\r",
    b"\xef\xbb\xbf",
    b"1e999",
]


def places(value, path=()):
    """Where the values of a record are, at any depth."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [path] * bool(path) + [place for key, member in inside for place in places(member, (*path, key))]


def changed(chance, records):
    """The records with a value, a key or a line changed, gone or twice."""
    records = json.loads(json.dumps(records))
    record = chance.choice(records)
    kind = chance.randrange(6)
    if kind == 0:
        records.remove(record)
    elif kind == 1:
        records.insert(chance.randrange(len(records) + 1), record)
    else:
        *above, last = chance.choice(places(record))
        holder = record
        for key in above:
            holder = holder[key]
        if kind == 2:
            del holder[last]
        elif kind == 3 and isinstance(holder, dict):
            holder[chance.choice(KEYS)] = holder.pop(last)
        else:
            holder[last] = chance.choice(VALUES)
    return records


def mutant(number):
    """A results file with up to three faults, always the same for a number."""
    chance = random.Random(number)
    records = RECORDS
    for _ in range(chance.randrange(3)):
        records = changed(chance, records) if records else records
    content = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    kind, place = chance.randrange(4), chance.randrange(len(content) + 1)
    if kind == 0 or records is RECORDS:
        content = content[:place] + chance.choice(BYTES) + content[place + chance.randrange(9) :]
    if kind == 1:
        content = content[:place]
    return content


@pytest.fixture(autouse=True)
def _made_once(monkeypatch):
    """What no results file changes is read once: templates, wording, falsifiers."""
    for name in ("_environment", "Wording", "faults"):
        monkeypatch.setattr(web, name, MADE[name])


@pytest.fixture
def files(tmp_path):
    """A file to damage, in a folder of its own, and one that is whole."""
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(finished(claim("example/first"), claim("example/other")))
    (tmp_path / "damaged").mkdir()
    return tmp_path / "damaged" / "results.jsonl", whole


def assert_told(status, said):
    """The command ended with a status that means something, and said what it had to in printable lines."""
    assert status in (0, 1, 2)
    assert (status == 2 or "incomplete" in said.err) == bool(said.err)
    assert said.err.count("\n") <= 1
    assert all(line.isprintable() and len(line) < 1000 for line in said.err.splitlines())


def assert_shown_as_text(folder):
    """The pages that were made are well formed, and nothing of a results file is more than text in them."""
    assert Page((folder / "index.html").read_text(encoding="utf-8")).runs_only_its_own
    for name in ("FAQ.md", "FAQ.zh.md"):
        found = Elements((folder / name).read_text(encoding="utf-8"))
        assert not {"script", "img", "style"} & set(found.tags)
        assert not [
            value for key, value in found.attributes if key == "href" and not re.match("#|FAQ|index|faq|https://github", value)
        ]
    data = json.loads((folder / "faq.json").read_text(encoding="utf-8"))
    jsonschema.validate(data, json.loads(faces.SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("block", range(10))
def test_says_what_is_wrong_or_does_it_right(files, capsys, block):
    """Cut, with bytes flipped, keys gone, huge numbers, deep lists or hostile names: a clear line, or correct pages."""
    damaged, whole = files
    for number in range(block, MUTANTS, 10):
        damaged.write_bytes(mutant(number))
        status = main(["build", str(damaged)])
        assert_told(status, capsys.readouterr())
        assert (status == 2) != (damaged.parent / "index.html").exists()
        if status != 2:
            assert_shown_as_text(damaged.parent)
            (damaged.parent / "index.html").unlink()
        assert_told(main(["diff", str(damaged), str(whole)]), capsys.readouterr())


@pytest.mark.parametrize(
    "records",
    [
        finished(claim(), subject={**header()["subject"], "version": "9" * 5000}),
        finished(claim(seconds=10**400)),
        finished(claim(seconds=1e308)),
        finished(claim(source=f"specs/test_example.py:{'9' * 5000}")),
        finished(claim(evidence={HOSTILE: 10**400})),
    ],
    ids=["version", "seconds", "float", "line", "evidence"],
)
def test_huge_numbers_are_no_trouble(files, capsys, records):
    """A number that is too long for Python's own conversions is refused, or shown."""
    damaged, whole = files
    damaged.write_bytes(records)
    assert_told(main(["build", str(damaged)]), capsys.readouterr())
    assert_told(main(["diff", str(damaged), str(whole)]), capsys.readouterr())


def test_the_faults_are_of_many_kinds():
    """Some mutants are refused, and some are not; each is another file."""
    assert len({mutant(number) for number in range(MUTANTS)}) > MUTANTS * 0.9


@pytest.mark.parametrize(
    "content",
    [b"@\n", finished(claim(evidence={"long": "@"})), finished(claim(sentence="@"))],
    ids=["alone", "evidence", "sentence"],
)
def test_is_not_overwhelmed(files, capsys, content):
    """A file with a line of 100 MB is refused in a line of its own."""
    damaged, _ = files
    damaged.write_bytes(content.replace(b"@", b"x" * LARGE))
    assert main(["build", str(damaged)]) == 2
    assert_told(2, capsys.readouterr())


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/stdin", "../../claims.json", "claims.json"])
def test_reads_no_other_file(files, capsys, place):
    """A results file cannot make its reader open another file than the sentences beside published results."""
    damaged, whole = files
    damaged.write_bytes(finished(claim(), texts=place))
    assert main(["diff", str(damaged), str(whole)]) == 2
    assert_told(2, capsys.readouterr())
