"""Published results: a file for each column, small and stable, so that a change of verdict is a change of one line.

What claims say of themselves is the same in every column: it stands once, in `claims.json`. A column's file has of each
claim what was found there, and in its last line the times, which change from run to run.
"""

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Iterable

from reports.results import DEFAULTS, FORMAT, TEXTS, Outcome, ResultsError, Run
from reports.text import shortened

PUBLISHED = Path(__file__).with_name("published")
LONGEST = 72  # characters of a reason
FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/'\"]+/)+")  # of the machine that the run was made on


class NotWhole(ResultsError):
    """The run was cut off, or it was of a selection of the claims.

    What is published is what a whole run found.
    """


def publish(run: Run, folder: Path = PUBLISHED) -> Path:
    """Write a whole run, which its file's name names, as that column's published results, and return their path.

    Raises:
        NotWhole: the run was cut off, or of a selection.
        OSError: the folder cannot be written.
    """
    if not run.complete or run.deselected:
        raise NotWhole(f"{run.path} is of no whole run of the claims: run pytest specs without a selection, to its end")
    path = folder / "results" / run.path.name
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {outcome.id: {name: getattr(outcome, name) for name in TEXTS} for outcome in run.outcomes}
    sentences = folder / "claims.json"
    known = json.loads(sentences.read_text(encoding="utf-8")) if sentences.exists() else {}  # other columns may name more
    _replace(sentences, json.dumps({**known, **texts}, ensure_ascii=False, indent=0) + "\n")
    _replace(path, "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in _records(run)))
    return path


def _records(run: Run) -> Iterable[Dict[str, Any]]:
    """The lines of the file: those of the run, without what is said elsewhere."""
    assert run.footer
    header = {name: getattr(run, name) for name in ("suite", "commit", "packages", "platform", "started", "deselected")}
    texts = {"texts": "../claims.json"}
    yield {"record": "header", "format": FORMAT, **header, "subject": asdict(run.subject), "claims": run.planned, **texts}
    for outcome in run.outcomes:
        yield {"id": outcome.id, "verdict": outcome.verdict, **_found(outcome)}
    times = [None if outcome.seconds is None else round(outcome.seconds, 1) for outcome in run.outcomes]
    yield {"record": "footer", **asdict(run.footer), "times": times}


def _found(outcome: Outcome) -> Dict[str, Any]:
    """What was found but the verdict, as far as it is not what one would suppose."""
    reason = outcome.reason and shortened(FOLDERS.sub("…/", outcome.reason), LONGEST)
    found = {"expected": outcome.expected, "reason": reason, "evidence": outcome.evidence}
    supposed = {**DEFAULTS, "expected": outcome.verdict}
    return {name: value for name, value in found.items() if value != supposed[name]}


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, though another column is published at the same time."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    unfinished.write_bytes(text.encode("utf-8", "replace"))
    os.replace(str(unfinished), str(path))
