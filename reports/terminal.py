"""The terminal summary: a table by question, what drifted, and where the report is."""

from collections import Counter
from typing import Any, Dict, List

VERDICTS = ("holds", "does not hold", "varies", "not checked", "error")


def drifted(claim: Dict[str, Any]) -> bool:
    """Whether what a run found of a claim differs from what is recorded. `not checked` and `error` are no drift."""
    return claim["verdict"] in VERDICTS[:3] and claim["verdict"] != claim["expected"]


def summarize(terminal: Any, recorder: Any) -> None:
    """Write the summary of a run to pytest's terminal."""
    if recorder is None or not recorder.claims:
        return
    terminal.section("the verified FAQ")
    terminal.line(f"{recorder.header['subject']['name']}\n")
    for line in table(recorder.claims):
        terminal.line(line)
    for claim in recorder.claims:
        if drifted(claim):
            terminal.line(f"drift: {claim['id']}: recorded as '{claim['expected']}', measured: {claim['verdict']}", red=True)
        elif claim["verdict"] == "error":
            terminal.line(f"error: {claim['id']}: {claim['reason']}", red=True)
    terminal.line("")
    terminal.line(f"results: {recorder.path}")


def table(claims: List[Dict[str, Any]]) -> List[str]:
    """A line for each question, with the number of claims by verdict; verdicts that no claim has are left out."""
    questions = sorted({(claim["group"], claim["question"]) for claim in claims})
    verdicts = [verdict for verdict in VERDICTS if any(claim["verdict"] == verdict for claim in claims)]
    width = max(len(question) for _, question in questions)
    lines = ["  ".join(["".ljust(width), *verdicts])]
    for _, question in questions:
        found = Counter(claim["verdict"] for claim in claims if claim["question"] == question)
        lines.append("  ".join([question.ljust(width), *(str(found[v] or "").rjust(len(v)) for v in verdicts)]))
    return lines
