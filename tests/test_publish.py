"""Published results say what the run's own file says, in less, and a change of verdict is a change of one line."""

import dataclasses
import difflib
import re

import pytest

from reports import publish, results
from reports.__main__ import main
from tests.miniatures.results import claim, finished, footer, header, lines, run_of

CLAIMS = [
    claim("example/first", details="Mehr: ü."),
    claim(
        "example/second", expected="does not hold", verdict="does not hold", reason="AssertionError", instead=["example/first"]
    ),
    claim("example/third", verdict="not checked", reason="needs a GPU", seconds=None, bug="keras#1"),
    claim("example/fourth", verdict="does not hold", reason="AssertionError", evidence={"found": [1, 2]}),
]


def published(folder, *claims, **changes):
    """The run that was published, and the published file."""
    run = run_of(folder, finished(*claims, **changes), "some-column.jsonl")
    return run, publish.publish(run, folder / "published")


def test_loses_nothing(tmp_path):
    """A published file reads as the run that was published."""
    run, path = published(tmp_path, *CLAIMS)
    assert path == tmp_path / "published" / "results" / "some-column.jsonl"
    assert dataclasses.replace(results.read(path), path=run.path) == run


def test_a_changed_verdict_is_a_changed_line(tmp_path):
    """Another run of the same Keras differs in the lines that tell its times, and in those whose verdict changed."""
    _, path = published(tmp_path, *CLAIMS)
    before = path.read_text().splitlines()
    changed = [claim("example/first", verdict="does not hold", seconds=7), *CLAIMS[1:]]
    published(tmp_path, *changed, started="2027-01-31T12:00:00Z")
    added = [line for line in difflib.ndiff(before, path.read_text().splitlines()) if line.startswith("+ ")]
    assert [line.split(",")[0] for line in added] == ['+ {"record":"header"', '+ {"id":"example/first"', '+ {"record":"footer"']


def test_sentences_stand_once(tmp_path):
    """A column has of a claim that holds no more than its name and its verdict."""
    _, path = published(tmp_path, *CLAIMS)
    assert path.read_text().splitlines()[1] == '{"id":"example/first","verdict":"holds"}'


def test_leaves_the_sentences_of_other_columns(tmp_path):
    """A column of an older state, which has fewer claims, takes none from a column that has more; no folder is told of it."""
    run, path = published(tmp_path, *CLAIMS)
    reason = "OSError: '/home/me/specs/x.py' is no file"
    older = run_of(tmp_path, finished(claim("example/old", verdict="error", reason=reason)), "older.jsonl")
    assert "OSError: '…/x.py' is no file" in publish.publish(older, tmp_path / "published").read_text(encoding="utf-8")
    assert dataclasses.replace(results.read(path), path=run.path) == run


def test_tells_where_a_reason_is_cut(tmp_path):
    """A long reason ends in an ellipsis."""
    told = published(tmp_path, claim("example/long", verdict="error", reason="letters " * 20))[1].read_text(encoding="utf-8")
    assert re.search(r'"reason":"(letters )+[a-z]*…"', told)


@pytest.mark.parametrize(
    "content",
    [finished(claim(), deselected=1), lines(header(), claim()), lines(header(claims=2), claim(), footer())],
    ids=["a selection", "a killed run", "a run that lost a claim"],
)
def test_publishes_whole_runs_alone(tmp_path, content):
    """What is not of the whole suite is refused, and what was published before is kept."""
    _, path = published(tmp_path, *CLAIMS)
    before = path.read_bytes()
    with pytest.raises(publish.NotWhole, match="without a selection"):
        publish.publish(run_of(tmp_path, content, path.name), tmp_path / "published")
    assert path.read_bytes() == before


def test_refuses_a_column_whose_sentences_are_lost(tmp_path):
    """A published file is worth nothing without the sentences, nor with those of a suite that lacks one of its claims."""
    _, path = published(tmp_path, *CLAIMS)
    for sentences in [None, "[]", "{}"]:
        beside = tmp_path / "published" / "claims.json"
        beside.unlink() if sentences is None else beside.write_text(sentences)
        with pytest.raises(results.NotAsDescribed, match="publish the column again"):
            results.read(path)
        beside.touch()


def test_a_published_column_is_known_by_its_name(capsys):
    """`diff` takes the names of columns: of one with itself nothing differs."""
    name = min(path.stem for path in (publish.PUBLISHED / "results").glob("*.jsonl"))
    assert main(["diff", name, name]) == 0
    assert "no claim differs" in capsys.readouterr().out
