"""Small fakes with known faults: a Keras, projects that check it, and the results of doing so.

The machinery is tested against them, in about a second a run: `site/` goes first on the path, so that `import keras`
finds the fake. `MINIATURE_KERAS` names its version, or its fault.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SITE = Path(__file__).with_name("site")
EVERY_VERDICT = Path(__file__).with_name("every_verdict.py")
RESULTS = "reports/latest/results.jsonl"


class Project:
    """A project like this one, in a folder of its own, with other specs."""

    def __init__(self, folder, **specs):
        """`specs` holds, by name, the text of the modules in its one group, `training`."""
        self.folder = folder
        for name in ("fixtures", "reports"):
            unwanted = shutil.ignore_patterns("data", "latest", "previous", "published")
            shutil.copytree(ROOT / name, folder / name, ignore=unwanted)
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy2(ROOT / name, folder)
        group = folder / "specs" / "training"
        group.mkdir(parents=True)
        for package in (group.parent, group):
            (package / "__init__.py").touch()
        shutil.copy2(ROOT / "specs" / "catalogue.json", group.parent)
        for name, text in specs.items():
            (group / f"{name}.py").write_text(text, encoding="utf-8")

    def command(self, *options):
        """The command that checks the specs."""
        return [sys.executable, "-m", "pytest", "specs", "-p", "no:cacheprovider", *map(str, options)]

    def environment(self, keras="3.9.0", **variables):
        """The variables under which the command finds the fake Keras."""
        others = ("KERAS", "PYTEST", "COLUMNS", "GITHUB_STEP_SUMMARY", "LC_", "LANG")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return {
            **inherited,
            "PYTHONUTF8": "1",
            "PYTHONPATH": str(SITE),
            "MINIATURE_KERAS": keras,
            "HOME": str(self.folder),
            **variables,
        }

    def run(self, *options, **environment):
        """The ended process of a check."""
        return run(self.command(*options), self.folder, self.environment(**environment))

    def report(self, *arguments):
        """The ended process of `python -m reports`."""
        return run([sys.executable, "-m", "reports", *map(str, arguments)], self.folder, self.environment())

    def records(self, results=RESULTS):
        """The lines of its results file, parsed."""
        return [json.loads(line) for line in (self.folder / results).read_text(encoding="utf-8").splitlines()]

    def claims(self, results=RESULTS):
        """The claims of its results file, by the second half of their ids."""
        found = [record for record in self.records(results) if record["record"] == "claim"]
        return {record["id"].partition("/")[2]: record for record in found}


def run(command, folder, environment):
    """The ended process of a command."""
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)


def errors(ended):
    """What an ended process had to say on stderr, by line."""
    return [line for line in ended.stderr.splitlines() if line.strip()]
