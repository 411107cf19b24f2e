"""The terminal summary: a table by question, what is not as recorded and what to do about it, and where the report is."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

from packaging.version import Version

from reports.catalogue import place, topic_of
from reports.language import Language, can_show, spoken
from reports.text import padded, printable, width, wrapped
from reports.verdicts import DOES_NOT_HOLD, ERROR, HOLDS, LETTERS, NOT_CHECKED, SIGNS, VARIES, VERDICTS, drifted

PUBLISHED = Path(__file__).with_name("published") / "results"
COLOURS = {HOLDS: "green", DOES_NOT_HOLD: "yellow", VARIES: "cyan", NOT_CHECKED: "blue", ERROR: "red"}
COUNT, DRIFT, INDENT, NARROWEST = 5, 8, 4, 12  # cells of a count, of that of drifts, before a question, and for it at least
FEW = 12  # claims that do not hold are listed, if they are not more; all are in the pages
ENGLISH = Language()

Line = List[Tuple[str, Sequence[str]]]  # pieces of text, each with the names of its colour and weight
Claims = List[Dict[str, Any]]


def summarize(terminal: Any, recorder: Any) -> None:
    """Write the summary of a run to pytest's terminal, in the language of its locale."""
    if recorder is None or recorder.header is None:
        return
    encoding = getattr(sys.__stdout__, "encoding", None) or "ascii"
    say, signs = spoken(encoding), SIGNS if can_show("".join(SIGNS.values()), encoding) else LETTERS
    terminal.section(say("the verified FAQ"))
    for line in summary(recorder, say, terminal.config.get_terminal_writer().fullwidth, signs):
        for text, looks in line:
            terminal.write(text, **dict.fromkeys(looks, True))
        terminal.line("")


def summary(recorder: Any, say: Language, cells: int, signs: Dict[str, str]) -> Iterator[Line]:
    """The lines of the summary, for a terminal of so many cells."""
    yield _plain(printable(recorder.header["subject"]["name"]))
    yield from map(_plain, beyond(recorder.header["subject"], say=say))
    yield []
    yield from table(recorder.claims, say, cells, signs)
    yield []
    yield from refuted(recorder.claims, say, cells)
    yield from unchecked(recorder.claims, say, cells)
    yield from alarms(recorder.claims, say, cells)
    planned = recorder.header["claims"]
    if len(recorder.claims) < planned:
        done = len(recorder.claims)
        yield _red(say("incomplete: {done} of {planned} claims were checked", done=done, planned=planned))
    if recorder.trouble:
        yield _red(recorder.trouble)
    else:
        yield from _files(recorder, say)


def beyond(subject: Dict[str, str], published: Path = PUBLISHED, say: Language = ENGLISH) -> List[str]:
    """A line on a Keras that is newer than any of its distribution whose results are published; else none."""
    headers = [json.loads(path.read_bytes().split(b"\n")[0]) for path in published.glob("*.jsonl")]
    known = [h["subject"]["version"] for h in headers if h["subject"]["distribution"] == subject["distribution"]]
    newest = max(known, key=Version, default=subject["version"])
    if Version(subject["version"]) <= Version(newest):
        return []
    text = "newer than {newest}, the newest that the claims were recorded on: drift may be a change that is not recorded yet"
    return [say(text, newest=newest)]


def short(path: Path) -> str:
    """The path as one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if here in path.parents else path)


def table(claims: Claims, say: Language = ENGLISH, cells: int = 120, signs: Dict[str, str] = SIGNS) -> Iterator[Line]:
    """A line or more for each question, with the number of claims by verdict; verdicts that no claim has are left out.

    Questions of one topic of the catalogue stand together, and its number before the first of them.
    """
    verdicts = [verdict for verdict in VERDICTS if any(claim["verdict"] == verdict for claim in claims)]
    moved = any(map(_has_drifted, claims))
    rows = [(number, say.question(m[0]["id"], m[0]["question"]), m) for number, m in _by_question(claims)]
    everything = say("all questions")
    room = max(NARROWEST, cells - INDENT - COUNT * len(verdicts) - DRIFT * moved - 1)
    room = min(room, max(width(title) for title in [everything, *(title for _, title, _ in rows)]))
    heading: Line = [(" " * (INDENT + room), ())]
    heading += [(signs[verdict].rjust(COUNT), (COLOURS[verdict], "bold")) for verdict in verdicts]
    yield [*heading, (_right(say("drift"), DRIFT), ("red", "bold"))] if moved else heading
    for number, title, members in rows:
        first, *more = wrapped(printable(title), room)
        yield [(f"{number:>2}  {padded(first, room)}", ()), *_counts(members, verdicts)]
        yield from (_plain(" " * INDENT + line) for line in more)
    yield [(" " * INDENT + padded(everything, room), ("bold",)), *_counts(claims, verdicts)]
    yield []
    yield from _legend(verdicts, say, cells, signs)


def _legend(verdicts: Sequence[str], say: Language, cells: int, signs: Dict[str, str]) -> Iterator[Line]:
    """What the signs of the table mean, in as many lines as it takes."""
    start: Line = [(" " * (INDENT - 2), ())]
    line, used = list(start), INDENT - 2
    for verdict in verdicts:
        text = f"  {signs[verdict]} {say(verdict)}"
        if len(line) > 1 and used + width(text) > cells:
            yield line
            line, used = list(start), INDENT - 2
        line.append((text, (COLOURS[verdict],)))
        used += width(text)
    yield line


def _by_question(claims: Claims) -> List[Tuple[str, Claims]]:
    """The claims of each question, in the order of the pages, with the topic's number if it is another one."""
    questions: Dict[Tuple[str, str], Claims] = {}
    for claim in claims:
        questions.setdefault((claim["group"], claim["question"]), []).append(claim)
    places = {key: place(key[0], _answers(members), members[0]["id"].partition("/")[0]) for key, members in questions.items()}
    ordered = [questions[key] for key in sorted(questions, key=places.__getitem__)]
    topics = [topic_of(_answers(members)) for members in ordered]
    above = [None, *topics]
    return [(str(t) if t not in (None, a) else "", members) for t, a, members in zip(topics, above, ordered)]


def _counts(claims: Claims, verdicts: Sequence[str]) -> Line:
    """The numbers of a line of the table; that of the drifts only where there are any."""
    found = Counter(claim["verdict"] for claim in claims)
    moved = sum(map(_has_drifted, claims))
    counts = [(str(found[verdict] or "").rjust(COUNT), (COLOURS[verdict],)) for verdict in verdicts]
    return [*counts, (str(moved).rjust(DRIFT), ("red", "bold"))] if moved else list(counts)


def _answers(claims: Claims) -> List[str]:
    return [row for claim in claims for row in claim["answers"]]


def _has_drifted(claim: Dict[str, Any]) -> bool:
    return drifted(claim["verdict"], claim["expected"])


def refuted(claims: Claims, say: Language, cells: int) -> Iterator[Line]:
    """The claims that do not hold, as recorded, or how many there are. What is true instead is in the pages."""
    found = [claim for claim in claims if claim["verdict"] == claim["expected"] == DOES_NOT_HOLD]
    if len(found) > FEW:
        text = "{number} claims are not true on this Keras, as recorded: the page says what is true instead"
        yield from map(_plain, wrapped(say(text, number=len(found)), cells))
    elif found:
        yield _plain(say("not true on this Keras, as recorded:"))
        for claim in found:
            yield from _sentence(claim, say, cells, "- ")
    if found:
        yield []


def unchecked(claims: Claims, say: Language, cells: int) -> Iterator[Line]:
    """Why claims were not checked, and how many for each reason."""
    reasons = Counter(claim["reason"] for claim in claims if claim["verdict"] == NOT_CHECKED).most_common(FEW)
    if reasons:
        yield _plain(say("not checked, and why:"))
    for reason, number in reasons:
        lines = wrapped(printable(reason), cells - INDENT - COUNT)
        yield from (_plain(("" if n else str(number)).rjust(INDENT + COUNT - 2) + "  " + line) for n, line in enumerate(lines))
    if reasons:
        yield []


def alarms(claims: Claims, say: Language, cells: int) -> Iterator[Line]:
    """Each claim that drifted or could not be decided, after each of the two kinds what to do."""
    drifts = [claim for claim in claims if _has_drifted(claim)]
    errors = [claim for claim in claims if claim["verdict"] == ERROR]
    for claim in drifts:
        recorded, measured = say(claim["expected"]), say(claim["verdict"])
        text = "drift: {id}: recorded as '{recorded}', measured: {measured}"
        yield _red(say(text, id=claim["id"], recorded=recorded, measured=measured))
        yield from _sentence(claim, say, cells)
    if drifts:
        text = "if this Keras changed, record it in holds_on= of the claim; if not, it is a fault of this Keras"
        yield from _advice(say(text), cells)
    for claim in errors:
        yield _red(say("error: {id}: {reason}", id=claim["id"], reason=printable(claim["reason"])))
        yield from _sentence(claim, say, cells)
    if errors:
        text = "these say nothing of Keras yet: run one alone, pytest specs -k NAME, and mend its test or its surroundings"
        yield from _advice(say(text), cells)


def _sentence(claim: Dict[str, Any], say: Language, cells: int, mark: str = "") -> Iterator[Line]:
    lines = wrapped(printable(say.sentence(claim["id"], claim["sentence"])), cells - INDENT)
    yield from (_plain((" " * INDENT if number else mark.rjust(INDENT)) + line) for number, line in enumerate(lines))


def _advice(text: str, cells: int) -> Iterator[Line]:
    for number, line in enumerate(wrapped(text, cells - 3)):
        yield [("   " if number else "-> ", ("bold",)), (line, ("bold",))]
    yield []


def _files(recorder: Any, say: Language) -> Iterator[Line]:
    """Where the results are, and their pages: the one for a browser, and the one to read as text in this language."""
    wanted = ("index.html", "FAQ.zh.md" if say.code == "zh" else "FAQ.md")
    found = [(say("results:"), short(recorder.path))]
    found += [(say("page:"), short(page)) for page in recorder.pages if page.name in wanted]
    if not recorder.pages:
        found.append((say("pages:"), recorder.no_pages or f"python -m reports build {short(recorder.path)}"))
    longest = max(width(title) for title, _ in found)
    yield from (_plain(f"{padded(title, longest)} {text}") for title, text in found)


def _right(text: str, cells: int) -> str:
    return " " * (cells - width(text)) + text


def _plain(text: str) -> Line:
    return [(text, ())]


def _red(text: str) -> Line:
    return [(text, ("red",))]
