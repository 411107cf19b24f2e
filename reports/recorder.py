"""The recorder: streams what a run finds into a results file, and makes the pages of it.

A results file is JSON lines: a header, a line for each claim as it ends, a footer. Without its footer it reads as
incomplete, with all that was measured until then. `results.schema.json` describes each line.
"""

import contextlib
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, BinaryIO, Dict, Generator, List, Optional

import pytest

from fixtures.claims import ERROR, NOT_CHECKED, Claim
from fixtures.collection import EVIDENCE, SUBJECT
from fixtures.subject import Subject, packages

FORMAT = 1
SUITE = "0.1.0"
LATEST = "reports/latest/results.jsonl"

FOUND = pytest.StashKey[Dict[str, Any]]()

UNDECIDED: Dict[str, Any] = {"verdict": ERROR, "reason": "the process that checked it died", "seconds": None, "evidence": {}}


class Recorder:
    """A pytest plugin. Where xdist's workers check the claims, what they found travels to the controller, which writes it.

    `trouble` is one line on why the results could not be written; verdicts do not depend on it. `pages` are the files made
    of them, `no_pages` is one line on why they could not be made.
    """

    def __init__(self, latest: Path, results: Optional[Path] = None) -> None:
        """Write `results`, that file alone. Without it: `latest`, with its pages beside it, the run before kept beside."""
        self.path = results or latest
        self.header: Optional[Dict[str, Any]] = None
        self.claims: List[Dict[str, Any]] = []
        self.trouble: Optional[str] = None
        self.pages: List[Path] = []
        self.no_pages: Optional[str] = None
        self._is_latest = results is None
        self._begun: Dict[str, Dict[str, Any]] = {}
        self._deselected = 0
        self._file: Optional[BinaryIO] = None
        self._sent_header = False
        self._started = time.monotonic()  # a clock that nobody sets back

    def pytest_deselected(self, items: List[pytest.Item]) -> None:
        """A selection is not the whole suite; the header says so."""
        self._deselected += sum(hasattr(item, "claim") for item in items)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Generator[None, Any, None]:
        """Where the claim runs: attach what it says of itself to its first report, and what was found to its last."""
        outcome = yield
        claim = getattr(item, "claim", None)
        if claim is None:
            return
        report, found = outcome.get_result(), item.stash.setdefault(FOUND, dict(UNDECIDED))
        if call.when == "call":
            found.update(_finding(claim, item.config.stash[SUBJECT], call), evidence=item.config.stash[EVIDENCE].take())
        elif call.excinfo is not None:
            found.update(_obstacle(call))
        if call.when == "setup":
            report.begun = _description(claim, item)
            report.header = None if self._sent_header else _header(item, self._deselected)
            self._sent_header = True
        elif call.when == "teardown":
            report.found = found

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Where the file is written."""
        if "PYTEST_XDIST_WORKER" in os.environ:
            return
        if self.header is None and getattr(report, "header", None):
            self.header = report.header
            self._write({"record": "header", **report.header})
        if hasattr(report, "begun"):
            self._begun[report.nodeid] = report.begun
        died = report.when == "???"  # so xdist reports a test under which its worker died
        found = UNDECIDED if died else getattr(report, "found", None)
        if found and report.nodeid in self._begun:
            self.claims.append({**self._begun.pop(report.nodeid), **found})
            self._write({"record": "claim", **self.claims[-1]})

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the file and make its pages. A run that was interrupted, or stopped at a failure, gets no footer."""
        if self.header is None:
            return
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not session.shouldfail:
            footer = {"finished": _now(), "seconds": round(time.monotonic() - self._started, 3), "claims": len(self.claims)}
            self._write({"record": "footer", **footer, "exit": int(exitstatus)})
        self._close()
        if self._is_latest and self.trouble is None:
            self._make_pages()

    def _write(self, record: Dict[str, Any]) -> None:
        """Add a line, at once on its way to the disk. The first failure is remembered, and the last attempt."""
        if self.trouble:
            return
        try:
            if self._file is None:
                self._open()
            assert self._file
            self._file.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
            self._file.flush()
        except OSError as error:
            self.trouble = f"the results cannot be written to {self.path} ({error.strerror}): name another file with --results"
            self._close()

    def _open(self) -> None:
        if self._is_latest and self.path.exists():
            previous = self.path.parent.with_name("previous")
            shutil.rmtree(str(previous), ignore_errors=True)
            self.path.parent.rename(previous)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("wb")

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # of a full disk, which `trouble` has told already
                self._file.close()

    def _make_pages(self) -> None:
        try:
            from reports import pages, results
        except ModuleNotFoundError as error:
            self.no_pages = f'{error.name} is missing: pip install -e ".[report]"'
            return
        try:
            self.pages = pages.write([results.read(self.path)], self.path.parent)
        except (OSError, results.ResultsError) as error:
            self.no_pages = str(error)


def _header(item: pytest.Item, deselected: int) -> Dict[str, Any]:
    subject = item.config.stash[SUBJECT]
    return {
        "format": FORMAT,
        "suite": SUITE,
        "commit": _commit(item.config.rootpath),
        "subject": {
            "name": str(subject),
            "distribution": subject.distribution,
            "version": subject.version,
            "backend": subject.backend,
            "backend_version": subject.backend_version,
            "python": platform.python_version(),
        },
        "packages": packages(),
        "platform": f"{platform.system()} {platform.machine()}",
        "started": _now(),
        "claims": sum(hasattr(other, "claim") for other in item.session.items),
        "deselected": deselected,
    }


def _commit(folder: Path) -> Optional[str]:
    """The last commit of what bears on a verdict, and whether that was changed since; None where git does not say."""
    what = ["--", "specs", "fixtures", "conftest.py"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        commit = _git(folder, "log", "-1", "--abbrev=10", "--format=%h", *what)
        changed = commit and _git(folder, "status", "--porcelain", *what)
        return f"{commit}-dirty" if changed else commit or None
    return None


def _git(folder: Path, *command: str) -> str:
    return subprocess.check_output(
        ["git", "-C", str(folder), *command], stderr=subprocess.DEVNULL, universal_newlines=True
    ).strip()


def _description(claim: Claim, item: pytest.Item) -> Dict[str, Any]:
    """What a claim says of itself, as the results file has it."""
    path, line, _ = item.location
    return {
        "id": claim.id,
        "group": claim.group,
        "question": claim.question,
        "sentence": claim.sentence,
        "details": claim.details,
        "source": f"{Path(path).as_posix()}:{(line or 0) + 1}",
        "answers": list(claim.answers),
        "expected": claim.expected(item.config.stash[SUBJECT]),
        "instead": [replacement.id for replacement in claim.replacements],
        "bug": claim.bug or None,
    }


def _finding(claim: Claim, subject: Subject, call: Any) -> Dict[str, Any]:
    """What it means that the test itself ended so."""
    raised = call.excinfo.value if call.excinfo is not None else None
    seconds = round(call.duration, 3)
    if isinstance(raised, pytest.skip.Exception):
        return {"verdict": NOT_CHECKED, "reason": _printable(str(raised)), "seconds": seconds}
    reason = _one_line(raised) if raised is not None else None
    return {"verdict": claim.verdict(subject, raised), "reason": reason, "seconds": seconds}


def _obstacle(call: Any) -> Dict[str, Any]:
    """What it means that the set-up or the teardown of a test raised."""
    raised = call.excinfo.value
    if isinstance(raised, pytest.skip.Exception):
        return {"verdict": NOT_CHECKED, "reason": _printable(str(raised))}
    return {"verdict": ERROR, "reason": f"broken {call.when}: {_one_line(raised)}"}


def _one_line(raised: BaseException) -> str:
    message = _printable(str(raised))[:300]
    return f"{type(raised).__name__}: {message}" if message else type(raised).__name__


def _printable(text: str) -> str:
    """The text in one line, without pytest's colours and advice, without paths, and without what no file could hold.

    Without the full difference too, which pytest adds where CI is set: the reason is the same on every machine.
    """
    text = re.sub(r"\x1b\[[0-9;]*m|Use -v to get more diff", "", text).partition("Full diff:")[0]
    text = re.sub(r"(<module '[^']*') from '[^']*'", r"\1", text)
    return "".join(character for character in " ".join(text.split()) if character.isprintable())


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
