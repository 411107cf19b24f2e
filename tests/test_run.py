"""Whole runs of `pytest specs` give the same verdicts however they are run, and touch nothing of the user's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(results, *options, home, folder=ROOT):
    """The verdict of each claim in a run with these options, HOME at `home`, from the working directory `folder`."""
    others = ("KERAS_HOME", "PYTEST_", "GITHUB_STEP_SUMMARY")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    command = [sys.executable, "-m", "pytest", ROOT / "specs", "-q", "-p", "no:cacheprovider", "--results", results, *options]
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-1000:]
    records = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert [record["record"] for record in records if record["record"] != "claim"] == ["header", "footer"]
    return {record["id"]: record["verdict"] for record in records if record["record"] == "claim"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An empty home and an empty working directory."""
    return tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def verdicts(folders, tmp_path_factory):
    """The verdicts of a run with two workers, in one results file."""
    home, folder = folders
    results = tmp_path_factory.mktemp("plain") / "results.jsonl"
    found = run(results, "-n", "2", home=home, folder=folder)
    assert [path.name for path in results.parent.glob("*.jsonl")] == ["results.jsonl"]
    return found


def test_writes_neither_home_nor_working_directory(verdicts, folders):
    """A run leaves an empty home and an empty working directory empty."""
    assert verdicts
    assert [os.listdir(folder) for folder in folders] == [[], []]


def test_gives_the_same_verdicts_in_any_order(verdicts, tmp_path):
    """Neither workers, nor the order of the claims, nor Hypothesis's examples, nor a home, nor the machine's load matter.

    Nothing can be written in this home: it is below a plain file, where not even root can. More orders than one are a matter
    for `nox -s soak`, not for every change.
    """
    (tmp_path / "file").touch()
    options = ["--hypothesis-profile=dev", "--hypothesis-seed=1", "--random-order-bucket=global", "--random-order-seed=1"]
    assert run(tmp_path / "results.jsonl", *options, home=tmp_path / "file" / "home") == verdicts
