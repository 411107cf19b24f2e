"""Whole runs of `pytest specs` give the same verdicts however they are run, and touch nothing of the user's."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SEEDS = range(1, 3)  # more of them are a matter for a soak, not for every change


def run(results, *options, home, folder=ROOT):
    """The verdict of each claim in a run with these options, HOME at `home`, from the working directory `folder`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KERAS_HOME", "PYTEST_"))}
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


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory):
    """The verdicts of two runs without workers, in random order, by seed; both at once.

    Nothing can be written in their home: it is below a plain file, where not even root can.
    """
    file = tmp_path_factory.mktemp("no home") / "file"
    file.touch()

    def run_shuffled(seed):
        options = ["--random-order-bucket=global", f"--random-order-seed={seed}", f"--hypothesis-seed={seed}"]
        results = tmp_path_factory.mktemp("shuffled") / "results.jsonl"
        return run(results, "--hypothesis-profile=dev", *options, home=file / "home")

    with ThreadPoolExecutor(2) as threads:
        return dict(zip(SEEDS, threads.map(run_shuffled, SEEDS)))


@pytest.mark.parametrize("seed", SEEDS)
def test_gives_the_same_verdicts_in_any_order(verdicts, shuffled, seed):
    """Neither workers, nor the order of the claims, nor Hypothesis's examples, nor a home, nor the machine's load matter."""
    assert shuffled[seed] == verdicts
