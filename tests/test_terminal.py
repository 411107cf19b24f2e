"""What the terminal says besides counts."""

import pytest

from reports import terminal
from tests.miniatures.results import finished, header


@pytest.mark.parametrize(
    ("version", "said"),
    [("3.10.0", "newer than 3.9.0"), ("3.9.1.dev1", "newer than 3.9.0"), ("3.9.0", None), ("3.9.0rc1", None), ("2.2.4", None)],
)
def test_says_what_lies_beyond_the_matrix(tmp_path, version, said):
    """A Keras newer than every published one of its distribution is said to be so, and no other."""
    for published in ("3.9.0", "3.2.0"):
        (tmp_path / f"{published}.jsonl").write_bytes(finished(version=published))
    lines = terminal.beyond(header(version)["subject"], tmp_path)
    assert [line[: len(said or "")] for line in lines] == ([said] if said else [])


def test_knows_no_matrix(tmp_path):
    """Where nothing is published nothing lies beyond it."""
    assert terminal.beyond(header()["subject"], tmp_path / "none") == []
