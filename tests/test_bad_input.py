"""What cannot be checked is refused before the first claim: a clear line each, exit 4, no traceback, nothing lost."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fixtures
from tests.miniatures import ROOT, Project, errors

TRUE = '''"""Is it true?"""
from fixtures.claims import claim
@claim()
def test_is_true():
    """It is true."""
'''
BADLY_WRITTEN = '''"""Is it well written?"""
import pytest
from fixtures.claims import claim
@claim()
def test_is_silent():
    pass
@claim(holds_on=["keras=>3"])
def test_requires_nonsense():
    """It requires nonsense."""
@claim(holds_on=["keras[caffe]"])
def test_wants_caffe():
    """It wants Caffe."""
@claim(holds_on=["torch"])
def test_wants_torch():
    """It wants torch."""
@claim(needs=["luck"])
def test_needs_luck():
    """It needs luck."""
@claim(holds_on=["keras<3"], otherwise=ValueError, instead="test_nothing")
def test_points_to_nothing():
    """It points to nothing."""
@claim(holds_on=["keras<3"], otherwise=ValueError)
def test_leaves_the_reader_alone():
    """It leaves the reader alone."""
@claim()
@pytest.mark.parametrize("n", [1, 2])
def test_is_two(n):
    """It is two."""
'''
COMPLAINTS = [
    "test_is_silent: no docstring: state the claim in its first line",
    "test_requires_nonsense: 'keras=>3' is no requirement",
    "test_wants_caffe: 'keras[caffe]' names an unknown backend caffe",
    "test_wants_torch: 'torch' names no Keras: use keras or tf.keras",
    "test_needs_luck: needs='luck' is unknown: use one of gpu,",
    "test_points_to_nothing: instead='test_nothing' names no claim of this module",
    "test_leaves_the_reader_alone: does not hold on keras 3.9.0 on tensorflow 2.99.0, Python",
    "writing/is-two: 2 tests have this id: give each a name of its own",
]
SUBJECTS = {
    "no Keras": ({"keras": "absent"}, 'no Keras can be imported: install one, for example pip install -e ".[tensorflow]"'),
    "a broken backend": (
        {"keras": "broken"},
        "keras does not import with its default backend (ModuleNotFoundError: No module named 'plaidml'): "
        "install that backend, or name an installed one in KERAS_BACKEND",
    ),
    "a broken backend that was chosen": (
        {"keras": "broken", "KERAS_BACKEND": "plaidml"},
        "keras does not import with the backend of KERAS_BACKEND or keras.json, plaidml "
        "(ModuleNotFoundError: No module named 'plaidml'): install that backend, or name an installed one in KERAS_BACKEND",
    ),
    "an old Keras": (
        {"keras": "2.2.3"},
        "keras 2.2.3 is older than 2.2.4, the first that this suite knows: install a later one",
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a claim and with results of an earlier run."""
    project = Project(tmp_path_factory.mktemp("project"), test_truth=TRUE)
    assert project.run().returncode == 0
    return project


@pytest.fixture(scope="module")
def badly_written(tmp_path_factory):
    """A project whose claims are each badly written in a way of their own."""
    return Project(tmp_path_factory.mktemp("bad"), test_writing=BADLY_WRITTEN)


def assert_refused(ended, *messages):
    """It ended with these messages, a line each, and no more."""
    said = errors(ended)
    assert len(said) == len(messages), said
    assert [line for line, message in zip(said, messages) if f"ERROR: {message}" not in line and message not in line] == []
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in ended.stdout
    assert "INTERNALERROR" not in ended.stdout


@pytest.mark.parametrize(("environment", "message"), SUBJECTS.values(), ids=SUBJECTS)
def test_refuses_a_subject(project, environment, message):
    """A Keras that cannot be checked is named with what to do, and the earlier results stay."""
    assert_refused(project.run(**environment), message)
    assert set(project.claims()) == {"is-true"}


def test_refuses_the_backend_that_the_home_names(project, tmp_path):
    """The user's `keras.json` chooses the backend where `KERAS_BACKEND` does not: one that is not there is named."""
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"backend": "plaidml"}')
    _, message = SUBJECTS["a broken backend that was chosen"]
    assert_refused(project.run(keras="broken", HOME=str(tmp_path)), message)


def test_refuses_a_subject_once_for_all_workers(project):
    """Workers that find no Keras are heard as one."""
    environment, message = SUBJECTS["no Keras"]
    assert_refused(project.run("-n", "2", **environment), message)
    assert set(project.claims()) == {"is-true"}


def test_refuses_a_keras_that_is_not_there(project):
    """`--keras` with a Keras that is not installed says so."""
    ended = project.run("--keras", "tf_keras")
    assert_refused(ended, "there is no tf_keras in this environment: install it, or leave out --keras tf_keras")


def test_refuses_a_keras_that_nobody_knows(project):
    """`--keras` with another name lists the names."""
    ended = project.run("--keras", "caffe")
    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert "invalid choice: 'caffe' (choose from" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "-n 2"])
def test_refuses_badly_written_claims(badly_written, workers):
    """Every claim that is badly written gets a line."""
    ended = badly_written.run(*workers)
    assert_refused(ended, *(f"specs.training.test_writing.{line}" if line.startswith("test_") else line for line in COMPLAINTS))


def test_refuses_an_old_python(monkeypatch):
    """A Python older than 3.7 is told so when the first room is entered."""
    monkeypatch.setattr(sys, "version_info", (3, 6, 15, "final", 0))
    with pytest.raises(SystemExit, match=r"Python 3\.6 is too old for this suite: run it with Python 3\.7 or later"):
        importlib.reload(fixtures)


def test_refuses_a_real_old_python():
    """So it is with a real Python 3.6, where there is one."""
    found = sorted(Path(os.environ.get("PYENV_ROOT", "nowhere")).glob("versions/3.6.*/bin/python"))
    if not found:
        pytest.skip("no Python 3.6 is installed")
    command = [str(found[0]), "-B", "-c", "import fixtures"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr == "Python 3.6 is too old for this suite: run it with Python 3.7 or later\n"
