"""A run of specs is streamed into one results file, which its verdicts do not depend on."""

import json
import os
from pathlib import Path

import jsonschema
import pytest

from reports import results
from tests.miniatures import EVERY_VERDICT, RESULTS, SITE, Project

VERDICTS = {
    "holds": "holds",
    "does-not-hold": "does not hold",
    "varies-and-passes": "varies",
    "varies-and-fails": "varies",
    "not-checked": "not checked",
    "drifts-to-false": "does not hold",
    "drifts-to-true": "holds",
    "error-by-another-exception": "error",
    "error-by-a-refutation-of-another-kind": "error",
    "error-by-set-up": "error",
    "error-by-teardown": "error",
    "error-by-evidence": "error",
}
TWO = '''"""Is it two?"""
from fixtures.claims import claim
@claim()
def test_one():
    """It is one."""
@claim()
def test_two():
    """It is two."""
'''
DIES = '''"""Does it live?"""
import os
from fixtures.claims import claim
@claim()
def test_lives():
    """It lives."""
@claim()
def test_dies():
    """It dies."""
    os._exit(3)
@claim()
def test_lives_on():
    """It lives on."""
'''
STRANGE = '''"""Can it be printed?"""
from fixtures.claims import claim
@claim(holds_on=["keras<3"], otherwise=ValueError, instead="test_is_text")
def test_is_strange():
    """It is strange."""
    raise ValueError("\\x1b[31mred\\x1b[0m\\nand\\x00 \\ud800 <module 'private' from '/home/me/private.py'>")
@claim()
def test_is_text(evidence):
    """It is text."""
    evidence("half a character", "\\ud800")
'''


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A project in which every verdict occurs, and its ended run."""
    project = Project(tmp_path_factory.mktemp("every"), test_verdicts=EVERY_VERDICT.read_text(encoding="utf-8"))
    return project, project.run()


@pytest.fixture
def two(tmp_path):
    """A project of two claims that hold."""
    return Project(tmp_path, test_number=TWO)


@pytest.mark.parametrize(("claim", "verdict"), VERDICTS.items())
def test_records_the_verdict(checked, claim, verdict):
    """Each claim comes out as its name says."""
    project, _ = checked
    assert project.claims()[claim]["verdict"] == verdict


def test_records_claims_alone(checked):
    """A test that is no claim is run, and not recorded."""
    project, ended = checked
    assert set(project.claims()) == set(VERDICTS)
    assert "3 passed" in ended.stdout


def test_writes_lines_as_the_schema_describes(checked):
    """Each line of a real run is what `results.schema.json` describes."""
    project, _ = checked
    schema = json.loads(Path(results.__file__).with_name("results.schema.json").read_text(encoding="utf-8"))
    invalid = [record for record in project.records() if not jsonschema.Draft202012Validator(schema).is_valid(record)]
    assert invalid == []
    assert results.read(project.folder / RESULTS).complete


def test_keeps_evidence_in_plain_numbers(checked):
    """What numpy measured is recorded as JSON's numbers and lists; a number that JSON lacks, as text."""
    project, _ = checked
    assert project.claims()["holds"]["evidence"] == {
        "numpy": {"float": 0.5, "array": [[1.0, 0.0], [0.0, 1.0]], "nan": "nan"},
        "plain": [1, 2.5, "three", None, True, [4, 5]],
    }


def test_says_why(checked):
    """The reason is what was raised, or what is not there, in one line."""
    project, _ = checked
    reasons = {name: claim["reason"] for name, claim in project.claims().items()}
    assert reasons["holds"] is None
    assert reasons["does-not-hold"] == "ValueError: not any more"
    assert reasons["drifts-to-false"] == "AssertionError: assert [1, 2] == [1, 3] At index 1 diff: 2 != 3"
    assert reasons["not-checked"] in ("not Windows", "fewer than two GPUs are visible")
    assert reasons["error-by-set-up"] == "broken setup: OSError: no such data"
    assert reasons["error-by-teardown"] == "broken teardown: OSError: cannot clean up"


def test_names_the_test_and_the_claim_that_is_true(checked):
    """A claim's line says where its test is, and which claim is true where it is not."""
    project, _ = checked
    claim = project.claims()["does-not-hold"]
    path, _, line = claim["source"].partition(":")
    assert "def test_does_not_hold" in "".join(
        (project.folder / path).read_text("utf-8").splitlines()[int(line) - 1 : int(line) + 1]
    )
    assert claim["instead"] == ["verdicts/holds"]


def test_fails_for_drift_and_error_and_says_so(checked):
    """The run exits 1, and its summary has a line for each drift and for each error."""
    project, ended = checked
    assert ended.returncode == project.records()[-1]["exit"] == 1
    assert "drift: verdicts/drifts-to-false: recorded as 'holds', measured: does not hold" in ended.stdout
    assert "drift: verdicts/drifts-to-true: recorded as 'does not hold', measured: holds" in ended.stdout
    assert "error: verdicts/error-by-another-exception: KeyError: 'no such key'" in ended.stdout
    assert ended.stdout.count("\ndrift: ") == 2
    assert ended.stdout.count("\nerror: ") == 5


def test_sums_up_by_question(checked):
    """The summary has a table with a line for each question, and names what is not true."""
    _, ended = checked
    rows = [line.split() for line in ended.stdout.splitlines() if "Which verdicts are there?" in line]
    assert rows == [["99", "Which", "verdicts", "are", "there?", "2", "2", "2", "1", "5", "2"]]
    assert "not true on this Keras, as recorded:\n  - `does not hold` is a verdict." in ended.stdout


def test_makes_the_pages(checked):
    """Beside the latest results are the pages, and the summary says where."""
    project, ended = checked
    for name in ("index.html", "FAQ.md"):
        assert "A claim that stops to hold drifts." in (project.folder / RESULTS).with_name(name).read_text(encoding="utf-8")
        assert os.path.join("reports", "latest", name) in ended.stdout


def test_gives_the_same_with_workers(checked, tmp_path):
    """`-n 2` records the same of every claim, in one file."""
    project, _ = checked
    beside = Project(tmp_path, test_verdicts=EVERY_VERDICT.read_text(encoding="utf-8"))
    assert beside.run("-n", "2").returncode == 1
    timeless = [{**claim, "seconds": None} for claim in beside.claims().values()]
    assert timeless == [{**claim, "seconds": None} for claim in project.claims().values()]
    assert [record["record"] for record in beside.records()].count("header") == 1
    assert results.read(beside.folder / RESULTS).complete


def test_keeps_text_that_can_be_printed(tmp_path):
    """Colours, control characters, halves of characters and the paths of modules do not get into the file."""
    project = Project(tmp_path, test_print=STRANGE)
    assert project.run().returncode == 0
    assert project.claims()["is-strange"]["reason"] == "ValueError: red and  <module 'private'>"
    assert project.claims()["is-text"]["evidence"] == {"half a character": "?"}


def test_passes_where_nothing_drifts(two):
    """The run exits 0 where all verdicts are as recorded."""
    assert two.run().returncode == 0
    assert two.records()[-1]["exit"] == 0


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "-n 2"])
def test_tells_a_selection_from_the_whole(two, workers):
    """The header says how many claims are checked and how many a selection left out."""
    two.run("-k", "two", *workers)
    assert (two.records()[0]["claims"], two.records()[0]["deselected"]) == (1, 1)
    assert results.read(two.folder / RESULTS).complete


def test_is_incomplete_where_it_stops_early(checked, tmp_path):
    """A run that stops at its first failure leaves an incomplete file."""
    stopped = Project(tmp_path, test_verdicts=EVERY_VERDICT.read_text(encoding="utf-8"))
    ended = stopped.run("-x")
    assert not results.read(stopped.folder / RESULTS).complete
    assert "incomplete: 6 of 12 claims were checked" in ended.stdout


def test_outlives_the_process_of_a_claim(tmp_path):
    """A claim under which a worker dies is an error; the others have their verdicts, and the file is complete."""
    project = Project(tmp_path, test_life=DIES)
    assert project.run("-n", "1").returncode == 1
    assert {name: claim["verdict"] for name, claim in project.claims().items()} == {
        "lives": "holds",
        "dies": "error",
        "lives-on": "holds",
    }
    assert project.claims()["dies"]["sentence"] == "It dies."
    assert results.read(project.folder / RESULTS).complete


def test_keeps_the_run_before(two):
    """The latest run's files move to `reports/previous` when the next one begins."""
    two.run("-k", "one")
    two.run("-k", "two")
    assert list(two.claims("reports/previous/results.jsonl")) == ["one"]
    assert list(two.claims()) == ["two"]
    assert (two.folder / "reports" / "previous" / "index.html").exists()


def test_writes_another_file_alone(two):
    """`--results` writes that file and no page, and leaves the latest results alone."""
    ended = two.run("--results", "here.jsonl")
    assert set(two.claims("here.jsonl")) == {"one", "two"}
    assert not (two.folder / "reports" / "latest").exists()
    assert not (two.folder / "index.html").exists()
    assert "python -m reports build here.jsonl" in ended.stdout


@pytest.mark.parametrize("place", ["conftest.py/results.jsonl", "specs", "/dev/full"])
def test_does_not_depend_on_the_disk(two, place):
    """Where the results cannot be written, one line says so and the verdicts stand."""
    if place == "/dev/full" and not os.path.exists(place):
        pytest.skip("no full disk at hand")
    ended = two.run("--results", place)
    assert ended.returncode == 0
    assert "2 passed" in ended.stdout
    assert ended.stdout.count("the results cannot be written to") == 1
    assert "Traceback" not in ended.stdout + ended.stderr


def test_says_how_to_get_pages(two, tmp_path):
    """Without jinja2 there are the results, and a line on what to install."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "jinja2.py").write_text("raise ModuleNotFoundError('no', name='jinja2')", encoding="utf-8")
    ended = two.run(PYTHONPATH=os.pathsep.join([str(tmp_path / "without"), str(SITE)]))
    assert ended.returncode == 0
    assert 'jinja2 is missing: pip install -e ".[report]"' in ended.stdout
    assert set(two.claims()) == {"one", "two"}
