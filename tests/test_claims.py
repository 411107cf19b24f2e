"""What a claim says of itself, and what a run makes of it."""

import pytest

from fixtures.claims import DOES_NOT_HOLD, ERROR, HOLDS, VARIES, Evidence, claim
from fixtures.subject import Subject

JAX = Subject("keras", "keras", "3.15.1", "jax", "0.12.0")
OLD = Subject("keras", "keras", "2.2.4", "tensorflow", "1.13.2")
LEGACY = Subject("tf_keras", "tf.keras", "2.21.0", "tensorflow", "2.21.0")


def declared(**options):
    """A claim with these options; its test is this module's `example`."""
    return claim(**options)(example).claim


def example():
    """Something is so.

    In more words.
    """


@claim(holds_on=["keras<3", "tf.keras"], otherwise=ValueError, instead="says_what_is_true_instead")
def changed():
    """A claim of the old."""


@claim(holds_on=["keras>=3"], otherwise=ValueError, instead="changed")
def says_what_is_true_instead():
    """A claim of the new."""


def test_takes_its_words_from_the_docstrings():
    """The sentence is the docstring's first line, the details the rest, the question the module's docstring."""
    found = declared()
    assert (found.sentence, found.details) == ("Something is so.", "In more words.")
    assert found.question == "What a claim says of itself, and what a run makes of it."


def test_has_a_permanent_id():
    """The id is question and sentence, from the names of module and test."""
    assert changed.claim.id == "claims/changed"


@pytest.mark.parametrize(
    ("requirement", "subjects"),
    [
        ("keras", [JAX, OLD]),
        ("tf.keras", [LEGACY]),
        ("keras<3", [OLD]),
        ("keras>=3.15.1,<3.16", [JAX]),
        ("keras[jax]", [JAX]),
        ("keras[tensorflow]", [OLD]),
        ("keras[jax,tensorflow]>=2", [JAX, OLD]),
        ("keras[torch]", []),
        ("tf.keras>=2.21", [LEGACY]),
    ],
)
def test_understands_requirements(requirement, subjects):
    """A requirement names a distribution, perhaps backends, perhaps versions."""
    assert [subject for subject in (JAX, OLD, LEGACY) if subject.meets(requirement)] == subjects


def test_counts_a_release_candidate_as_its_release():
    """A release candidate is what the release will be."""
    candidate = Subject("keras", "keras", "3.16.0rc1", "jax", "0.12.0")
    assert candidate.meets("keras>=3.16")
    assert not candidate.meets("keras<3.16")


@pytest.mark.parametrize(
    ("options", "raised", "verdict"),
    [
        ({}, None, HOLDS),
        ({}, AssertionError(), DOES_NOT_HOLD),
        ({}, AttributeError("a typo"), ERROR),
        ({}, pytest.fail.Exception("DID NOT RAISE"), DOES_NOT_HOLD),
        ({"holds_on": ["keras<3"], "otherwise": ValueError}, ValueError(), DOES_NOT_HOLD),
        ({"holds_on": ["keras<3"], "otherwise": ValueError}, None, HOLDS),
        ({"holds_on": ["keras<3"], "otherwise": ValueError}, AttributeError("a typo"), ERROR),
        ({"holds_on": ["keras<3"], "otherwise": ValueError}, AssertionError(), ERROR),
        ({"varies_on": ["keras"]}, None, VARIES),
        ({"varies_on": ["keras"]}, AssertionError(), VARIES),
        ({"varies_on": ["keras"]}, AttributeError("a typo"), ERROR),
    ],
)
def test_judges_by_what_was_raised(options, raised, verdict):
    """Only a failed expectation, or the recorded exception, refutes a claim; any other decides nothing."""
    assert declared(**options).verdict(JAX, raised) == verdict


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"holds_on": ["keras=3"]}, "'keras=3' is no requirement"),
        ({"holds_on": ["numpy>=3"]}, "names no Keras"),
        ({"varies_on": ["keras[mxnet]"]}, "unknown backend mxnet"),
        ({"needs": ["coffee"]}, "needs='coffee' is unknown"),
        ({"instead": "test_nothing"}, "instead='test_nothing' names no claim"),
        ({"holds_on": ["keras<3"], "instead": "says_what_is_true_instead"}, "otherwise= names no exception"),
        ({"holds_on": ["keras<3"], "otherwise": ValueError}, "instead= names no claim that does"),
        ({"holds_on": ["keras<3"], "otherwise": ValueError, "instead": "changed"}, "does not hold on"),
    ],
)
def test_knows_what_is_wrong_with_it(options, problem):
    """A claim that is not well written says so in one line that names it."""
    (line,) = declared(**options).problems(JAX)
    assert problem in line
    assert line.startswith("tests.test_claims.example: ")
    assert "\n" not in line


def test_wants_a_docstring():
    """A claim without a sentence is none."""

    def silent():
        pass

    silent.__module__ = __name__
    (line,) = claim()(silent).claim.problems(JAX)
    assert "no docstring" in line


def test_points_to_the_claim_that_holds_instead():
    """Two claims under adjacent ranges point at each other, and neither has a problem anywhere."""
    assert changed.claim.replacements == [says_what_is_true_instead.claim]
    assert [changed.claim.problems(subject) for subject in (JAX, OLD, LEGACY)] == [[], [], []]
    assert changed.claim.expected(LEGACY) == HOLDS
    assert changed.claim.expected(JAX) == DOES_NOT_HOLD


def test_keeps_evidence_in_plain_types():
    """Evidence is readable without numpy, and is handed over once."""
    import numpy as np

    evidence = Evidence()
    evidence("loss", np.float64(0.5))
    evidence("series", [np.float64(1), 2])
    assert evidence.take() == {"loss": 0.5, "series": [1.0, 2.0]}
    assert evidence.take() == {}
