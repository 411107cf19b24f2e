"""Which verdicts are there?

Each claim comes out as its name says. Checked on a fake Keras 3.9.0.
"""

import numpy as np
import pytest

from fixtures.claims import claim


@pytest.fixture
def broken():
    """A set-up that fails."""
    raise OSError("no such data")


@pytest.fixture
def broken_afterwards():
    """A teardown that fails."""
    yield
    raise OSError("cannot clean up")


@claim(answers=["99.1", "99.R1"])
def test_holds(evidence):
    """`holds` is a verdict.

    Its evidence is of every kind.
    """
    evidence("numpy", {"float": np.float32(0.5), "array": np.eye(2), "nan": np.float64("nan")})
    evidence("plain", [1, 2.5, "three", None, True, (4, 5)])


@claim(holds_on=["keras<3"], otherwise=ValueError, instead="test_holds", bug="keras#22787")
def test_does_not_hold():
    """`does not hold` is a verdict."""
    raise ValueError("not any more")


@claim(varies_on=["keras"])
def test_varies_and_passes():
    """`varies` is a verdict, also where the test happens to pass."""


@claim(varies_on=["keras"])
def test_varies_and_fails():
    """`varies` is a verdict, also where the test happens to fail."""
    assert 1 == 2


@claim(needs=["windows", "multi_gpu"])
def test_not_checked():
    """`not checked` is a verdict."""


@claim()
def test_drifts_to_false():
    """A claim that stops to hold drifts."""
    assert [1, 2] == [1, 3]


@claim(holds_on=["keras<3"], otherwise=AssertionError, instead="test_holds")
def test_drifts_to_true():
    """A claim that starts to hold again drifts."""


@claim()
def test_error_by_another_exception():
    """What no expectation raised decides nothing."""
    raise KeyError("no such key")


@claim(holds_on=["keras<3"], otherwise=ValueError, instead="test_holds")
def test_error_by_a_refutation_of_another_kind():
    """What is not the recorded exception refutes nothing."""
    raise AttributeError("a typo")


@claim()
def test_error_by_set_up(broken):
    """A broken set-up decides nothing."""


@claim()
def test_error_by_teardown(broken_afterwards):
    """A broken teardown takes the verdict back."""


@claim()
def test_error_by_evidence(evidence):
    """Evidence that fits in no file decides nothing."""
    evidence("object", object())


def test_is_no_claim():
    """A test that claims nothing is not recorded."""
