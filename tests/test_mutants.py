"""The mutants that `nox -s mutants` lets the claims notice: each applies to the newest Keras, and names modules that exist."""

import importlib.metadata
import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).parent.parent
MUTANTS = sorted((ROOT / "tests" / "mutants").glob("*.diff"))
NEWEST = tomllib.loads((ROOT / "matrix.toml").read_text())["keras-3.15.1-tensorflow"]["requires"]


@pytest.mark.parametrize("diff", MUTANTS, ids=lambda path: path.stem)
def test_applies(diff, tmp_path):
    """`patch` changes the file that the diff is of, and the claims of the modules in its first line are there to notice."""
    if f"keras=={importlib.metadata.version('keras')}" not in NEWEST:
        pytest.skip("mutants are of the newest column's Keras")
    modules, old, *_ = diff.read_text().splitlines()
    name = old.partition("--- a/")[2]
    (tmp_path / name).parent.mkdir(parents=True)
    found = importlib.util.find_spec("keras").submodule_search_locations[0]  # not imported: that would read the user's ~/.keras
    shutil.copy(Path(found).parent / name, tmp_path / name)
    before = (tmp_path / name).read_text()
    subprocess.run(["patch", "-p1", "--fuzz=0", "--silent", "--input", diff], cwd=tmp_path, check=True)
    assert (tmp_path / name).read_text() != before
    assert modules
    assert all((ROOT / module).is_file() for module in modules.split())
