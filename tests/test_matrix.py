"""The matrix: what the claims record of each column is what its published run measured."""

import importlib
from pathlib import Path

import pytest

from fixtures.claims import DOES_NOT_HOLD, HOLDS, NOT_CHECKED, VARIES
from fixtures.subject import PREDICTS_ONLY, Subject
from reports import results
from reports.publish import PUBLISHED
from reports.verdicts import MEASURED

tomllib = pytest.importorskip("tomllib", reason="the matrix is read by Python 3.11 and later")

ROOT = Path(__file__).parent.parent
COLUMNS = tomllib.loads((ROOT / "matrix.toml").read_text(encoding="utf-8"))
FILES = sorted((PUBLISHED / "results").glob("*.jsonl"))
LARGEST = 140  # bytes for each claim of a column; most where little could be checked, which takes a reason each


@pytest.fixture(scope="module")
def claims():
    """All claims by their id."""
    specs = [path.relative_to(ROOT).with_suffix("").parts for path in (ROOT / "specs").glob("*/test_*.py")]
    members = [member for parts in specs for member in vars(importlib.import_module(".".join(parts))).values()]
    return {member.claim.id: member.claim for member in members if hasattr(member, "claim")}


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def run(request):
    """A column's published run."""
    return results.read(request.param)


def backend_of(column):
    """The backend of a column."""
    return COLUMNS[column].get("environment", {}).get("KERAS_BACKEND", "tensorflow")


def subject_of(run):
    """The subject of a run, as claims know it."""
    found = run.subject
    return Subject("", found.distribution, found.version, found.backend, found.backend_version)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_claim_that_does_not_hold_names_one_that_does(name, claims):
    """On every column of the matrix each claim is well written for what is recorded of it there."""
    distribution = "keras" if name.startswith("keras-") else "tf.keras"
    subject = Subject("", distribution, name.split("-")[1], backend_of(name), "")
    assert [problem for claim in claims.values() for problem in claim.problems(subject)] == []


def test_what_is_published_is_of_a_column():
    """Each column of the matrix has a published run, and each published run is of a column."""
    assert {path.stem for path in FILES} == set(COLUMNS)


def test_a_column_is_a_whole_run(run, claims):
    """A published run checked all claims that there were, to its end, and is small. The ids of claims are permanent."""
    assert run.complete
    assert not run.deselected
    assert {outcome.id for outcome in run.outcomes} <= set(claims)
    assert run.path.stat().st_size <= LARGEST * len(run.outcomes)


def test_a_column_is_what_its_name_says(run):
    """A run is of the Keras that its column asks for."""
    name, found = run.path.stem, run.subject
    assert found.version in name
    assert found.distribution == ("keras" if name.startswith("keras-") else "tf.keras")
    assert found.backend == backend_of(name)
    assert found.python.rpartition(".")[0] == COLUMNS[name]["python"]


def test_nothing_drifts(run, claims):
    """Where a run decided, it found what the claim records of that subject, and it ended with exit status 0."""
    subject = subject_of(run)
    drifted = {
        outcome.id: outcome.verdict
        for outcome in run.outcomes
        if outcome.verdict in MEASURED and claims[outcome.id].expected(subject) not in (outcome.verdict, VARIES)
    }
    assert drifted == {}
    assert run.footer.exit == 0


def test_what_is_true_instead_was_measured(run, claims):
    """For each claim that a run refuted, it confirmed one that says what is true instead, as far as chance let it.

    Where the backend only predicts, what is true instead cannot always be checked.
    """
    decided = {HOLDS, VARIES, *([NOT_CHECKED] if run.subject.backend in PREDICTS_ONLY else [])}
    verdicts = {outcome.id: outcome.verdict for outcome in run.outcomes}
    refuted = [claims[identity] for identity, verdict in verdicts.items() if verdict == DOES_NOT_HOLD]
    left_alone = [claim.id for claim in refuted if not {verdicts.get(other.id) for other in claim.replacements} & decided]
    assert left_alone == []
