"""The recorder: streams what a run finds into a results file, and sums it up in the terminal.

A results file is JSON lines: a header, a line for each claim as it ends, a footer. Without its footer it reads as
incomplete, with all that was measured until then. `results.schema.json` describes each line.
"""

import datetime
import json
import os
import platform
import shutil
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest

from fixtures.claims import ERROR, NOT_CHECKED, Claim, Evidence
from fixtures.subject import Subject, packages

FORMAT = 1
SUITE = "0.1.0"
LATEST = "reports/latest/results.jsonl"

SUBJECT = pytest.StashKey[Subject]()
EVIDENCE = pytest.StashKey[Evidence]()
REPORTED = pytest.StashKey[Dict[str, Any]]()


class Recorder:
    """A pytest plugin. Beside xdist's workers it runs in the controller, which alone writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Optional[Dict[str, Any]] = None
        self.claims: List[Dict[str, Any]] = []
        self.deselected = 0
        self._started = time.time()
        self._sent_header = False

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: Any) -> Iterator[None]:
        """Where the claim ran: attach what it found to the report of its last phase, which travels to the controller."""
        outcome = yield
        claim = getattr(item, "claim", None)
        if claim is None:
            return
        report, subject = outcome.get_result(), item.config.stash[SUBJECT]
        found = item.stash.setdefault(REPORTED, {"verdict": ERROR, "reason": "it did not run"})
        if call.when == "call":
            found.update(_finding(claim, subject, call), evidence=item.config.stash[EVIDENCE].take())
        elif call.excinfo is not None:
            skipped = isinstance(call.excinfo.value, pytest.skip.Exception)
            reason = str(call.excinfo.value) if skipped else f"broken {call.when}: {_one_line(call.excinfo.value)}"
            found.update(verdict=NOT_CHECKED if skipped else ERROR, reason=reason)
        if call.when == "teardown":
            report.claim = {**_description(claim, subject), **found}
            report.header = None if self._sent_header else _header(item.config)
            self._sent_header = True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Where the file is written."""
        if "PYTEST_XDIST_WORKER" in os.environ:
            return
        if getattr(report, "header", None) and self.header is None:
            self.header = report.header
            self._open()
        if getattr(report, "claim", None):
            self._append(report.claim)
        elif report.when == "???" and self.header:  # xdist: the worker died under it
            self._append(_lost(report.nodeid))

    def pytest_deselected(self, items: List[pytest.Item]) -> None:
        """A selection is not the whole suite; the footer says so."""
        self.deselected += len(items)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the file, unless the run was interrupted: it then has no footer."""
        if self.header and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            seconds = round(time.time() - self._started, 3)
            footer = {"finished": _now(), "seconds": seconds, "claims": len(self.claims), "deselected": self.deselected}
            self._write({"record": "footer", **footer, "exit": int(exitstatus)})

    def _open(self) -> None:
        if self.path.parent.name == "latest" and self.path.exists():
            previous = self.path.parent.with_name("previous")
            shutil.rmtree(previous, ignore_errors=True)
            self.path.parent.rename(previous)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("", encoding="utf-8")
        assert self.header
        self._write({"record": "header", **self.header})

    def _append(self, claim: Dict[str, Any]) -> None:
        self.claims.append(claim)
        self._write({"record": "claim", **claim})

    def _write(self, record: Dict[str, Any]) -> None:
        with open(str(self.path), "a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False, sort_keys=False) + "\n")


def _header(config: pytest.Config) -> Dict[str, Any]:
    subject = config.stash[SUBJECT]
    return {
        "format": FORMAT,
        "suite": SUITE,
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
    }


def _description(claim: Claim, subject: Subject) -> Dict[str, Any]:
    """What a claim says of itself, as the results file has it."""
    replacement = claim.replacement
    return {
        "id": claim.id,
        "group": claim.group,
        "question": claim.question,
        "sentence": claim.sentence,
        "details": claim.details,
        "answers": list(claim.answers),
        "expected": claim.expected(subject),
        "instead": replacement.id if replacement else None,
        "bug": claim.bug or None,
    }


def _finding(claim: Claim, subject: Subject, call: Any) -> Dict[str, Any]:
    raised = call.excinfo.value if call.excinfo is not None else None
    if isinstance(raised, pytest.skip.Exception):
        return {"verdict": NOT_CHECKED, "reason": str(raised), "seconds": round(call.duration, 3)}
    reason = _one_line(raised) if raised is not None else None
    return {"verdict": claim.verdict(subject, raised), "reason": reason, "seconds": round(call.duration, 3)}


def _lost(nodeid: str) -> Dict[str, Any]:
    path, _, name = nodeid.partition("::")
    question = Path(path).stem
    identity = f"{question}/{name}".replace("test_", "").replace("_", "-")
    nothing: Dict[str, Any] = dict.fromkeys(["sentence", "details", "question"], "")
    return {
        "id": identity,
        "group": Path(path).parent.name,
        **nothing,
        "answers": [],
        "expected": None,
        "instead": None,
        "bug": None,
        "verdict": ERROR,
        "reason": "the process that checked it died",
    }


def _one_line(raised: BaseException) -> str:
    message = " ".join(str(raised).split())
    return f"{type(raised).__name__}: {message[:300]}" if message else type(raised).__name__


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
