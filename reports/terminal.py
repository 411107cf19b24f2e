"""The terminal summary: a table by question, what is not as recorded and what to do about it, and where the report is."""

import json
import shutil
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple

from packaging.version import Version

from reports.catalogue import place, topic_of
from reports.verdicts import DOES_NOT_HOLD, ERROR, VERDICTS, drifted

PUBLISHED = Path(__file__).with_name("published") / "results"
TO_DO = {
    "drift": "if this Keras changed, record it in holds_on= of the claim; if not, it is a fault of this Keras",
    "error": "these say nothing of Keras yet: run one alone, pytest specs -k NAME, and mend its test or its surroundings",
}


def summarize(terminal: Any, recorder: Any) -> None:
    """Write the summary of a run to pytest's terminal."""
    if recorder is None or recorder.header is None:
        return
    terminal.section("the verified FAQ")
    terminal.line(recorder.header["subject"]["name"])
    for line in beyond(recorder.header["subject"]):
        terminal.line(line)
    for line in ["", *table(recorder.claims), "", *refuted(recorder.claims, max(110, shutil.get_terminal_size().columns))]:
        terminal.line(line)
    for line in alarms(recorder.claims):
        terminal.line(line, red=True)
    planned = recorder.header["claims"]
    if len(recorder.claims) < planned:
        terminal.line(f"incomplete: {len(recorder.claims)} of {planned} claims were checked", red=True)
    if recorder.trouble:
        terminal.line(recorder.trouble, red=True)
        return
    terminal.line(f"results: {short(recorder.path)}")
    for page in recorder.pages:
        terminal.line(f"page:    {short(page)}")
    if not recorder.pages:
        terminal.line(f"pages:   {recorder.no_pages or f'python -m reports build {short(recorder.path)}'}")


def beyond(subject: Dict[str, str], published: Path = PUBLISHED) -> List[str]:
    """A line on a Keras that is newer than any of its distribution whose results are published; else none."""
    headers = [json.loads(path.read_bytes().split(b"\n")[0]) for path in published.glob("*.jsonl")]
    known = [h["subject"]["version"] for h in headers if h["subject"]["distribution"] == subject["distribution"]]
    newest = max(known, key=Version, default=subject["version"])
    if Version(subject["version"]) <= Version(newest):
        return []
    return [f"newer than {newest}, the newest that the claims were recorded on: drift may be a change that is not recorded yet"]


def short(path: Path) -> str:
    """The path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)


def table(claims: List[Dict[str, Any]]) -> List[str]:
    """A line for each question, with the number of claims by verdict; verdicts that no claim has are left out.

    Questions of one topic of the catalogue stand together, and its number before the first of them.
    """
    questions: Dict[Tuple[str, str], List[Dict[str, Any]]] = {}
    for claim in claims:
        questions.setdefault((claim["group"], claim["question"]), []).append(claim)
    places = {key: place(key[0], _answers(members), members[0]["id"].partition("/")[0]) for key, members in questions.items()}
    ordered = [questions[key] for key in sorted(questions, key=places.__getitem__)]
    verdicts = [verdict for verdict in VERDICTS if any(claim["verdict"] == verdict for claim in claims)]
    width = max([len(question) for _, question in questions] + [len("all questions")])
    lines, above = ["  ".join(["".ljust(width + 4), *verdicts])], None
    for members in ordered:
        topic = topic_of(_answers(members))
        number, above = "" if topic in (None, above) else topic, topic
        lines.append(_counts(f"{number:>2}  {members[0]['question']:{width}}", members, verdicts))
    return [*lines, _counts(f"    {'all questions':{width}}", claims, verdicts)]


def _counts(title: str, claims: List[Dict[str, Any]], verdicts: List[str]) -> str:
    found = Counter(claim["verdict"] for claim in claims)
    return "  ".join([title, *(str(found[verdict] or "").rjust(len(verdict)) for verdict in verdicts)]).rstrip()


def _answers(claims: List[Dict[str, Any]]) -> List[str]:
    return [row for claim in claims for row in claim["answers"]]


def refuted(claims: List[Dict[str, Any]], width: int) -> List[str]:
    """A line for each claim that does not hold, as recorded. What is true instead is in the pages."""
    found = [claim for claim in claims if claim["verdict"] == claim["expected"] == DOES_NOT_HOLD]
    lines = ["  " + textwrap.shorten(claim["sentence"], width - 3, placeholder=" ...") for claim in found]
    return ["not true on this Keras, as recorded:", *lines, ""] if lines else []


def alarms(claims: List[Dict[str, Any]]) -> List[str]:
    """A line for each claim that drifted or could not be decided, after each of the two kinds what to do."""
    drifts = [claim for claim in claims if drifted(claim["verdict"], claim["expected"])]
    errors = [claim for claim in claims if claim["verdict"] == ERROR]
    lines = [f"drift: {claim['id']}: recorded as '{claim['expected']}', measured: {claim['verdict']}" for claim in drifts]
    lines += ["   " + TO_DO["drift"]] if drifts else []
    lines += [f"error: {claim['id']}: {claim['reason']}" for claim in errors]
    return lines + (["   " + TO_DO["error"]] if errors else [])
