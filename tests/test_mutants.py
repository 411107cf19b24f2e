"""The mutants that `nox -s mutants` lets the claims notice: each changes the newest Keras, and names modules that exist."""

import importlib.metadata
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import tomllib

from reports.mutants import MEASURED, noticed
from tests.mutants import automatic

ROOT = Path(__file__).parent.parent
MUTANTS = sorted((ROOT / "tests" / "mutants").glob("*.diff"))
NEWEST = tomllib.loads((ROOT / "matrix.toml").read_text())["keras-3.15.1-tensorflow"]["requires"]


@pytest.fixture(scope="module")
def keras():
    """The folder of the newest Keras, which is not imported: that would read the user's ~/.keras."""
    if f"keras=={importlib.metadata.version('keras')}" not in NEWEST:
        pytest.skip("mutants are of the newest column's Keras")
    return Path(importlib.util.find_spec("keras").submodule_search_locations[0])


@pytest.fixture(scope="module")
def drawn(keras):
    """The sample of automatic mutants."""
    return automatic.sample(keras.parent)


@pytest.mark.parametrize("diff", MUTANTS, ids=lambda path: path.stem)
def test_applies(diff, keras, tmp_path):
    """`patch` changes the file that the diff is of, and the claims of the modules in its first line are there to notice."""
    modules, old, *_ = diff.read_text().splitlines()
    name = old.partition("--- a/")[2]
    (tmp_path / name).parent.mkdir(parents=True)
    shutil.copy(keras.parent / name, tmp_path / name)
    before = (tmp_path / name).read_text()
    subprocess.run(["patch", "-p1", "--fuzz=0", "--silent", "--input", diff], cwd=tmp_path, check=True)
    assert (tmp_path / name).read_text() != before
    assert modules
    assert all((ROOT / module).is_file() for module in modules.split())


def test_draws_changes_of_different_lines(keras, drawn):
    """As many as are asked for, each of another line, each a program that differs from Keras's."""
    assert len({(change.file, change.line) for change in drawn}) == automatic.SAMPLED["keras"]
    for change in drawn[::10]:
        text = change.text(keras.parent)
        compile(text, change.file, "exec")
        assert text != change.path(keras.parent).read_text()


def test_draws_of_everything(drawn):
    """Statements are dropped, and operators, constants and conditions changed."""
    assert {"DropStatement", "NumberReplacer", "AddNot", "ReplaceFalseWithTrue"} < {change.operator for change in drawn}


def test_names_modules_that_exist():
    """Those that are to notice an automatic mutant."""
    promises = [promise for promises in automatic.PROMISES.values() for promise in promises]
    assert all((ROOT / "specs" / module).is_file() for promise in promises for module in promise["modules"])


def test_judges_what_is_tried(drawn):
    """Nothing is kept of a mutant that is no longer tried. What is judged has its reason, and was not noticed."""
    judged = automatic.judged()
    measured = json.loads(MEASURED.read_text())
    tried = {*(diff.stem for diff in MUTANTS), *(change.id for change in drawn)}
    known = {one["id"] for one in measured}
    of_tf_keras = {name for name in known if name.startswith("tf_keras/")}  # which is not installed here
    assert known - of_tf_keras <= tried
    assert len(of_tf_keras) == automatic.SAMPLED["tf_keras"]
    assert set(judged) <= {one["id"] for one in measured if not one["noticed"]}
    assert all(len(why) > 10 for why in judged.values())


def test_counts_by_question(tmp_path):
    """What is noticed, what is missed, and what breaks no promise; those of tf_keras together."""
    found = [("x", None), (None, None), (None, "no promise"), ("x", None)]
    entries = [{"id": str(n), "question": 4 + n // 3, "noticed": by, "judged": why} for n, (by, why) in enumerate(found)]
    entries += [
        {**entries[0], "id": "tf_keras/regularizers.py:1 AddNot 0"},
        {**entries[1], "id": "tf_keras/regularizers.py:2 AddNot 1"},
    ]
    (tmp_path / "measured.json").write_text(json.dumps(entries))
    assert noticed(tmp_path / "measured.json") == ({4: (1, 1, 1), 5: (1, 0, 0)}, (1, 1, 0))
    assert noticed(tmp_path / "nothing.json") == ({}, (0, 0, 0))
