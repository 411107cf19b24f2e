"""A results file is read as what it is, or refused in one line that says what to do."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures import claims
from reports import recorder, results, verdicts
from tests.miniatures.results import claim, finished, footer, header, lines, run_of

WHOLE = finished(claim("example/first"), claim("example/second", details="Ein Satz über Umlaute."))
WITHOUT = {name: value for name, value in claim().items() if name != "verdict"}

REFUSED = {
    "binary garbage": (bytes(range(256)) * 9, results.NotJson),
    "a page": (b"<!DOCTYPE html>\n<html></html>\n", results.NotJson),
    "a number that JSON does not have": (lines(header(), claim(seconds=float("nan")), footer()), results.NotJson),
    "a damaged line": (lines(header(), claim()).replace(b'"group"', b"group") + lines(footer()), results.NotJson),
    "lists without end": (b"[" * 100_000 + b"\n", results.NotJson),
    "an empty file": (b"", results.NoHeader),
    "other JSON": (b"[1, 2]\n", results.NoHeader),
    "a lost header": (lines(claim(), footer()), results.NoHeader),
    "a format of the future": (lines(header(format=2), claim(), footer()), results.OtherFormat),
    "a verdict that is none": (lines(header(), claim(verdict="maybe"), footer()), results.NotAsDescribed),
    "a claim without verdict": (lines(header(), WITHOUT, footer()), results.NotAsDescribed),
    "a claim with more": (lines(header(), claim(stars=5), footer()), results.NotAsDescribed),
    "an id that is markup": (lines(header(), claim('a/"><script>'), footer()), results.NotAsDescribed),
    "a line of another kind": (lines(header(), {"record": "note"}, footer()), results.NotAsDescribed),
    "a lost claim": (lines(header(claims=2), claim(), footer(claims=2)), results.NotAsDescribed),
    "two runs": (finished(claim()) + finished(claim("example/other")), results.NotAsDescribed),
    "a claim twice": (finished(claim(), claim()), results.Duplicate),
}


def test_reads_all_that_is_in_it(tmp_path):
    """A run has the subject, the claims in their order, and the end."""
    run = run_of(tmp_path, WHOLE)
    assert run.complete
    assert run.footer.exit == 0
    assert run.subject.version == "3.9.0"
    assert [outcome.id for outcome in run.outcomes] == ["example/first", "example/second"]
    assert run.outcomes[1].details == "Ein Satz über Umlaute."


@given(cut=st.integers(len(lines(header(claims=2))), len(WHOLE) - 2))
def test_reads_what_was_measured_before_it_was_cut_off(tmp_path_factory, cut):
    """A file cut off anywhere after its header is an incomplete run with the claims whose lines are whole."""
    run = run_of(tmp_path_factory.mktemp("cut"), WHOLE[:cut])
    assert not run.complete
    assert WHOLE[: cut + 1].count(b'"evidence": {}}\n') == len(run.outcomes)


def test_is_incomplete_where_a_claim_was_not_decided(tmp_path):
    """A run that came to its end without one of its claims is incomplete."""
    assert not run_of(tmp_path, lines(header(claims=2), claim(), footer())).complete


@pytest.mark.parametrize(("content", "error"), REFUSED.values(), ids=REFUSED)
def test_refuses_in_one_line(tmp_path, content, error):
    """Each kind of damage has its own exception, whose message is one line that names the file and says what to do."""
    with pytest.raises(error) as caught:
        run_of(tmp_path, content)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(tmp_path / "results.jsonl"))
    assert any(advice in message for advice in ("run pytest specs again", "run again", "a file of its own"))


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_refuses_what_is_no_file(tmp_path, name):
    """A missing file and a folder are refused alike."""
    with pytest.raises(results.NoFile, match="name a results file"):
        results.read(tmp_path / name)


@pytest.mark.parametrize(
    "error", [kind for kind in vars(results).values() if isinstance(kind, type) and issubclass(kind, Exception)]
)
def test_every_exception_says_what_is_wrong(error):
    """An exception's docstring says what is wrong and what that means."""
    assert len(error.__doc__.strip().splitlines()) == 3


def test_the_schema_is_one():
    """`results.schema.json` is a JSON Schema, and describes whole lines: each of the three kinds, and no other."""
    schema = json.loads(Path(results.__file__).with_name("results.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert all(map(validator.is_valid, [header(), claim(), footer()]))
    assert not any(
        map(validator.is_valid, [{}, claim(verdict="maybe"), header(format=2), footer(exit=2), {**claim(), **footer()}])
    )


def test_all_rooms_use_the_same_words():
    """The verdicts of the claims, of the schema and of the reports are the same, and so is the format's version."""
    schema = json.loads(Path(results.__file__).with_name("results.schema.json").read_text(encoding="utf-8"))
    assert list(verdicts.VERDICTS) == schema["$defs"]["claim"]["properties"]["verdict"]["enum"]
    assert verdicts.VERDICTS == (claims.HOLDS, claims.DOES_NOT_HOLD, claims.VARIES, claims.NOT_CHECKED, claims.ERROR)
    assert recorder.FORMAT == results.FORMAT
