"""Every claim has a falsifier, on every subject that it is checked on."""

import importlib
from pathlib import Path

import pytest

from fixtures.claims import VARIES
from fixtures.collection import use_subject
from fixtures.devices import missing

ROOT = Path(__file__).parent.parent.parent
SPECS = sorted((ROOT / "specs").glob("*/test_*.py"))


def members(path):
    """What the module at this path defines."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    return vars(module).values()


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_covers_every_claim(spec, pytestconfig):
    """A claim that is checked on this subject has a falsifier that applies to it, unless it varies there."""
    subject = use_subject(pytestconfig)
    mirror = ROOT / "tests" / "falsifiers" / spec.parent.name / spec.name
    claims = [member.claim for member in members(spec) if hasattr(member, "claim")]
    faults = [fault for member in members(mirror) for fault in getattr(member, "falsifiers", []) if subject.meets_any(fault.on)]
    decided = [claim for claim in claims if claim.expected(subject) != VARIES and not claim.is_silent_on(subject)]
    checked = {claim.id for claim in decided if not any(missing(need, subject) for need in claim.needs)}
    assert claims
    assert sorted(checked - {fault.claim.id for fault in faults}) == []
