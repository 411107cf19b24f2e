"""`faq.json` is what its schema describes, and the badge says whether something drifted."""

import json
from xml.etree import ElementTree

import jsonschema
import pytest

from reports import faces
from reports.faq import assemble
from reports.results import read
from tests.miniatures import ROOT
from tests.miniatures.results import claim, finished, header, lines, run_of
from tests.test_pages import BROKEN, DRIFTED, HOSTILE, REFUTED

PUBLISHED = sorted((ROOT / "reports" / "published" / "results").glob("*.jsonl"))


@pytest.fixture(scope="module")
def validator():
    """What checks faq.json."""
    schema = json.loads(faces.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def data_of(runs):
    """What `faq.json` says of these runs."""
    return json.loads(faces.faces(assemble(runs))["faq.json"])


def test_published_data_is_as_described(validator):
    """Of what is published `faq.json` is as the schema says, and has each claim in each language and each column."""
    runs = [read(path) for path in PUBLISHED]
    data = data_of(runs)
    assert jsonschema.exceptions.best_match(validator.iter_errors(data)) is None
    claims = [told for question in data["questions"] for told in question["claims"]]
    assert {told["id"] for told in claims} == {outcome.id for run in runs for outcome in run.outcomes}
    assert {len(told["verdicts"]) for told in claims} == {len(data["columns"])} == {len(runs)}
    assert [told["id"] for told in claims if told["sentence"]["en"] == told["sentence"]["zh"]] == []


def test_tells_what_each_column_found(tmp_path):
    """Verdicts stand in the order of the columns, with null where a column has no such claim, and so do drifts."""
    newer = run_of(tmp_path, finished(claim(), REFUTED, version="3.9.0"), "newer.jsonl")
    older = run_of(tmp_path, finished(claim(verdict="does not hold"), version="3.2.0"), "older.jsonl")
    data = data_of([newer, older])
    assert [column["version"] for column in data["columns"]] == ["3.2.0", "3.9.0"]
    assert data["newest"] == 1
    first, second = data["questions"][0]["claims"]
    assert (first["verdicts"], first["verdict"], first["drifted"]) == (["does not hold", "holds"], "holds", [0])
    assert first["boundaries"] == {"en": "since keras 3.9.0", "zh": "自 keras 3.9.0 起"}
    assert (second["verdicts"], second["instead"]) == ([None, "does not hold"], ["example/is-true"])


@pytest.mark.parametrize("field", ["sentence", "question", "details", "reason", "bug", "group"])
def test_hostile_text_is_text_in_data(validator, tmp_path, field):
    """Whatever a results file says, `faq.json` is JSON as described, which says just that."""
    told = claim(**{"verdict": "error", "answers": [HOSTILE], field: HOSTILE + "\u2028\x00"})
    data = data_of([run_of(tmp_path, finished(told, platform=HOSTILE))])
    assert validator.is_valid(data)
    assert data["questions"][0]["claims"][0]["answers"] == [HOSTILE]


@pytest.mark.parametrize("broken", [{}, {"format": 2}, {"columns": []}, {"questions": [{"id": "a b"}]}], ids=str)
def test_the_schema_refuses_what_is_none(validator, tmp_path, broken):
    """The schema says no to an empty object, to another format, and to damaged members."""
    data = data_of([run_of(tmp_path, finished(claim()))])
    assert validator.is_valid(data)
    assert not validator.is_valid({**data, **broken} if broken else {})


@pytest.mark.parametrize(
    ("content", "message", "colour"),
    [
        (finished(claim(), REFUTED), "2 claims checked", faces.CALM),
        (finished(claim(), DRIFTED, BROKEN), "2 of 3 claims drifted", faces.ALARMED),
        (lines(header(claims=9), claim()), "incomplete: 1 claims checked", faces.UNFINISHED),
    ],
)
def test_the_badge_says_what_was_found(tmp_path, content, message, colour):
    """The badge is an SVG with a text alternative; drift and errors, and a run that was cut short, are said and coloured."""
    badge = faces.badge(assemble([run_of(tmp_path, content)]))
    drawn = ElementTree.fromstring(badge)
    assert drawn.get("aria-label") == f"Keras FAQ: {message}"
    assert colour in badge
    assert not {name for element in drawn.iter() for name in element.attrib} & {"href", "src", "style"}
