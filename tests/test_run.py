"""Runs of `pytest specs` give the recorded verdicts however they are run, and touch nothing of the user's."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(results, *options, home, folder=ROOT, **variables):
    """The verdict of each claim in a run with these options, HOME at `home`, from the working directory `folder`."""
    others = ("KERAS_HOME", "PYTEST_", "GITHUB_STEP_SUMMARY")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    command = [sys.executable, "-m", "pytest", ROOT / "specs", "-q", "-p", "no:cacheprovider", "--results", results, *options]
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**environment, "HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-1000:]
    records = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert [record["record"] for record in records if record["record"] != "claim"] == ["header", "footer"]
    return {record["id"]: record["verdict"] for record in records if record["record"] == "claim"}


# Claims that read and write files.
ON_FILES = ["-k", "saving or configuration or get_file or best_weights or hdf5"]


def test_runs_in_any_order_beside_each_other_and_leaves_nothing(tmp_path):
    """Two workers, a random order and fresh examples: nothing drifts, and an empty home and working directory stay empty.

    In the folder for temporary files remain pytest's own, of the last runs. All claims in a random order are a matter
    for `nox -s soak`.
    """
    home, folder, temporary, results = (tmp_path / name for name in ("home", "work", "temporary", "results"))
    for made in (home, folder, temporary, results):
        made.mkdir()
    order = ["-n", "2", "--random-order-bucket=global", "--random-order-seed=1"]
    examples = ["--hypothesis-profile=dev", "--hypothesis-seed=1"]
    verdicts = run(results / "results.jsonl", *ON_FILES, *order, *examples, home=home, folder=folder, TMPDIR=str(temporary))
    assert "holds" in verdicts.values()
    assert [os.listdir(made) for made in (home, folder, results)] == [[], [], ["results.jsonl"]]
    assert [name for name in os.listdir(temporary) if not name.startswith("pytest-of-")] == []


def test_needs_no_home(tmp_path):
    """Claims on files hold where no home can be written: it is below a plain file, where not even root can write."""
    (tmp_path / "file").touch()
    verdicts = run(tmp_path / "results.jsonl", *ON_FILES, home=tmp_path / "file" / "home")
    assert "holds" in verdicts.values()
