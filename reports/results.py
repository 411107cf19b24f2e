"""Results files: what a run of `pytest specs` found, read back and checked against `results.schema.json`.

A file that is cut off, because its run was killed, is a `Run` like any other, marked incomplete: all that was measured
before stays readable.
"""

import json
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

import fastjsonschema
import jsonschema

from reports.text import printable
from reports.verdicts import drifted

_SCHEMA = json.loads(Path(__file__).with_name("results.schema.json").read_text(encoding="utf-8"))
FORMAT = _SCHEMA["$defs"]["header"]["properties"]["format"]["const"]

# What a claim says of itself, the same in every column; and what a line may leave out that names where that is told.
TEXTS = ("group", "question", "sentence", "details", "source", "answers", "instead", "bug")
DEFAULTS: Dict[str, Any] = {"record": "claim", "reason": None, "seconds": None, "evidence": {}}


def validator(definition: str) -> Any:
    """What checks that a value is as one of the schema's definitions says."""
    return jsonschema.Draft202012Validator({"$defs": _SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"})


def fast_check(definition: str) -> Callable[[Any], bool]:
    """What tells the same, a hundred times sooner, without a word on what is wrong."""
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "$defs": _SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"}
    check = fastjsonschema.compile(schema)

    def is_valid(value: Any) -> bool:
        try:
            check(value)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    return is_valid


DEEPEST = 64  # levels of lists and objects in a line
LONGEST = 4 * 1024 * 1024  # bytes of a line
LONGEST_NUMBER = 300  # digits: more than that no float holds
HEARSAY = "../claims.json"  # where a published file's sentences stand: a results file opens no other
_VALIDATORS = {record: validator(record) for record in ("header", "claim", "footer")}
_FAST_CHECKS = {record: fast_check(record) for record in _VALIDATORS}


class ResultsError(Exception):
    """A results file that says nothing that can be relied on.

    The message is one line that names the file and says what to do.
    """


class NoFile(ResultsError):
    """There is no such file, or it cannot be read.

    A folder is none either.
    """


class NotJson(ResultsError):
    """A line is no JSON, and it is not the last one, which a killed run may have cut off.

    So it is another kind of file, or a damaged one.
    """


class NoHeader(ResultsError):
    """The first line is not a header.

    Either the run was killed before it wrote any, or the file's beginning is lost.
    """


class OtherFormat(ResultsError):
    """The file was written by a suite whose results have another format.

    What its lines mean is not known here.
    """


class NotAsDescribed(ResultsError):
    """A line is not what `results.schema.json` describes, or lines are missing or out of order.

    The file was changed after its run, or damaged.
    """


class Duplicate(ResultsError):
    """Two lines are about the same claim.

    Two runs wrote into one file, or two files were joined.
    """


@dataclass(frozen=True)
class Subject:
    """The Keras that was checked."""

    name: str
    distribution: str
    version: str
    backend: str
    backend_version: str
    python: str


@dataclass(frozen=True)
class Outcome:
    """A claim, as its test states it, and what the run found of it."""

    id: str
    group: str
    question: str
    sentence: str
    details: str
    source: str
    answers: List[str]
    expected: str
    instead: List[str]
    bug: Optional[str]
    verdict: str
    reason: Optional[str]
    seconds: Optional[float]
    evidence: Dict[str, Any]

    @property
    def drifted(self) -> bool:
        """Whether the measured verdict differs from the recorded one."""
        return drifted(self.verdict, self.expected)


@dataclass(frozen=True)
class Footer:
    """How a run ended that came to its end."""

    finished: str
    seconds: float
    claims: int
    exit: int


@dataclass(frozen=True)
class Run:
    """One results file: one subject, checked once. `planned` is the number of claims that the run set out to check.

    `commit` is the state of the suite that checked it, `None` where that is not known.
    """

    path: Path
    suite: str
    commit: Optional[str]
    subject: Subject
    packages: Dict[str, str]
    platform: str
    started: str
    planned: int
    deselected: int
    outcomes: Tuple[Outcome, ...]
    footer: Optional[Footer]

    @property
    def complete(self) -> bool:
        """Whether the run came to its end and decided every claim that it set out to check."""
        return self.footer is not None and len(self.outcomes) >= self.planned


def read(path: Path) -> Run:
    """Read a results file, cut off or not.

    Raises:
        ResultsError: it is missing, or its content cannot be relied on.
    """
    records = _records(path)
    if not records or not isinstance(records[0], dict) or records[0].get("record") != "header":
        raise NoHeader(f"{path} has no header, so it is no results file, or its beginning is lost: run pytest specs again")
    if records[0].get("format") != FORMAT:
        found = printable(str(records[0].get("format"))[:20])
        raise OtherFormat(
            f"{path} has format {found}, but this suite reads {FORMAT}: use the version that wrote it, or run again"
        )
    if "texts" in records[0]:
        if records[0]["texts"] != HEARSAY:
            raise NotAsDescribed(f"{path} is damaged: its sentences do not stand in {HEARSAY}: publish the column again")
        records = _told(path, records)
    for number, record in enumerate(records, start=1):
        _check(path, number, record)
    header, claims, footer = _in_order(path, records)
    return Run(
        path=path,
        subject=Subject(**header["subject"]),
        planned=header["claims"],
        outcomes=tuple(_made(Outcome, claim) for claim in claims),
        footer=_made(Footer, footer) if footer else None,
        **{name: header[name] for name in ("suite", "commit", "packages", "platform", "started", "deselected")},
    )


def _records(path: Path) -> List[Any]:
    """The lines' values. A last line that is cut off is left out."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise NoFile(f"{path} cannot be read ({error.strerror}): name a results file, which pytest specs writes") from error
    values = []
    for number, line in enumerate(lines, start=1):
        try:
            values += [_value(line)] if line.strip() else []
        except (ValueError, RecursionError) as error:
            if number == len(lines) and values:
                break
            raise NotJson(
                f"{path} is no results file, or damaged: line {number} is not JSON that a run writes: run pytest specs again"
            ) from error
    return values


def _told(path: Path, records: List[Any]) -> List[Any]:
    """The lines of a published file, completed by what its header names, and by the times in its footer."""
    beside = path.parent / HEARSAY
    try:
        texts = json.loads(beside.read_text(encoding="utf-8"))
        times = iter(records[-1].get("times", []))
        told = [
            {"expected": record["verdict"], **DEFAULTS, **texts[record["id"]], "seconds": next(times, None), **record}
            for record in records[1:-1]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = printable(f"{type(error).__name__}: {error}")[:120]
        raise NotAsDescribed(f"{path} and {beside} do not fit together ({why}): publish the column again") from error
    return [records[0], *told, records[-1]]


def _value(line: bytes) -> Any:
    if len(line) > LONGEST:
        raise ValueError("no line of a run is as long")
    value = json.loads(line.decode("utf-8"), parse_constant=_refuse, parse_int=_whole)
    level, depth = [value], 0
    while level:
        depth += 1
        level = [member for holder in level for member in _members(holder)]
    if depth > DEEPEST:
        raise ValueError("no line of a run is as deep")
    return value


def _members(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _whole(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("no number of a run is as long")
    return int(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check(path: Path, number: int, record: Any) -> None:
    kind = record.get("record") if isinstance(record, dict) else None
    if not isinstance(kind, str) or kind not in _VALIDATORS:
        raise NotAsDescribed(f"{path} is damaged: line {number} is no header, claim or footer: run pytest specs again")
    if _FAST_CHECKS[kind](record):
        return
    problem = jsonschema.exceptions.best_match(_VALIDATORS[kind].iter_errors(record))
    if problem is not None:
        where = printable(".".join(map(str, problem.absolute_path)))[:120] or kind
        what = printable(problem.message)[:120]
        raise NotAsDescribed(f"{path} is damaged: line {number}, {where}: {what}: run pytest specs again")


def _in_order(
    path: Path, records: List[Dict[str, Any]]
) -> Tuple[Dict[str, Any], List[Dict[str, Any]], Optional[Dict[str, Any]]]:
    """The header, the claims and the footer, if there is one."""
    header, claims = records[0], records[1:]
    footer = claims.pop() if claims and claims[-1]["record"] == "footer" else None
    if any(claim["record"] != "claim" for claim in claims):
        raise NotAsDescribed(f"{path} holds more than one run: keep each in a file of its own")
    if footer and footer["claims"] != len(claims):
        raise NotAsDescribed(f"{path} is damaged: it has {len(claims)} of {footer['claims']} claims: run pytest specs again")
    identity, times = max(Counter(claim["id"] for claim in claims).items(), key=lambda pair: pair[1], default=("", 0))
    if times > 1:
        raise Duplicate(f"{path} has {identity} {times} times: keep each run in a file of its own")
    return header, claims, footer


def _made(kind: Any, record: Dict[str, Any]) -> Any:
    return kind(**{field.name: record[field.name] for field in fields(kind)})
