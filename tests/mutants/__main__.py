"""Break a copy of the installed Keras at its source, one mutant at a time: which do the claims notice?

    python -m tests.mutants                 # the catalogue, and so many automatic ones
    python -m tests.mutants early 15-pop    # those with one of these in their names
    python -m tests.mutants --keras tf_keras  # automatic ones of another Keras

What was found stands in measured.json, for the page.

A mutant is noticed when a claim of its modules drifts or breaks, or takes longer than the time limit.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

from tests.mutants import automatic

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
MEASURED = FOLDER / "measured.json"
TIME_LIMIT = 300  # seconds for the modules of one mutant: the slowest take a third of it


@dataclass
class Mutant:
    """A fault in the source of Keras: what it breaks, and the modules of claims that are to notice."""

    id: str
    question: int
    modules: List[str]
    broken: Callable[[Path], "contextmanager"]  # with the folder in which the package lies


def catalogue() -> Iterator[Mutant]:
    """The faults that were thought of: a unified diff each, after a line with its modules."""
    for diff in sorted(FOLDER.glob("*.diff")):
        modules = diff.read_text().splitlines()[0].split()
        yield Mutant(diff.stem, int(diff.stem[:2]), modules, lambda folder, diff=diff: _patched(folder, diff))


def sampled(folder: Path, package: str) -> Iterator[Mutant]:
    """The faults that were drawn of the package in this folder."""
    for drawn in automatic.sample(folder, package):
        modules = [f"specs/{module}" for module in drawn.promise["modules"]]
        yield Mutant(drawn.id, drawn.promise["question"], modules, lambda folder, drawn=drawn: _rewritten(folder, drawn))


@contextmanager
def _patched(folder: Path, diff: Path) -> Iterator[None]:
    patch = ["patch", "--directory", str(folder), "-p1", "--fuzz=0", "--silent", "--input", str(diff)]
    subprocess.run(patch, check=True)
    yield
    subprocess.run([*patch, "--reverse"], check=True)


@contextmanager
def _rewritten(folder: Path, drawn: automatic.Change) -> Iterator[None]:
    path = drawn.path(folder)
    whole = path.read_text()
    path.write_text(drawn.text(folder))
    yield
    path.write_text(whole)


def noticing(folder: Path, package: str, modules: List[str], seconds: int = TIME_LIMIT) -> Optional[str]:
    """The first claim of the modules that notices what was done to the package in this folder; None if none does."""
    command = [sys.executable, "-m", "pytest", "-qx", "--tb=no", "-p", "no:cacheprovider", "--keras", package]
    command += ["--results", str(folder / "r.jsonl")]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    try:
        run = subprocess.run([*command, *modules], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "the time limit"
    if run.returncode == 0:
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", run.stdout, re.MULTILINE)
    return found[1] if found else (run.stdout + run.stderr).strip().splitlines()[-1]


def remember(found: List[Dict[str, Any]]) -> None:
    """Renew what is known of these mutants; what is known of others stays."""
    known = {one["id"]: one for one in [*json.loads(MEASURED.read_text()), *found]}
    lines = [json.dumps(one) for one in sorted(known.values(), key=lambda one: (one["question"], one["id"]))]
    MEASURED.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def main(package: str, names: List[str]) -> int:
    """Run the mutants of a package with one of these in their names, or all; 1 if one survives that nobody has judged."""
    installed = Path(importlib.util.find_spec(package).submodule_search_locations[0])
    judged = automatic.judged()
    mutants = [*(catalogue() if package == "keras" else []), *sampled(installed.parent, package)]
    chosen = [one for one in mutants if not names or any(name in one.id for name in names)]
    found, missed = [], []
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(installed, Path(folder, package))
        red = noticing(Path(folder), package, sorted({module for one in chosen for module in one.modules}), 4 * TIME_LIMIT)
        if red:
            sys.exit(f"the Keras that is not broken is red, too: {red}")
        for one in chosen:
            started = time.monotonic()
            with one.broken(Path(folder)):
                by = noticing(Path(folder), package, one.modules)
            said = by or judged.get(one.id, "SURVIVED")
            print(f"{one.id}: {said} ({time.monotonic() - started:.0f} s)", flush=True)
            found.append({"id": one.id, "question": one.question, "noticed": by, "judged": judged.get(one.id)})
            missed += [one.id] if not by and one.id not in judged else []
            remember(found)
    noticed = len([one for one in found if one["noticed"]])
    print(f"{len(chosen)} mutants, {noticed} noticed; survived: {', '.join(missed) or 'none'}")
    return 1 if missed or not chosen else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keras", choices=automatic.SAMPLED, default="keras")
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    sys.exit(main(chosen.keras, chosen.names))
