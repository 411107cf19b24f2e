"""Every question and every claim has its Chinese wording."""

import importlib
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").glob("*/test_*.py"))
WORDING = tomllib.loads((ROOT / "specs" / "zh.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_is_complete(spec):
    """The question and its claims, and nothing else, stand under the question's name."""
    module = importlib.import_module(".".join(spec.relative_to(ROOT).with_suffix("").parts))
    ids = [member.claim.id for member in vars(module).values() if hasattr(member, "claim")]
    question = ids[0].partition("/")[0]
    assert sorted(WORDING[question]) == sorted(["question", *(name.partition("/")[2] for name in ids)])


def test_names_no_other_question():
    """A question that is gone takes its wording with it."""
    assert sorted(WORDING) == sorted(spec.stem[len("test_") :].replace("_", "-") for spec in SPECS)
