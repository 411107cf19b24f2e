"""The summary of a run in Markdown, for a step of GitHub's workflows, which names a file for it in the environment."""

import os
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List

from reports import marked
from reports.verdicts import DOES_NOT_HOLD, ERROR, SIGNS, VERDICTS, drifted

MOST = 100  # claims that are listed of each kind: a step may say a megabyte


def write(terminal: Any, recorder: Any) -> None:
    """Add the summary of a run to the file that `GITHUB_STEP_SUMMARY` names, if it names one; if it cannot, say so."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path or recorder is None or recorder.header is None:
        return
    try:
        with Path(path).open("ab") as file:
            file.write(summary(recorder.header, recorder.claims).encode("utf-8", "replace"))
    except OSError as error:
        terminal.line(f"the summary of this step cannot be written to {path} ({error.strerror})", red=True)


def summary(header: Dict[str, Any], claims: List[Dict[str, Any]]) -> str:
    """What was found: counts by verdict, then what drifted and what could not be decided."""
    found = Counter(claim["verdict"] for claim in claims)
    verdicts = [verdict for verdict in VERDICTS if found[verdict]]
    drifts = [claim for claim in claims if drifted(claim["verdict"], claim["expected"])]
    errors = [claim for claim in claims if claim["verdict"] == ERROR]
    parts = [f"## {marked.cell(header['subject']['name'])}: {_told(len(drifts), found[ERROR])}"]
    if len(claims) < header["claims"]:
        parts.append(f"**Incomplete**: {len(claims)} of {header['claims']} claims were checked.")
    if header["deselected"]:
        parts.append(f"A selection left out {header['deselected']} claims.")
    if verdicts:
        parts.append(marked.table([f"{SIGNS[verdict]} {verdict}" for verdict in verdicts], [[found[v] for v in verdicts]]))
    if drifts:
        parts.append(_listed(["drift", "recorded", "measured"], drifts, _drift))
    if errors:
        parts.append(_listed(["error", "why"], errors, lambda claim: [marked.code_cell(claim["reason"] or "")]))
    return "\n\n".join(parts) + "\n\n"


def _told(drifts: int, errors: int) -> str:
    said = [f"{number} {name}" for number, name in ((drifts, "drifted"), (errors, "undecided")) if number]
    return ", ".join(said) or "as recorded"


def _drift(claim: Dict[str, Any]) -> List[str]:
    reason = f" {marked.code_cell(claim['reason'])}" if claim["verdict"] == DOES_NOT_HOLD and claim["reason"] else ""
    return [claim["expected"], f"{SIGNS[claim['verdict']]} {claim['verdict']}{reason}"]


def _listed(heading: List[str], claims: List[Dict[str, Any]], cells: Any) -> str:
    """A table of these claims; of a great number only of the first."""
    rows = [[f"{marked.cell(c['sentence'])}<br>{marked.code_cell(c['id'])}", *cells(c)] for c in claims[:MOST]]
    more = f"\n\nand {len(claims) - MOST} more" if len(claims) > MOST else ""
    return marked.table(heading, rows) + more
