"""What differs between two runs, as text and in Markdown."""

from dataclasses import dataclass
from typing import List, Optional

from reports import marked
from reports.results import Outcome, Run
from reports.text import printable
from reports.verdicts import SIGNS

MISSING = "(not in this run)"


@dataclass(frozen=True)
class Difference:
    """A claim whose verdict differs, or that only one of the runs has."""

    id: str
    one: Optional[Outcome]
    other: Optional[Outcome]

    @property
    def sentence(self) -> str:
        """What it claims."""
        outcome = self.other or self.one
        return outcome.sentence if outcome else ""

    @property
    def reason(self) -> str:
        """Why the second run found what it found; empty where it needs none."""
        return self.other.reason or "" if self.one and self.other else ""


def differences(one: Run, other: Run) -> List[Difference]:
    """Those of two runs, by id."""
    first, second = ({outcome.id: outcome for outcome in run.outcomes} for run in (one, other))
    pairs = [Difference(name, first.get(name), second.get(name)) for name in sorted({**first, **second})]
    return [pair for pair in pairs if _verdict(pair.one) != _verdict(pair.other)]


def as_text(one: Run, other: Run, found: List[Difference]) -> str:
    """A heading, then a line for each difference."""
    lines = [f"{one.subject.name} -> {other.subject.name}: {_number(len(found))}"]
    for pair in found:
        because = f" ({pair.reason})" if pair.reason else ""
        lines.append(f"{pair.id}: {_verdict(pair.one)} -> {_verdict(pair.other)}{because}")
    return "\n".join(map(printable, lines))


def as_markdown(one: Run, other: Run, found: List[Difference]) -> str:
    """The same as a table, with the sentences."""
    first, second = marked.cell(one.subject.name), marked.cell(other.subject.name)
    heading = f"### {first} → {second}: {_number(len(found))}\n"
    if not found:
        return heading
    rows = [
        [
            f"{marked.cell(pair.sentence)}<br>{marked.code_cell(pair.id)}",
            _signed(pair.one),
            f"{_signed(pair.other)} {marked.code_cell(pair.reason)}".strip(),
        ]
        for pair in found
    ]
    return f"{heading}\n{marked.table(['claim', first, second], rows)}\n"


def _verdict(outcome: Optional[Outcome]) -> str:
    return outcome.verdict if outcome else MISSING


def _signed(outcome: Optional[Outcome]) -> str:
    return f"{SIGNS[outcome.verdict]} {outcome.verdict}" if outcome else MISSING


def _number(count: int) -> str:
    return "no claim differs" if count == 0 else "1 claim differs" if count == 1 else f"{count} claims differ"
